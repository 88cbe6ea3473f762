--- An episode as moving pictures.
-- @module tocha.rl.film
local torch = require 'tocha'
local image = require 'tocha.bindings.image'
local signed = require 'tocha.signed'
local own = require 'tocha.bindings.own'

local most = 501 -- frames: no environment that ships has a limit above 500 steps

--- Plays an episode without exploration, at most 500 steps of it, and writes it as a GIF file.
-- @function film
-- @tparam string path
-- @tparam Agent agent or any table with its method act
-- @tparam Environment env
-- @tparam number seed
-- @tparam[opt] number delay hundredths of a second between frames (4)
-- @treturn number the sum of the rewards
-- @treturn boolean whether the episode came to its end
local function film(path, agent, env, seed, delay)
  if not torch.isTypeOf(env, 'rl.Environment') then own.bad('film', 'env', 'an environment', env) end
  local seen, sum, over = env:reset(seed), 0, false
  local frames, row = { env:render 'image' }, env.observations:batch(1)
  while not over and #frames < most do
    row[1] = seen
    local reward, terminated, truncated
    seen, reward, terminated, truncated = env:step(agent:act(row, false)[1])
    sum, over = sum + reward, terminated or truncated
    frames[#frames + 1] = env:render 'image'
  end
  local good, why = image.saveGif(path, torch.stack(frames, 1), delay)
  if not good then own.raise(why) end
  return sum, over
end

return signed('film', { 'path', 'string', 'agent', 'agent', 'env', 'table', 'seed', 'whole', 'delay', 'count?' }, film)
