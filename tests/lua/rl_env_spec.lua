-- Environments: whole episodes of Gymnasium's (tests/golden/gym.lua), the protocol, what bad input says, vectors, pictures.
local torch = require 'tocha'
local rl = require 'tocha.rl'

local here = debug.getinfo(1, 'S').source:match '^@(.*[/\\])'
local golden = dofile(here .. '../golden/gym.lua')

local function make(label)
  local name, kind = label:match '^(%S+)%s*(%S*)$'
  return rl.make(name, kind ~= '' and { slippery = kind == 'slippery' } or nil)
end

local function near(want, got, what)
  assert.is_true(math.abs(want - got) <= 1e-6, ('%s: %.9g, not %.9g'):format(what, got, want))
end

local function same(want, got, what)
  if type(want) == 'number' then return assert.equal(want, got, what) end
  for i, x in ipairs(want) do near(x, got[i], what) end
end

local function follow(row)
  local env, draw = make(row.name), 0
  if row.draws then
    function env.uniform()
      draw = draw + 1
      return row.draws[draw]
    end
  end
  local total, at = 0, 1
  env:restore(row.start)
  for k, action in ipairs(row.actions) do
    if type(action) == 'table' then action = torch.FloatTensor(action) end
    local seen, reward, terminated, truncated = env:step(action)
    total = total + reward
    local want = row.steps[at]
    if want[1] == k then
      same(want[2], seen, 'observation ' .. k)
      near(want[3], reward, 'reward ' .. k)
      at = at + 1
    end
    local last = k == #row.actions
    assert.same({ last and row.terminated, last and row.truncated }, { terminated, truncated })
  end
  assert.equal(#row.steps + 1, at)
  assert.is_true(math.abs(total - row.total) <= 1e-6 * math.max(1, math.abs(row.total)))
end

describe('environments', function()
  for i, row in ipairs(golden) do
    it(('do as Gymnasium: %s, episode %d of %d steps'):format(row.name, i, #row.actions), function() follow(row) end)
  end

  it('follow their seed and one protocol', function()
    for _, name in ipairs(rl.environments) do
      local function run(seed)
        local env, generator, trace = rl.make(name), torch.Generator(7), {}
        local seen, reward, terminated, truncated = env:reset(seed)
        for k = 1, 30 do
          assert.is_true(env.observations:contains(seen), name)
          trace[k] = { torch.isTensor(seen) and seen:totable() or seen, reward }
          if terminated or truncated then seen, terminated, truncated = env:reset(), nil, nil
          else seen, reward, terminated, truncated = env:step(env.actions:sample(generator)) end
        end
        return trace
      end
      assert.same(run(3), run(3), name)
    end
    local first = rl.make 'catch'
    local columns = {}
    for seed = 1, 20 do first:reset(seed) columns[first.state.column] = true end
    assert.is_true(#columns == 5)
  end)

  it('sample actions, begin in a given state and tell what they are, without a seed', function()
    for _, name in ipairs(rl.environments) do
      local env = rl.make(name)
      for _ = 1, 5 do assert.is_true(env.actions:contains(env.actions:sample()), name) end
    end
    local lake, seen = rl.make 'FrozenLake', {}
    for _ = 1, 40 do
      lake:restore { at = 10 }
      seen[(lake:step(3))] = true
    end
    assert.same({ [6] = true, [11] = true, [14] = true }, seen) -- right, or slipped up or down
    assert.equal('FrozenLake-v1: observations 1..16, actions 1..4', tostring(lake))
    assert.equal('2 x Taxi-v4: observations 1..500, actions 1..6', tostring(rl.Vector(2, 'Taxi')))
  end)

  it('go on from a file as they would have', function()
    for _, name in ipairs { 'CartPole', 'FrozenLake', 'Snake', 'Bandit' } do
      local env, generator = rl.make(name), torch.Generator(5)
      env:reset(2)
      local copy = torch.deserialize(torch.serialize(env))
      for _ = 1, 5 do
        local action = env.actions:sample(generator)
        local a, b = { env:step(action) }, { copy:step(action) }
        for k = 1, 4 do
          if torch.isTensor(a[k]) then a[k], b[k] = a[k]:totable(), b[k]:totable() end
        end
        assert.same(a, b)
        if a[3] then env:reset() copy:reset() end
      end
    end
  end)

  it('name what is wrong', function()
    local function fails(pattern, f) assert.has_error(f, pattern) end
    local function message(f) return (select(2, pcall(f))) end
    assert.matches('there is no environment Pong; there are CartPole%-v1, MountainCar%-v0', message(function() rl.make 'Pong' end))
    local env = rl.make 'CartPole'
    assert.matches('CartPole%-v1: no episode has begun: call reset', message(function() env:step(1) end))
    env:reset(1)
    for _, action in ipairs { 0, 3, 1.5, 'left', 0 / 0 } do
      assert.matches('CartPole%-v1: the action %S+ is not in 1..2', message(function() env:step(action) end))
    end
    assert.equal(0, env.steps)
    repeat until select(3, env:step(1))
    assert.matches('CartPole%-v1: the episode is over: call reset', message(function() env:step(1) end))
    local pendulum = rl.make 'Pendulum'
    pendulum:reset(1)
    assert.matches('the action {2.5} is not in tensors of 1 from %-2 to 2',
      message(function() pendulum:step(torch.FloatTensor { 2.5 }) end))
    assert.matches('is not in', message(function() pendulum:step(torch.FloatTensor { 0 / 0 }) end))
    assert.matches('is not in', message(function() pendulum:step(torch.FloatTensor { 0, 0 }) end))
    function pendulum.move() return 0 / 0, false end
    assert.matches('Pendulum%-v1: the reward of step 1 is %S+, not a number',
      message(function() pendulum:step(torch.FloatTensor { 0 }) end))
    assert.matches('rl_env_spec', message(function() env:step(1) end))
    fails("CartPole-v1: render knows 'text' and 'image', not 'sound'", function() env:render 'sound' end)
    fails('CartPole-v1: seed is 1.5, but a whole number is needed', function() env:reset(1.5) end)
    assert.matches('there is no environment CartPole%-v7', message(function() rl.make 'CartPole-v7' end))
    fails('FrozenLake-v1: there is no option ice; there are slippery', function() rl.make('FrozenLake', { ice = false }) end)
    fails('Snake: size is 1, but it must be a whole number from 2', function() rl.make('Snake', { size = 1 }) end)
    fails('film: env is a table, but an environment is needed', function() rl.film('x.gif', { act = print }, {}, 1) end)
    fails('evaluate: envs is no list of environments', function() rl.evaluate({ act = print }, rl.make 'Taxi', 1) end)
  end)

  it('are drawn as letters and as pictures', function()
    for _, name in ipairs(rl.environments) do
      local env = rl.make(name)
      env:reset(1)
      assert.truthy(#env:render() > 5)
      local image = env:render 'image'
      assert.equal('torch.ByteTensor', image:type())
      assert.equal(3, image:size(1))
      assert.is_true(image:max() > image:min(), name)
    end
    local lake = rl.make 'FrozenLake'
    lake:reset(1)
    assert.equal('@FFF\nFHFH\nFFFH\nHFFG', lake:render())
  end)
end)

describe('a bandit', function()
  it('pays about the means of its machine, whatever the seed', function()
    local one, other = rl.make('Bandit', { arms = 3 }), rl.make('Bandit', { arms = 3, machine = 2 })
    one:reset(1)
    local sum = 0
    for _ = 1, 900 do sum = sum + select(2, one:step(2)) end
    assert.is_true(math.abs(sum / 900 - one.means[2]) < .15)
    one:reset(7)
    assert.same(rl.make('Bandit', { arms = 3 }).means, one.means)
    assert.is_true(other.means[1] ~= one.means[1])
  end)
end)

describe('tic-tac-toe', function()
  it('is drawn between two players who never err, and lost by one who plays at random', function()
    local game, generator = rl.make 'TicTacToe', torch.Generator(1)
    local function perfect(env) return env:perfect() end
    local function random(env)
      local free = env:legal()
      return free[torch.random(generator, 1, #free)]
    end
    assert.same({ 0, 10, 0 }, { game:match(perfect, perfect, 10) })
    local won, drawn, lost = game:match(perfect, random, 100)
    assert.is_true(won > 80 and lost == 0 and won + drawn == 100)
    assert.is_true(select(3, game:match(random, perfect, 100)) > 80)
  end)

  it('is lost by who takes a field that is taken', function()
    local game = rl.make 'TicTacToe'
    game:reset()
    game:step(5)
    local _, reward, terminated = game:step(5)
    assert.same({ -1, true }, { reward, terminated })
  end)
end)

describe('vectors of environments', function()
  it('do as each alone would, and begin anew at once', function()
    local envs, alone = rl.Vector(3, 'CartPole'), {}
    local seen = envs:reset(4)
    for i = 1, 3 do
      alone[i] = rl.make 'CartPole'
      assert.same(alone[i]:reset(3 + i):totable(), seen[i]:totable())
    end
    local sums, ended = { 0, 0, 0 }, 0
    for k = 1, 60 do
      local actions = torch.LongTensor(3):fill(k % 3 == 0 and 1 or 2)
      local step = envs:step(actions)
      assert.same(seen:totable(), step.observation:totable())
      local returns = {}
      for i = 1, 3 do
        local after, reward, terminated, truncated = alone[i]:step(actions[i])
        sums[i] = sums[i] + reward
        assert.same(after:totable(), step.next[i]:totable())
        assert.same({ reward, terminated and 1 or 0, truncated and 1 or 0 },
          { step.reward[i], step.terminated[i], step.truncated[i] })
        if terminated or truncated then
          returns[#returns + 1], sums[i] = sums[i], 0
          after, ended = alone[i]:reset(), ended + 1
        end
        assert.same(after:totable(), step.seen[i]:totable())
      end
      assert.same(returns, step.returns)
      seen = step.seen
    end
    assert.is_true(ended > 3)
  end)

  it('want an action for each, and move all or none', function()
    local envs = rl.Vector(2, 'Taxi')
    assert.has_error(function() envs:step(torch.LongTensor { 1, 1 }) end, 'Taxi-v4: no episode has begun: call reset')
    envs:reset(1)
    assert.has_error(function() envs:step(torch.LongTensor { 1 }) end, 'Taxi-v4: 2 actions are needed, one for each environment')
    assert.has_error(function() envs:step(torch.LongTensor { 1, 7 }) end, 'Taxi-v4: the action 7 of environment 2 is not in 1..6')
    assert.same({ 0, 0 }, { envs.envs[1].steps, envs.envs[2].steps })
    for _, n in ipairs { 0, 1.5, 1e9 } do
      assert.has_error(function() rl.Vector(n, 'Taxi') end,
        'Vector: a whole number from 1 to 65536 is needed, not ' .. tostring(n))
    end
  end)
end)
