--- How good a policy is: episodes of their own, apart from learning.
-- @module tocha.rl.evaluate
local torch = require 'tocha'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

-- Games against a player who moves at random, the sides by turns: 1 won, 0 drawn, -1 lost.
local function games(agent, game, count, seed)
  game:reset(seed)
  local won, drawn, lost = game:match(function(env) return agent:act(torch.LongTensor { env:observe() }, false)[1] end,
    function(env)
      local free = env:legal()
      return free[env:pick(#free)]
    end, count)
  local results = {}
  for i = 1, count do results[i] = i <= won and 1 or i <= won + drawn and 0 or -1 end
  return (won - lost) / count, results
end

--- Plays episodes side by side, without exploration; of a game for two, against a player who moves at random.
-- @function evaluate
-- @tparam Agent agent or any table with its method act
-- @tparam {Environment,...} envs one for each episode
-- @tparam number seed environment i gets seed + i - 1
-- @tparam[opt=1000] number limit steps after which an episode counts as it stands
-- @treturn number mean of the undiscounted sums of rewards
-- @treturn {number,...} the sums
local function evaluate(agent, envs, seed, limit)
  if not torch.isTypeOf(envs[1], 'rl.Environment') then raise 'evaluate: envs is no list of environments' end
  if envs[1].alternating then return games(agent, envs[1], #envs, seed) end
  local n, sums, left = #envs, {}, #envs
  local seen, over = envs[1].observations:batch(n), {}
  for i, env in ipairs(envs) do seen[i], sums[i] = env:reset(seed + i - 1), 0 end
  for _ = 1, limit or 1000 do
    if left == 0 then break end
    local actions = agent:act(seen, false)
    for i, env in ipairs(envs) do
      if not over[i] then
        local observation, reward, terminated, truncated = env:step(actions[i])
        seen[i], sums[i] = observation, sums[i] + reward
        if terminated or truncated then over[i], left = true, left - 1 end
      end
    end
  end
  return torch.DoubleTensor(sums):mean(), sums
end

return signed('evaluate', { 'agent', 'agent', 'envs', 'table', 'seed', 'whole', 'limit', 'count?' }, evaluate)
