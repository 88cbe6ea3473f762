--- Recurrent layers over whole sequences, with the weights, names and order of PyTorch's.
--
--     nn.LSTM(inputSize, hiddenSize, {layers = 2, bidirectional = true, dropout = 0.1})
--
-- options: layers (1), bidirectional, bias (true), dropout (between layers, in training), batchFirst; for nn.RNN also
-- nonlinearity ('tanh' or 'relu').
--
-- Input: x (steps, batch, inputSize), with batchFirst (batch, steps, inputSize), or (steps, inputSize); or a table
-- {x [, h [, c]] [, lengths]} of it with the first states (layers * directions, batch, hiddenSize) and a LongTensor of
-- the steps of each sequence. A tensor gives the outputs y (steps, batch, directions * hiddenSize); a table gives
-- {y, h} or, from an LSTM, {y, h, c}, the states after the last steps.
-- @module tocha.nn.recurrent
local torch = require 'tocha'
local nn = require 'tocha.nn'
local F = require 'tocha.nn.functional'
local derive = require 'tocha.nn.derive'
local parameter = require 'tocha.nn.parameter'
local gradName = require 'tocha.nn.lines'.gradName
local takes = require 'tocha.nn.takes'
local raise = require 'tocha.bindings.own'.raise

-- The parent of RNN, GRU and LSTM.
local Recurrent, recurrent = torch.class('tocha.Recurrent', 'nn.Module', nn)

local kinds = { 'weight_ih', 'weight_hh', 'bias_ih', 'bias_hh' }

-- The names of the parameters of one layer in one direction: "weight_ih_l0_reverse".
local function names(self, layer, direction)
  local list = {}
  for i = 1, self.bias and 4 or 2 do
    list[i] = ('%s_l%d%s'):format(kinds[i], layer - 1, direction == 2 and '_reverse' or '')
  end
  return list
end

-- Calls f(names, layer, direction) for every layer and direction in order.
local function each(self, f)
  for layer = 1, self.layers do
    for direction = 1, self.bidirectional and 2 or 1 do f(names(self, layer, direction), layer, direction) end
  end
end

function Recurrent:__init(gates, inputSize, hiddenSize, options)
  recurrent.__init(self)
  options = parameter.options(self, options, 'layers bidirectional bias dropout batchFirst nonlinearity')
  gates, self.inputSize = parameter.number(self, 'gates', gates), parameter.number(self, 'inputSize', inputSize)
  self.hiddenSize, self.layers = parameter.number(self, 'hiddenSize', hiddenSize), options.layers or 1
  self.bidirectional, self.bias = options.bidirectional or false, options.bias ~= false
  self.dropout, self.batchFirst = options.dropout or 0, options.batchFirst or false
  if type(self.layers) ~= 'number' or self.layers < 1 or self.layers % 1 ~= 0 then
    raise(('%s: layers is %s, but a whole number from 1 is needed'):format(torch.type(self), tostring(self.layers)))
  end
  if type(self.dropout) ~= 'number' or not (self.dropout >= 0 and self.dropout < 1) then
    raise(('%s: dropout is %s, but 0 <= dropout < 1 is needed'):format(torch.type(self), tostring(self.dropout)))
  end
  each(self, function(list, layer)
    local width = layer == 1 and inputSize or hiddenSize * (self.bidirectional and 2 or 1)
    parameter.new(self, list[1], gates * hiddenSize, width)
    parameter.new(self, list[2], gates * hiddenSize, hiddenSize)
    for i = 3, #list do parameter.new(self, list[i], gates * hiddenSize) end
  end)
  self:reset()
end

