-- Algorithms: what they are made of, that each learns, that each goes on from a file with the very numbers, bad input.
local torch = require 'tocha'
local nn = require 'tocha.nn'
local rl = require 'tocha.rl'
local space = require 'tocha.rl.space'

-- A walk on 1..5 from the middle; the right end is worth 1.
local Corridor = torch.class('test.Corridor', 'rl.Environment', {})
function Corridor:__init()
  self.name, self.limit, self.actions, self.observations = 'Corridor', 20, rl.Discrete(2), rl.Box({ 1 }, -2, 2)
end
function Corridor:begin() self.state = { at = 3 } end
function Corridor:move(action)
  self.state.at = self.state.at + (action == 2 and 1 or -1)
  return self.state.at == 5 and 1 or 0, self.state.at == 5 or self.state.at == 1
end
function Corridor:observe() return torch.FloatTensor { self.state.at - 3 } end

-- Say what you see: one step, which costs the square of the error (acting at random costs 1.7).
local Echo = torch.class('test.Echo', 'rl.Environment', {})
function Echo:__init() self.name, self.actions, self.observations = 'Echo', rl.Box({ 1 }, -2, 2), rl.Box({ 1 }, -1, 1) end
function Echo:begin() self.state = { x = self:uniform(-1, 1) } end
function Echo:move(action) return -(action[1] - self.state.x) ^ 2, true end
function Echo:observe() return torch.FloatTensor { self.state.x } end

local function vector(class, n) return rl.Vector(n, function() return class() end) end

local function run(agent, envs, steps)
  local seen = envs.seen or envs:reset(5)
  local last = agent.steps + steps
  while agent.steps < last do
    local step = envs:step(agent:act(seen, true))
    agent:learn(step)
    seen = step.seen
  end
end

local function score(agent, class)
  local envs = {}
  for i = 1, 50 do envs[i] = class() end
  return (rl.evaluate(agent, envs, 99))
end

local small = { hidden = '16', batch = 32, warmup = 50, replay = 1000, rate = 1e-2 }
local function with(base, more)
  local all = {}
  for k, v in pairs(base) do all[k] = v end
  for k, v in pairs(more or {}) do all[k] = v end
  return all
end

local cases = {
  { 'dqn', Corridor, with(small, { total = 600, nsteps = 1 }), .99 },
  { 'dqn', Corridor, with(small, { total = 600, double = false, dueling = true, prioritized = true, nsteps = 3 }), .99 },
  { 'reinforce', Corridor, { total = 3000, hidden = '16', rate = 1e-2 }, .99 },
  { 'a2c', Corridor, { total = 3000, hidden = '16', rate = 1e-2, normalize = true }, .99 },
  { 'ppo', Corridor, { total = 2048, hidden = '16', batch = 64, rate = 1e-2, epochs = 5 }, .99 },
  { 'ppo', Echo, { total = 8192, hidden = '16', batch = 64, rate = 1e-2, epochs = 5, normalize = true }, -.1 },
  { 'ddpg', Echo, with(small, { total = 500 }), -.15 },
  { 'ddpg', Echo, with(small, { total = 500, noise = 'ou' }), -.15 },
  { 'td3', Echo, with(small, { total = 500 }), -.15 },
  { 'sac', Echo, with(small, { total = 600 }), -.15 },
}

