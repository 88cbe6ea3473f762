--- Why a network sees what it sees: maps over pictures, and sheets of filters and activations.
--
--     local explain = require 'tocha.explain'
--     local x = models.prepare(net, 'cat.jpg')
--     local map, class = explain.gradcam(net, x)
--     image.save('why.png', explain.overlay(explain.visible(net, x), map))
--
-- @module tocha.explain
local maps = require 'tocha.explain.maps'
local sheets = require 'tocha.explain.sheets'

local explain = { superpixels = require 'tocha.explain.superpixels' }
for _, part in ipairs { maps, sheets } do
  for name, f in pairs(part) do explain[name] = f end
end

--- The picture (C,H,W) of numbers from 0 to 1 that `models.prepare` made x of.
function explain.visible(net, x)
  local picture, info = x[1]:float():clone(), net.info
  for c = 1, picture:size(1) do
    picture[c]:mul(info.deviation[c] or info.deviation[1]):add(info.mean[c] or info.mean[1])
  end
  return picture:clamp(0, 1)
end

return explain
