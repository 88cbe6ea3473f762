#!/usr/bin/env luajit
-- Learns exclusive or: the smallest network that needs a hidden layer.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'

local cmd = torch.CmdLine()
cmd:text 'Learns exclusive or with one hidden layer.\n'
cmd:option('--steps', 500, 'steps of Adam', { from = 1 })
cmd:option('--seed', 1, 'of the weights', { from = 0 })
local options = cmd:parse(arg)
torch.manualSeed(options.seed)

local input = torch.Tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
local target = torch.Tensor { { 0 }, { 1 }, { 1 }, { 0 } }

local net = nn.Sequential():add(nn.Linear(2, 8)):add(nn.Tanh()):add(nn.Linear(8, 1)):add(nn.Sigmoid())
local criterion = nn.BCECriterion()
local parameters, gradients = net:getParameters()

local function feval()
  gradients:zero()
  local loss = criterion:forward(net:forward(input), target)
  net:backward(input, criterion:backward(net.output, target))
  return loss, gradients
end

local config = { learningRate = 0.05 }
for step = 1, options.steps do
  local _, losses = optim.adam(feval, parameters, config)
  if step % 100 == 0 then print(('step %d: loss %.4f'):format(step, losses[1])) end
end

local output = net:forward(input)
for i = 1, 4 do print(('%d xor %d = %.3f'):format(input[i][1], input[i][2], output[i][1])) end