function Recurrent:parameters()
  local params, grads = {}, {}
  each(self, function(list)
    for _, name in ipairs(list) do params[#params + 1], grads[#grads + 1] = self[name], self[gradName(name)] end
  end)
  return params, grads
end

--- Uniform in (-d, d), d = 1 / sqrt(hiddenSize) unless given.
function Recurrent:reset(deviation)
  local d = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(self.hiddenSize)
  for _, p in ipairs((self:parameters())) do p:uniform(-d, d) end
end

-- x, first states and lengths from what forward was given.
local function unpacked(input)
  if torch.isTensor(input) then return input, {} end
  local states, lengths = {}, nil
  for i = 2, #takes.table(input) do
    if takes.tensor(input[i]):type() == 'torch.LongTensor' then lengths = input[i] else states[#states + 1] = input[i] end
  end
  return input[1], states, lengths
end

local function check(self, x, states, wanted)
  if not torch.isTensor(x) then raise(('the first entry of the input is a %s, not a tensor'):format(torch.type(x))) end
  if x:dim() ~= 2 and x:dim() ~= 3 or x:size(x:dim()) ~= self.inputSize then
    raise(('the input is %s, but (steps, batch, %d) or (steps, %d) is needed'):format(
      table.concat(x:size():totable(), 'x'), self.inputSize, self.inputSize))
  end
  local count = self.layers * (self.bidirectional and 2 or 1)
  if #states ~= 0 and #states ~= wanted then
    raise(('%d first states were given, but %d are needed (or none)'):format(#states, wanted))
  end
  for _, state in ipairs(states) do
    if state:dim() ~= 3 or state:size(1) ~= count then
      raise(('a first state is %s, but (%d, batch, %d) is needed'):format(
        table.concat(state:size():totable(), 'x'), count, self.hiddenSize))
    end
  end
end

-- One layer: its directions side by side. `last[s]` collects the last states.
local function run(self, layer, x, states, lengths, last)
  local ys = {}
  for direction = 1, self.bidirectional and 2 or 1 do
    local p, index, first = {}, #last[1] + 1, {}
    for i, name in ipairs(names(self, layer, direction)) do p[i] = self[name] end
    for s, state in ipairs(states) do first[s] = torch.select(state, 1, index) end
    local y, h, c = self:step(x, p, first, lengths, direction == 2)
    ys[direction], last[1][index] = y, h
    if last[2] then last[2][index] = c end
  end
  return #ys == 1 and ys[1] or torch.cat(ys, 3)
end

-- compute(self, input) of a class whose cells have `wanted` states. What is made between layers lives as long as the tape needs
-- it.
local function forward(wanted)
  local function compute(self, input)
    local x, states, lengths = unpacked(input)
    check(self, x, states, wanted)
    local flat, last = x:dim() == 2, { {}, wanted == 2 and {} or nil }
    if flat then x = torch.view(x, x:size(1), 1, x:size(2))
    elseif self.batchFirst then x = torch.transpose(x, 1, 2) end
    for layer = 1, self.layers do
      if layer > 1 and self.dropout > 0 and self.train ~= false then x = F.dropout(x, self.dropout) end
      x = run(self, layer, x, states, lengths, last)
    end
    local y = flat and torch.select(x, 2, 1) or self.batchFirst and torch.transpose(x, 1, 2) or x
    if torch.isTensor(input) then return y end
    local out = { y }
    for _, list in ipairs(last) do out[#out + 1] = F.stack(list, 1) end
    return out
  end
  return takes.anything(function(self, input) return torch.scope(compute, self, input) end)
end

function Recurrent:__tostring__()
  return ('%s(%d -> %d%s%s)'):format(torch.type(self), self.inputSize, self.hiddenSize,
    self.layers > 1 and (', %d layers'):format(self.layers) or '', self.bidirectional and ', bidirectional' or '')
end

-- h' = tanh(W x + b + U h + d), or relu: (inputSize, hiddenSize [, {layers = 1, bidirectional =, bias = true, dropout = 0,
-- batchFirst =, nonlinearity = 'tanh'}]), x (steps, batch, inputSize)
local RNN, rnn = torch.class('tocha.RNN', 'tocha.Recurrent', nn)

function RNN:__init(inputSize, hiddenSize, options)
  self.nonlinearity = type(options) == 'table' and options.nonlinearity or 'tanh'
  if self.nonlinearity ~= 'tanh' and self.nonlinearity ~= 'relu' then
    raise(("nonlinearity is 'tanh' or 'relu', not %s"):format(tostring(self.nonlinearity)))
  end
  rnn.__init(self, 1, inputSize, hiddenSize, options)
end

function RNN:step(x, p, first, lengths, reverse)
  local y, h = F.rnn(x, p[1], p[2], p[3], p[4], first[1], lengths, self.nonlinearity == 'relu', reverse)
  return y, h
end
derive(RNN, forward(1))

-- Gated recurrent units (Cho et al. 2014): (inputSize, hiddenSize [, {layers = 1, bidirectional =, bias = true, dropout = 0,
-- batchFirst =}]), x (steps, batch, inputSize)
local GRU, gru = torch.class('tocha.GRU', 'tocha.Recurrent', nn)

function GRU:__init(...) gru.__init(self, 3, ...) end

function GRU:step(x, p, first, lengths, reverse)
  local y, h = F.gru(x, p[1], p[2], p[3], p[4], first[1], lengths, reverse)
  return y, h
end
derive(GRU, forward(1))

-- Long short-term memory (Hochreiter and Schmidhuber 1997): (inputSize, hiddenSize [, {layers = 1, bidirectional =, bias = true,
-- dropout = 0, batchFirst =}]), x (steps, batch, inputSize)
local LSTM, lstm = torch.class('tocha.LSTM', 'tocha.Recurrent', nn)

function LSTM:__init(...) lstm.__init(self, 4, ...) end

function LSTM:step(x, p, first, lengths, reverse)
  local y, h, _, c = F.lstm(x, p[1], p[2], p[3], p[4], first[1], lengths, first[2], reverse)
  return y, h, c
end
derive(LSTM, forward(2))