describe('algorithms', function()
  it('refuse what is no step', function()
    for name, class in pairs { dqn = Corridor, a2c = Corridor, sac = Echo } do
      local agent = rl.agent(name, vector(class, 1), {})
      assert.error_matches(function() agent:learn(nil) end, 'learn wants what envs:step%(actions%) gives, not a nil')
      assert.error_matches(function() agent:learn { observation = 1 } end, 'not a table without action')
    end
  end)

  for _, case in ipairs(cases) do
    it('learn: ' .. case[1], function()
      torch.manualSeed(3)
      local envs = vector(case[2], rl.width(case[1]))
      local agent = rl.agent(case[1], envs, case[3])
      run(agent, envs, case[3].total)
      local earned = score(agent, case[2])
      assert.is_true(earned >= case[4], ('%s earned %.3f'):format(case[1], earned))
    end)
  end

  it('learn: tables', function()
    for _, name in ipairs { 'qlearning', 'sarsa' } do
      torch.manualSeed(1)
      local envs = rl.Vector(1, 'FrozenLake', { slippery = false })
      local agent = rl.agent(name, envs, { total = 20000, rate = .5, lastEpsilon = .1 })
      run(agent, envs, 20000)
      assert.equal(1, (rl.evaluate(agent, { rl.make('FrozenLake', { slippery = false }) }, 1)))
    end
  end)

  it('learn both sides of a game', function()
    torch.manualSeed(1)
    local envs = rl.Vector(1, 'TicTacToe')
    local agent = rl.agent('qlearning', envs, { total = 60000 })
    assert.equal(-1, agent.config.gamma)
    run(agent, envs, 60000)
    local games = {}
    for i = 1, 200 do games[i] = rl.make 'TicTacToe' end
    local before, after = (rl.evaluate(rl.agent('qlearning', envs), games, 1)), (rl.evaluate(agent, games, 1))
    assert.is_true(after > before + .4, ('%.2f before, %.2f after'):format(before, after))
  end)

  it('go on from a file with the very numbers', function()
    local tables = { { 'qlearning', nil, { total = 400 } }, { 'sarsa', nil, { total = 400 } } }
    for _, list in ipairs { cases, tables } do
      for _, case in ipairs(list) do
        torch.manualSeed(4)
        local n = rl.width(case[1])
        local envs = case[2] and vector(case[2], n) or rl.Vector(n, 'Taxi')
        local agent = rl.agent(case[1], envs, case[3])
        run(agent, envs, 133 * n)
        local file, numbers = torch.serialize { agent = agent, envs = envs }, torch.getRNGState()
        run(agent, envs, 70 * n)
        local want = agent:snapshot()
        torch.setRNGState(numbers)
        local again = torch.deserialize(file)
        run(again.agent, again.envs, 70 * n)
        local got = again.agent:snapshot()
        assert.is_true((torch.isTensor(got) and got or got.parameters):equal(want.parameters or want), case[1])
      end
    end
  end)

  it('are of floats whatever the default type is', function()
    torch.setdefaulttensortype 'torch.DoubleTensor'
    local good, why = pcall(function()
      for _, case in ipairs(cases) do
        local envs = vector(case[2], rl.width(case[1]))
        local agent = rl.agent(case[1], envs, with(case[3], { total = 200 }))
        run(agent, envs, 200)
        assert.equal('torch.FloatTensor', agent.parameters:type())
      end
      run(rl.agent('dqn', vector(Corridor, 1), with(small, { dueling = true })), vector(Corridor, 1), 60)
    end)
    torch.setdefaulttensortype 'torch.FloatTensor'
    assert.is_true(good, why)
  end)

  it('take their policy back', function()
    local envs = vector(Corridor, 1)
    local agent = rl.agent('dqn', envs, small)
    local kept, x = agent:snapshot(), torch.FloatTensor { { 1 } }
    local before = agent.net:forward(x):clone()
    agent.parameters:uniform(-1, 1)
    assert.is_false(agent.net:forward(x):equal(before))
    agent:adopt(kept)
    assert.is_true(agent.net:forward(x):equal(before))
  end)

  it('name what is wrong', function()
    local function message(f, ...) return (select(2, pcall(f, ...))) end
    local pole, swing = rl.Vector(1, 'CartPole'), rl.Vector(1, 'Pendulum')
    assert.matches('there is no algorithm trpo; there are qlearning, sarsa, dqn', message(rl.agent, 'trpo', pole))
    assert.matches('agent: envs is a table, but an rl.Vector is needed', message(rl.agent, 'ppo', rl.make 'CartPole'))
    local agent = rl.agent('qlearning', rl.Vector(1, 'Taxi'), { exploration = .25 })
    assert.matches('^qlearning: epsilon=1 exploration=0.25 ', tostring(agent))
    assert.matches('dqn: there is no constant speed', message(rl.agent, 'dqn', pole, { speed = 2 }))
    assert.matches('dqn: the actions of Pendulum%-v1 are tensors of 1 from %-2 to 2; dqn needs a finite number',
      message(rl.agent, 'dqn', swing))
    assert.matches('sac: the actions of CartPole%-v1 are 1..2; sac needs numbers', message(rl.agent, 'sac', pole))
    assert.matches('sarsa: the observations of CartPole%-v1 are tensors of 4', message(rl.agent, 'sarsa', pole))
    for name, value in pairs { batch = 1.5, rate = 0, gamma = 2, hidden = 'wide', hidden2 = '64,0', noise = 'pink', critics = 0,
                               clip = -1, total = 0, deviation = -1, tau = 0 / 0 } do
      name = name:gsub('%d', '')
      assert.matches(': ddpg: ' .. name .. ' is .*, but it must be ', message(rl.agent, 'ddpg', swing, { [name] = value }))
    end
    assert.matches('dqn: double is 7, but it must be true or false', message(rl.agent, 'dqn', pole, { double = 7 }))
    assert.matches('sac: critics must be 2', message(rl.agent, 'sac', swing, { critics = 1 }))
    assert.matches('run.t7 holds a run of dqn, not of ppo', message(rl.check, rl.agent('dqn', pole), 'ppo', 'run.t7'))
    assert.matches('run.t7 holds no run of reinforcement learning', message(rl.check, nn.Linear(1, 1), nil, 'run.t7'))
  end)
end)

