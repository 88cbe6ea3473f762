--- Convolutions over images (N, C, H, W) or (C, H, W) whose weights are not those of an ordinary one: connected by a
-- table, or of their own at every place.
-- @module tocha.nn.mapped
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local parameter = require 'tocha.nn.parameter'
local raise = require 'tocha.bindings.own'.raise

local SHAPE = '(N, C, H, W)'

-- -- tables of connections: rows {input plane, output plane} --------------------------------------------------------

nn.tables = {}

--- Every input plane to every output plane.
function nn.tables.full(nin, nout)
  local connections = torch.Tensor(nin * nout, 2)
  for j = 1, nout do
    for i = 1, nin do
      local row = connections[(j - 1) * nin + i]
      row[1], row[2] = i, j
    end
  end
  return connections
end

--- Plane i to plane i.
function nn.tables.oneToOne(planes)
  return torch.range(1, planes):view(-1, 1):expand(planes, 2):clone()
end

--- Each output plane sees nto input planes, which are dealt from shuffled packs of them all.
function nn.tables.random(nin, nout, nto)
  if nto > nin then raise(('tables.random: %d connections per output, but %d inputs'):format(nto, nin)) end
  local connections, deals = torch.Tensor(nto * nout, 2), math.floor(nin / nto)
  local pack
  for j = 1, nout do
    local deal = (j - 1) % deals
    if deal == 0 then pack = torch.randperm(nin) end
    local rows = connections:narrow(1, (j - 1) * nto + 1, nto)
    rows:select(2, 1):copy(pack:narrow(1, deal * nto + 1, nto))
    rows:select(2, 2):fill(j)
  end
  return connections
end

-- -- by table -------------------------------------------------------------------------------------------------------

-- The kernels (K, kH, kW) as a dense weight: kernel k stands at (to, from), or at (from, to).
local function dense(self, rows, columns, row, column)
  local connections = self.connTable:long()
  local at = torch.add(torch.mul(torch.add(connections:select(2, row), -1), columns), connections:select(2, column))
  local kernel = self.kH * self.kW
  local empty = self.weight.new(rows * columns, kernel):zero()
  local flat = F.reshape(self.weight, { self.weight:size(1), kernel })
  return F.reshape(F.index_add(empty, at, flat, 1, 1), { rows, columns, self.kH, self.kW })
end

local FROM, TO = 1, 2

local function mapped(name, forward)
  local class, parent = torch.class(name, 'nn.Module', nn)

  -- (connections, kW, kH [, dW, dH]); weight (K, kH, kW) for K rows of connections
  function class:__init(connections, kW, kH, dW, dH)
    parent.__init(self)
    if not torch.isTensor(connections) or connections:dim() ~= 2 or connections:size(2) ~= 2 then
      raise(name .. ': a table of connections with rows {input plane, output plane} is wanted')
    end
    self.connTable, self.kW, self.kH, self.dW, self.dH = connections, kW, kH, dW or 1, dH or 1
    self.nInputPlane, self.nOutputPlane = connections:select(2, FROM):max(), connections:select(2, TO):max()
    parameter.new(self, 'weight', connections:size(1), kH, kW)
    parameter.new(self, 'bias', self.nOutputPlane)
    self:reset()
  end

  -- The fan in of each output plane is the number of its connections.
  function class:reset(deviation)
    if deviation then return parameter.uniform(self, deviation) end
    local to, count = self.connTable:select(2, TO), {}
    for k = 1, to:size(1) do count[to[k]] = (count[to[k]] or 0) + 1 end
    local function bound(plane) return 1 / math.sqrt(self.kW * self.kH * (count[plane] or 1)) end
    for k = 1, to:size(1) do self.weight:select(1, k):uniform(-bound(to[k]), bound(to[k])) end
    for j = 1, self.nOutputPlane do self.bias[j] = torch.uniform(-bound(j), bound(j)) end
  end

  --- Takes a share away from all weights.
  function class:decayParameters(share)
    self.weight:add(-share, self.weight)
    self.bias:add(-share, self.bias)
  end

  derive(class, function(self, input)
    local x, back = batch(input, 3, SHAPE)
    local planes = self.nInputPlane
    if x:size(2) < planes then raise(('the input has %d planes, but %d are connected'):format(x:size(2), planes)) end
    return back(forward(self, x:size(2) > planes and x:narrow(2, 1, planes) or x))
  end)
