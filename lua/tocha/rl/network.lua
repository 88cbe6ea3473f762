--- Networks for spaces.
-- @module tocha.rl.network
local torch = require 'tocha'
local nn = require 'tocha.nn'
local signed = require 'tocha.signed'
local own = require 'tocha.bindings.own'
local derive = require 'tocha.nn.derive'

local network = {}

-- Values Q = V + A - mean(A) from a column V and columns A (Wang et al. 2016, equation 9).
local Dueling = torch.class('rl.Dueling', 'nn.Module', network)

derive(Dueling, function(_, input)
  local advantage = input:narrow(2, 2, input:size(2) - 1)
  return advantage - torch.mean(advantage, 2):expandAs(advantage) + input:narrow(2, 1, 1):expandAs(advantage)
end)

local activations = { relu = nn.ReLU, tanh = nn.Tanh }

-- Layers from observations to the first hidden features.
local function first(net, observations, hidden)
  if torch.type(observations) == 'rl.Discrete' then return net:add(nn.LookupTable(observations.n, hidden)) end
  local shape = observations.shape
  if #shape == 1 then return net:add(nn.Linear(observations:size(), hidden)) end
  net:add(nn.SpatialConvolution(shape[1], 16, 3, 3, 1, 1, 1, 1)):add(nn.ReLU())
  net:add(nn.SpatialConvolution(16, 16, 3, 3, 1, 1, 1, 1)):add(nn.ReLU())
  local size = 16 * shape[2] * shape[3]
  return net:add(nn.View(-1, size)):add(nn.Linear(size, hidden))
end

--- A network from observations to `outputs` numbers: dense layers, before them two convolutions if pixels are seen.
-- @param observations space
-- @tparam {number,...} hidden sizes of the dense layers
-- @tparam number outputs
-- @tparam[opt='relu'] string activation relu or tanh
function network.build(observations, hidden, outputs, activation)
  local Activation = activations[activation or 'relu']
  if not Activation then own.bad('build', 'activation', 'relu or tanh', activation) end
  local net = first(nn.Sequential(), observations, hidden[1]):add(Activation())
  for k = 2, #hidden do net:add(nn.Linear(hidden[k - 1], hidden[k])):add(Activation()) end
  return net:add(nn.Linear(hidden[#hidden], outputs))
end

--- A network from observations and actions {(N,...), (N,A)} to one value each.
function network.critic(observations, actions, hidden)
  local size = observations:size() + actions:size()
  local net = nn.Sequential():add(nn.JoinTable(2)):add(nn.Linear(size, hidden[1])):add(nn.ReLU())
  for k = 2, #hidden do net:add(nn.Linear(hidden[k - 1], hidden[k])):add(nn.ReLU()) end
  return net:add(nn.Linear(hidden[#hidden], 1))
end

--- Multiplies the weights and biases of the last linear layer, so that first guesses are small.
function network.scaleLast(net, factor)
  local last = net:get(net:size())
  last.weight:mul(factor)
  last.bias:mul(factor)
  return net
end

--- Sizes of layers from text such as "64,64".
function network.sizes(text)
  local list = {}
  for word in tostring(text):gmatch '[^,%s]+' do list[#list + 1] = tonumber(word) end
  return list
end

network.build = signed('build', { 'observations', 'space', 'hidden', 'sizes', 'outputs', 'count' }, network.build)
network.critic = signed('critic', { 'observations', 'space', 'actions', 'space', 'hidden', 'sizes' }, network.critic)
network.scaleLast = signed('scaleLast', { 'net', 'nn.Sequential', 'factor', 'number' }, network.scaleLast)

return network