describe('the replay', function()
  -- Steps of one environment: observation k, reward k, the last of them ending as told.
  local function step(k, terminated, truncated)
    local function one(x) return torch.FloatTensor { x } end
    return { observation = torch.FloatTensor { { k } }, next = torch.FloatTensor { { k + 1 } }, action = torch.LongTensor { 1 },
             reward = one(k), terminated = one(terminated and 1 or 0), truncated = one(truncated and 1 or 0) }
  end
  local function replay(capacity, options)
    return rl.Replay(capacity, rl.Box { 1 }, rl.Discrete(2), with({ gamma = .5 }, options))
  end
  local function rows(r, name) return r.rows[name]:narrow(1, 1, r.count):contiguous():view(-1):totable() end

  it('keeps several steps as one, to the end of an episode and no further', function()
    local r = replay(10, { nsteps = 2 })
    r:add(step(1)) r:add(step(2)) r:add(step(3, true))
    r:add(step(10)) r:add(step(20, false, true))
    assert.same({ 1, 2, 3, 10, 20 }, rows(r, 'observation'))
    assert.same({ 2, 3.5, 3, 20, 20 }, rows(r, 'reward'))
    assert.same({ 3, 4, 4, 21, 21 }, rows(r, 'next'))
    assert.same({ .25, 0, 0, .25, .5 }, rows(r, 'discount'))
  end)

  it('gives way to what is new, and draws what it holds', function()
    local r = replay(3)
    for k = 1, 5 do r:add(step(k)) end
    assert.same({ 4, 5, 3 }, rows(r, 'observation'))
    local seen = {}
    local batch = r:sample(50)
    for i = 1, 50 do
      local k = batch.observation[{ i, 1 }]
      seen[k] = true
      assert.same({ k, k + 1, .5 }, { batch.reward[i], batch.next[{ i, 1 }], batch.discount[i] })
    end
    assert.same({ [3] = true, [4] = true, [5] = true }, seen)
    assert.has_error(function() replay(3):sample(1) end, 'replay: there is nothing to draw from yet')
  end)

  it('draws by priorities', function()
    local r = replay(5, { alpha = 1 })
    for k = 1, 5 do r:add(step(k)) end
    r.priority:update(torch.LongTensor { 1, 2, 3, 4, 5 }, torch.FloatTensor { 0, 1, 2, 3, 4 })
    torch.manualSeed(1)
    local times = { 0, 0, 0, 0, 0 }
    for _ = 1, 100 do
      local batch = r:sample(10)
      for i = 1, 10 do
        local k = batch.index[i]
        times[k] = times[k] + 1
        assert.is_true(math.abs(batch.share[i] - (k - 1) / 10) < 1e-5)
      end
    end
    for k = 1, 5 do assert.is_true(math.abs(times[k] - 100 * (k - 1)) < 40, times[k]) end
    local copy = torch.deserialize(torch.serialize(r.priority))
    assert.same(r.priority.sums, copy.sums)
  end)
end)

