--- An episode as moving pictures.
-- @module tocha.rl.film
local torch = require 'tocha'
local image = require 'tocha.bindings.image'
local raise = require 'tocha.bindings.own'.raise

local most = 300 -- frames

--- Plays an episode without exploration and writes it as a GIF file.
-- @tparam string path
-- @tparam Agent agent
-- @tparam Environment env
-- @tparam number seed
-- @tparam[opt] number delay hundredths of a second between frames (4)
-- @treturn number the sum of the rewards
return function(path, agent, env, seed, delay)
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
  if not good then raise(why) end
  return sum
end
