#!/usr/bin/env luajit
-- Shows where in a picture a network looks, and what is inside the network.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local explain = require 'tocha.explain'
local image = require 'tocha.image'
local models = require 'tocha.models'

local methods = { 'saliency', 'gradcam', 'occlusion', 'lime' }
local cmd = torch.CmdLine()
cmd:text 'Writes maps of where a network looks as PNG files: PREFIX-saliency.png, -gradcam.png, -occlusion.png, -lime.png.\n'
cmd:option('--net', 'transfer.t7', 'a network that transfer.lua, cifar.lua or models.save wrote')
cmd:option('--picture', '', 'the picture')
cmd:option('--class', '', 'the class to explain, by name or number; the likeliest one by default')
cmd:option('--method', 'all', 'one of the maps, or all', { 'all', unpack(methods) })
cmd:option('--filters', 0, 'draw the filters of this convolution, counted from 1, too (PREFIX-filters.png)', { from = 0 })
cmd:option('--activations', 0, 'draw what this convolution makes of the picture, too (PREFIX-activations.png)', { from = 0 })
cmd:option('--size', 224, 'side of the maps in pixels, at least', { from = 1, to = 4096 })
cmd:option('--out', 'explain', 'the prefix of the files')
cmd:option('--threads', torch.getnumthreads(), 'of the engine; they do not change the result', { from = 1, to = 256 })
local options = cmd:parse(arg)
cmd:try(torch.setnumthreads, options.threads)
if options.picture == '' and options.filters == 0 then cmd:error '--picture or --filters is needed' end

local net = cmd:try(models.load, options.net)
local function file(name) return ('%s-%s.png'):format(options.out, name) end
if options.filters > 0 then
  cmd:try(explain.filters, net, file 'filters', options.filters)
  print(file 'filters')
end
if options.picture == '' then return end

local x = cmd:try(models.prepare, net, options.picture)
local names = net.info.classes or {}
local class = tonumber(options.class)
for k, name in ipairs(names) do
  if name == options.class then class = k end
end
if options.class ~= '' and not class then cmd:fail(('there is no class %s'):format(options.class)) end
for _, guess in ipairs(cmd:try(models.predict, net, options.picture)) do
  print(('%-20s %6.2f%%'):format(guess.class, 100 * guess.share))
end

local picture = explain.visible(net, x)
local factor = math.max(1, math.ceil(options.size / math.max(picture:size(2), picture:size(3))))
local function large(t) return image.scale(t, picture:size(3) * factor, picture:size(2) * factor, 'bilinear') end
for _, method in ipairs(methods) do
  if options.method == method or options.method == 'all' then
    local map, of = cmd:try(explain[method], net, x, class)
    cmd:try(image.save, file(method), explain.overlay(large(picture), large(map:contiguous())))
    print(('%s: %s'):format(file(method), names[of] or 'class ' .. of))
  end
end
if options.activations > 0 then
  cmd:try(explain.activations, net, x, file 'activations', options.activations)
  print(file 'activations')
end
