#!/usr/bin/env luajit
-- Learns to act: reinforcement learning in the environments that ship.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local rl = require 'tocha.rl'
local train = require 'tocha.train'

-- Options -------------------------------------------------------------------------------------------------------------
local cmd = torch.CmdLine()
cmd:text 'Learns to act in an environment and prints what the learned policy earns in episodes of their own.'
cmd:text('Environments: ' .. table.concat(rl.environments, ', '))
cmd:text('Algorithms: ' .. table.concat(rl.algorithms, ', ') .. '\n')
cmd:option('--env', 'CartPole', 'environment')
cmd:option('--algo', 'dqn', 'algorithm')
cmd:option('--steps', 0, 'steps of the environments in all; 0: what suits', { from = 0 })
cmd:option('--set', '', 'constants of the algorithm, such as rate=1e-3,hidden=64;64,dueling=true; ? lists them')
cmd:option('--evaluate', 0, 'steps between two evaluations; 0: a twentieth of all', { from = 0 })
cmd:option('--episodes', 20, 'episodes of an evaluation', { from = 1 })
cmd:option('--policy', 'auto', 'judged in the end: best (of the evaluations), last, or auto: the last of a table, else the best',
  { 'auto', 'best', 'last' })
cmd:option('--test', 100, 'episodes that the chosen policy is judged by', { from = 1 })
cmd:option('--seed', 1, 'of networks, environments and exploration', { from = 0 })
cmd:option('--threads', 1, 'of the engine; they do not change the result', { from = 1 })
cmd:option('--save', 'rl.t7', 'checkpoint written after each evaluation, the replay included; "" for none')
cmd:option('--resume', '', 'checkpoint to go on from, with its settings except those given here')
cmd:option('--plot', 'rl.png', 'picture of the learning curves; "" for none')
cmd:option('--film', '', 'GIF of an episode of the learned policy')
cmd:option('--quiet', false, 'print nothing but the last line')
local options, state, given = train.start(cmd, 'rl', { fixed = { 'env', 'algo', 'set' },
  holds = { agent = 'rl.Agent', envs = 'rl.Vector', history = 'table', best = 'table' } })
local function say(...) if not options.quiet then print(...) end end

-- name=value,... as a table; a number, true, false or text.
local function constants(text)
  local config, plain = {}, { ['true'] = true, ['false'] = false }
  for word in text:gmatch '[^,]+' do
    local name, value = word:match '^%s*(%w+)%s*=%s*(.-)%s*$'
    if not name then cmd:error(('--set wants name=value, not %q'):format(word)) end
    config[name] = plain[value]
    if config[name] == nil then config[name] = tonumber(value) or (value:gsub(';', ',')) end
  end
  if options.steps > 0 then config.total = options.steps end
  return config
end

-- The run -------------------------------------------------------------------------------------------------------------
if state then
  cmd:try(rl.check, state.agent, options.algo, options.resume)
  if given.steps and options.steps > 0 then state.agent.config.total = options.steps end
else
  local envs = cmd:try(rl.Vector, cmd:try(rl.width, options.algo), options.env)
  state = { script = 'rl', agent = cmd:try(rl.agent, options.algo, envs, constants(options.set:gsub('^%?$', ''))), envs = envs,
            history = { steps = {}, score = {}, ended = {}, returns = {} }, best = {}, options = options }
  envs:reset(1000 * options.seed)
end
local agent, envs, history, best = state.agent, state.envs, state.history, state.best
local total = agent.config.total
local every = options.evaluate > 0 and options.evaluate or math.ceil(total / 20)

say(('%s in %s: %s'):format(agent.name, envs.name, agent:text()))
if options.set == '?' then os.exit(0, true) end

local function copies(count)
  local list = {}
  for i = 1, count do list[i] = rl.make(envs.name) end
  return list
end
local judges = copies(options.episodes)

local function draw()
  train.plot(options.plot, { { name = 'exploring', x = history.ended, y = history.returns },
    { name = 'evaluation', x = history.steps, y = history.score } },
    { title = agent.name .. ' in ' .. envs.name, xlabel = 'steps', ylabel = 'sum of rewards' })
end

-- The mean of the episodes that ended since the last evaluation goes into the history.
local returns, timer = state.returns or {}, torch.Timer()
local function evaluate()
  local score = rl.evaluate(agent, judges, 10 ^ 6) -- the same episodes each time: what differs is the policy
  history.steps[#history.steps + 1], history.score[#history.score + 1] = agent.steps, score
  if #returns > 0 then
    history.ended[#history.ended + 1], history.returns[#history.returns + 1] = agent.steps, torch.DoubleTensor(returns):mean()
  end
  if not best.score or score >= best.score then best.score, best.steps, best.policy = score, agent.steps, agent:snapshot() end
  say(('step %d: %s, %.2f in %d episodes, %.1f s'):format(agent.steps, #returns > 0 and
    ('%.2f exploring'):format(history.returns[#history.returns]) or 'no episode ended', score, options.episodes, timer:time().real))
  for i = #returns, 1, -1 do returns[i] = nil end
  if options.save ~= '' then
    state.returns = returns
    cmd:try(train.checkpoint.save, options.save, state)
  end
  if options.plot ~= '' and #history.returns > 0 then cmd:try(draw) end
end

local bar = train.Progress(total, { label = agent.name, unit = 'steps', quiet = options.quiet })
local seen = envs.seen
local function due() return math.floor(agent.steps / every) end -- counts evaluations, whatever steps a run goes on from
local done = due()

local function move()
  local step = envs:step(agent:act(seen, true))
  agent:learn(step)
  if agent.loss ~= agent.loss then cmd:fail 'the loss is no number: a lower rate may help' end
  seen = step.seen
  for _, sum in ipairs(step.returns) do returns[#returns + 1] = sum end
  bar:update(agent.steps, (agent.loss and ('loss %.4f  '):format(agent.loss) or '') ..
    (returns[1] and ('last %.1f'):format(returns[#returns]) or ''))
end

while agent.steps < total do
  cmd:try(move)
  if due() > done or agent.steps >= total then
    bar:finish()
    evaluate()
    done = due()
  end
end
bar:finish()

-- The policy ----------------------------------------------------------------------------------------------------------
local last = options.policy == 'last' or options.policy == 'auto' and torch.isTypeOf(agent, 'rl.QLearning') -- its rates fall to 0
if best.policy and not last then agent:adopt(best.policy) end
if options.film ~= '' then
  local sum, over = cmd:try(rl.film, options.film, agent, rl.make(envs.name), 7)
  say(('%s of %.2f is in %s'):format(over and 'an episode' or 'the beginning of an episode', sum, options.film))
end
local score, sums = rl.evaluate(agent, copies(options.test), 2 * 10 ^ 9 + 10 ^ 5 * options.seed)
if envs.alternating then
  local game = rl.make(envs.name)
  game:reset(3 * 10 ^ 9 + options.seed)
  local won, drawn, lost = game:match(function(env) return agent:act(torch.LongTensor { env:observe() }, false)[1] end,
    game.perfect, options.test)
  say(('against the perfect player: %d won, %d drawn, %d lost'):format(won, drawn, lost))
end
table.sort(sums)
print(('%s in %s: %.2f over %d episodes (least %.2f), policy of step %d, %.1f s'):format(agent.name, envs.name, score, options.test,
  sums[1], not last and best.steps or agent.steps, timer:time().real))