end

-- (table, kW, kH [, dW, dH]): a convolution of the pairs of input and output planes that the rows of a table name (nn.tables
-- makes some)
mapped('nn.SpatialConvolutionMap', function(self, x)
  return F.conv2d(x, dense(self, self.nOutputPlane, self.nInputPlane, TO, FROM), self.bias, { self.dH, self.dW })
end)

-- (table, kW, kH [, dW, dH]): the transposed convolution of such pairs
mapped('nn.SpatialFullConvolutionMap', function(self, x)
  return F.conv_transpose2d(x, dense(self, self.nInputPlane, self.nOutputPlane, FROM, TO), self.bias,
    { self.dH, self.dW })
end)

-- -- without shared weights -----------------------------------------------------------------------------------------

-- (nInputPlane, nOutputPlane, iW, iH, kW, kH [, dW, dH, padW, padH]): weight (oH, oW, out, in, kH, kW), bias (out, oH,
-- oW) for images of iH by iW.
local Local, local_ = torch.class('nn.SpatialConvolutionLocal', 'nn.Module', nn)

function Local:__init(nInputPlane, nOutputPlane, iW, iH, kW, kH, dW, dH, padW, padH)
  local_.__init(self)
  self.nInputPlane, self.nOutputPlane, self.iW, self.iH, self.kW, self.kH = nInputPlane, nOutputPlane, iW, iH, kW, kH
  self.dW, self.dH, self.padW = dW or 1, dH or 1, padW or 0
  self.padH = padH or self.padW
  self.oW = math.floor((iW + 2 * self.padW - kW) / self.dW) + 1
  self.oH = math.floor((iH + 2 * self.padH - kH) / self.dH) + 1
  if self.oW < 1 or self.oH < 1 then
    raise(('nn.SpatialConvolutionLocal: a kernel of %dx%d in an image of %dx%d leaves no output'):format(kH, kW, iH, iW))
  end
  parameter.new(self, 'weight', self.oH, self.oW, nOutputPlane, nInputPlane, kH, kW)
  parameter.new(self, 'bias', nOutputPlane, self.oH, self.oW)
  self:reset()
end

function Local:reset(deviation)
  parameter.uniform(self, deviation, self.kW * self.kH * self.nInputPlane)
end

derive(Local, function(self, input)
  local x, back = batch(input, 3, SHAPE)
  local n, c, o, oH, oW = x:size(1), self.nInputPlane, self.nOutputPlane, self.oH, self.oW
  if x:size(2) ~= c or x:size(3) ~= self.iH or x:size(4) ~= self.iW then
    raise(('the images are %s, but %dx%dx%d are wanted'):format(table.concat(x[1]:size():totable(), 'x'), c, self.iH,
      self.iW))
  end
  local pad = { 0, 0, self.padH, self.padW }
  if self.padH > 0 or self.padW > 0 then x = F.pad(x, pad, pad, 0) end
  local seen = x:unfold(3, self.kH, self.dH):unfold(4, self.kW, self.dW) -- (N, C, oH, oW, kH, kW)
  local inputs, places = c * self.kH * self.kW, oH * oW
  local rows = F.reshape(F.permute(seen, { 3, 4, 1, 2, 5, 6 }), { places, n, inputs })
  local y = torch.bmm(rows, F.reshape(self.weight, { places, o, inputs }):transpose(2, 3)) -- (places, N, out)
  y = F.reshape(F.permute(y, { 2, 3, 1 }), { n, o, oH, oW })
  return back(torch.add(y, F.reshape(self.bias, { 1, o, oH, oW })))
end)

function Local:__tostring__()
  local s = ('%s(%d -> %d, %dx%d, %dx%d'):format(torch.type(self), self.nInputPlane, self.nOutputPlane, self.iW,
    self.iH, self.kW, self.kH)
  local padded = self.padW ~= 0 or self.padH ~= 0
  if self.dW ~= 1 or self.dH ~= 1 or padded then s = s .. (', %d,%d'):format(self.dW, self.dH) end
  if padded then s = s .. ', ' .. self.padW .. ',' .. self.padH end
  return s .. ')'
end