describe('the parts of algorithms', function()
  it('estimate advantages as their sum says, cut where episodes end', function()
    local envs = vector(Corridor, 2)
    local agent = rl.agent('ppo', envs, { hidden = '4', horizon = 6, gamma = .9, lambda = .7 })
    local kept = {}
    function agent.update(_, batch) kept.batch = batch end
    local estimate = agent.estimate
    function agent.estimate(self, seen)
      kept.rollout, kept.seen = self.rollout, seen
      return estimate(self, seen)
    end
    torch.manualSeed(2)
    run(agent, envs, 12)
    local rollout, T = kept.rollout, 6
    local function value(x) return agent.critic:forward(x):view(-1):clone() end
    local after = value(kept.seen)
    for i = 1, 2 do
      for t = 1, T do
        local want, weight = 0, 1
        for k = t, T do
          local live, following = rollout[k].live[i], k < T and rollout[k + 1].value[i] or after[i]
          want = want + weight * (rollout[k].reward[i] + .9 * following * live - rollout[k].value[i])
          weight = weight * .9 * .7 * live
        end
        assert.is_true(math.abs(want - kept.batch.advantage[(t - 1) * 2 + i]) < 1e-5)
      end
    end
  end)

  it('join values and advantages', function()
    local layer = rl.network.Dueling():double()
    local y = layer:forward(torch.DoubleTensor { { 1, 2, 4, 6 } })
    assert.same({ { -1, 1, 3 } }, y:totable())
    local x = torch.randn(2, 4):double():requiresGrad(true)
    assert.is_true(torch.gradcheck(function(input) return layer(input) end, { x }))
  end)

  it('know the densities of what they draw', function()
    local policy = require 'tocha.rl.policy'
    local p = policy.categorical(torch.log(torch.Tensor { { .2, .3, .5 } }))
    assert.is_true(math.abs(p:logProb(torch.LongTensor { 2 })[1] - math.log(.3)) < 1e-6)
    assert.is_true(math.abs(p:entropy()[1] + .2 * math.log(.2) + .3 * math.log(.3) + .5 * math.log(.5)) < 1e-6)
    assert.equal(3, p:best()[1])
    torch.manualSeed(1)
    local many = policy.categorical(torch.log(torch.Tensor { .2, .3, .5 }):view(1, 3):expand(20000, 3)):sample()
    for k, share in ipairs { .2, .3, .5 } do assert.is_true(math.abs(many:eq(k):float():mean() - share) < .02) end
    local g = policy.gaussian(torch.Tensor { { 1, 2 } }, torch.log(torch.Tensor { { .5, 2 } }))
    local density = math.exp(-.5 * 4 - .5 * .25) / (2 * math.pi)
    assert.is_true(math.abs(g:logProb(torch.Tensor { { 2, 1 } })[1] - math.log(density)) < 1e-6)
    assert.is_true(math.abs(g:entropy()[1] - math.log(2 * math.pi * math.exp(1))) < 1e-6)
  end)

  it('normalize by what came', function()
    local normalizer = require 'tocha.rl.normalizer' (2)
    local x = torch.randn(30, 2):mul(3):add(5)
    normalizer:add(x:narrow(1, 1, 7))
    normalizer:add(x:narrow(1, 8, 23))
    local y = normalizer:apply(x)
    assert.is_true(torch.abs(y:mean(1)):max() < 1e-5)
    assert.is_true(torch.abs(y:std(1, true) - 1):max() < 1e-5)
  end)

  it('have noise of the deviation asked for', function()
    torch.manualSeed(1)
    assert.is_true(math.abs(rl.noise.GaussianNoise(20000, 1, .3):sample():std() - .3) < .01)
    local slow = rl.noise.OrnsteinUhlenbeck(2000, 1, .2)
    for _ = 1, 2000 do slow:sample() end -- deviation^2 / (2 theta) in the end
    assert.is_true(math.abs(slow.now:std() - .2 / math.sqrt(.3)) < .03)
    slow:over(torch.ones(2000))
    assert.equal(0, slow.now:norm())
  end)

  it('hold spaces', function()
    assert.is_true(space.Box({ 2, 2 }, 0, 1):contains(torch.FloatTensor { { 0, 1 }, { .5, .5 } }))
    assert.is_false(space.Box({ 2, 2 }, 0, 1):contains(torch.FloatTensor { { 0, 1 }, { .5, 1.5 } }))
    assert.has_error(function() space.Discrete(0) end, 'Discrete: a whole number from 1 is needed, not 0')
    assert.error_matches(function() space.Box({ 0 }, 0, 1) end, 'Box: the shape is .*a table of sizes is needed')
    assert.error_matches(function() rl.Replay(3, rl.Box { 1 }, rl.Discrete(2), { gamma = 0 / 0 }) end,
      'Replay: .* gamma, from %-1 to 1')
    assert.error_matches(function() rl.noise.GaussianNoise(1, 1, 0 / 0) end, 'GaussianNoise: deviation is nan')
  end)
end)
