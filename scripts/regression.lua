#!/usr/bin/env luajit
-- Fits a line and a curve to noisy points and draws both.
local root = (arg and arg[0] or ''):match '^(.*)scripts/[^/]*$'
if root then package.path = root .. 'lua/?.lua;' .. root .. 'lua/?/init.lua;' .. package.path end
local torch = require 'tocha'
local nn = require 'tocha.nn'
local optim = require 'tocha.optim'
local plot = require 'tocha.train.plot'

local cmd = torch.CmdLine()
cmd:text 'Fits a line and a curve to noisy points and draws both.\n'
cmd:option('--plot', 'regression.png', 'the picture')
cmd:option('--seed', 1, 'of points and weights', { from = 0 })
local options = cmd:parse(arg)
torch.manualSeed(options.seed)

-- Trains net on points (x, y), both (N,1), with the mean square as loss.
local function fit(net, x, y, rate, steps)
  local criterion = nn.MSECriterion()
  local parameters, gradients = net:getParameters()
  local config, loss = { learningRate = rate }, nil
  local function feval()
    gradients:zero()
    loss = criterion:forward(net:forward(x), y)
    net:backward(x, criterion:backward(net.output, y))
    return loss, gradients
  end
  for _ = 1, steps do optim.adam(feval, parameters, config) end
  return loss
end

local function list(t) return t:view(-1):totable() end

local function panel(title, net, x, y, from, to)
  local grid = torch.linspace(from, to, 200):view(200, 1)
  return { title = title, xlabel = 'x', ylabel = 'y', curves = {
    { name = 'points', x = list(x), y = list(y), style = '.' },
    { name = 'fit', x = list(grid), y = list(net:forward(grid)) },
  } }
end

-- y = 2x + 1 and a little noise: one linear layer finds both numbers.
local x = torch.Tensor(60, 1):uniform(-2, 2)
local y = torch.mul(x, 2):add(1):add(torch.Tensor(60, 1):normal(0, 0.4))
local line = nn.Linear(1, 1)
local loss = fit(line, x, y, 0.05, 500)
print(('line: y = %.3f x + %.3f, mean square %.4f'):format(line.weight[1][1], line.bias[1], loss))

-- y = sin 2x: a hidden layer bends.
local u = torch.Tensor(200, 1):uniform(-3, 3)
local v = torch.mul(u, 2):sin():add(torch.Tensor(200, 1):normal(0, 0.15))
local curve = nn.Sequential():add(nn.Linear(1, 32)):add(nn.Tanh()):add(nn.Linear(32, 32)):add(nn.Tanh()):add(nn.Linear(32, 1))
print(('curve: mean square %.4f'):format(fit(curve, u, v, 0.01, 1500)))

if options.plot ~= '' then
  cmd:try(plot.figure, options.plot, { panel('A line', line, x, y, -2, 2), panel('A curve', curve, u, v, -3, 3) })
  print('drawn: ' .. options.plot)
end
