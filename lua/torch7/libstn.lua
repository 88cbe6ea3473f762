--- Stands for the C library of the package stn (spatial transformers), so that its layers written in Lua load and work. Sets the
-- global stn.
-- @module libstn
local torch = require 'torch'
local own = require 'tocha.bindings.own'

local raise = own.raise
own.folder(debug.getinfo(1, 'S').source:match '^@(.*)$')

local stn = {}
rawset(_G, 'stn', stn)

local function need(good, name, images, grids, more)
  if good then return end
  local function sizes(t) return torch.isTensor(t) and table.concat(t:size():totable(), 'x') or torch.type(t) end
  raise(('stn: %s: images (N,H,W,C) and grids (N,h,w,2) do not fit: images %s, grids %s%s'):format(name, sizes(images),
    sizes(grids), more and ', the other (N,h,w,C) ' .. sizes(more) or ''))
end

local function check(name, images, grids, other)
  need(torch.isTensor(images) and torch.isTensor(grids) and images:dim() == 4 and grids:dim() == 4 and grids:size(4) == 2 and
    grids:size(1) == images:size(1) and grids:type() == images:type(), name, images, grids)
  need(torch.isTensor(other) and other:dim() == 4 and other:type() == images:type() and other:size(4) == images:size(4), name,
    images, grids, other)
  for d = 1, 3 do need(other:size(d) == grids:size(d), name, images, grids, other) end
end

-- Images (N,H,W,C) at the places of grids (N,h,w,2), where -1 and 1 are the middles of the first and the last row and column; 0
-- outside. The four pixels around a place count by its distance from them.
local function sample(images, grids)
  local n, h, w, c = images:size(1), images:size(2), images:size(3), images:size(4)
  local places, rows = grids:nElement() / 2, images:reshape(n * h * w, c)
  local function along(d, size) return torch.mul(torch.add(grids:select(4, d):reshape(places), 1), (size - 1) / 2) end
  local y, x = along(1, h), along(2, w)
  local top, left = torch.floor(y:detach()), torch.floor(x:detach())
  local first = torch.range(0, n - 1):long():mul(h * w):view(n, 1):expand(n, places / n):contiguous():view(places)
  local below, after = y - top, x - left
  local zero, sum = torch.zeros(1):typeAs(images), nil
  for down = 0, 1 do
    for right = 0, 1 do
      local row, column = torch.add(top, down), torch.add(left, right)
      local inside = row:ge(0):cmul(row:lt(h)):cmul(column:ge(0)):cmul(column:lt(w))
      local index = torch.where(inside, row, zero):long():mul(w):add(torch.where(inside, column, zero):long()):add(first):add(1)
      local weight = torch.cmul(down == 1 and below or torch.mul(below, -1) + 1, right == 1 and after or torch.mul(after, -1) + 1)
      local part = torch.cmul(rows:index(1, index), torch.where(inside, weight, zero):reshape(places, 1):expand(places, c))
      sum = sum and sum + part or part
    end
  end
  return sum:reshape(n, grids:size(2), grids:size(3), c)
end

local function backward(name, images, grids, gradOutput, gradImages, gradGrids)
  check(name, images, grids, gradOutput)
  need(torch.isTensor(gradGrids) and gradGrids:isSameSizeAs(grids), name, images, grids, gradGrids)
  local x, g = images:detach():clone(), grids:detach():clone():requiresGrad(true)
  local given
  torch.enableGrad(function()
    if gradImages then x:requiresGrad(true) end
    given = torch.grad(sample(x, g), gradImages and { x, g } or { g }, { gradOutputs = { gradOutput } })
  end)
  if gradImages then gradImages:add(given[1]) end
  gradGrids:copy(given[#given])
end

local kernels = {}

--- Writes the images at the places of the grids into output (N,h,w,C).
function kernels.BilinearSamplerBHWD_updateOutput(_, images, grids, output)
  local name = 'BilinearSamplerBHWD_updateOutput'
  check(name, images, grids, output)
  torch.noGrad(function() output:copy(sample(images, grids)) end)
end

--- Adds the gradient of the images to gradImages, and writes that of the grids into gradGrids.
function kernels.BilinearSamplerBHWD_updateGradInput(_, images, grids, gradImages, gradGrids, gradOutput)
  local name = 'BilinearSamplerBHWD_updateGradInput'
  check(name, images, grids, gradOutput)
  need(torch.isTensor(gradImages) and gradImages:isSameSizeAs(images), name, images, grids, gradImages)
  backward(name, images, grids, gradOutput, gradImages, gradGrids)
end

--- The gradient of the grids alone.
function kernels.BilinearSamplerBHWD_updateGradInputOnlyGrid(_, images, grids, _, gradGrids, gradOutput)
  backward('BilinearSamplerBHWD_updateGradInputOnlyGrid', images, grids, gradOutput, nil, gradGrids)
end

for _, name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
  local class = torch.getmetatable(name)
  class.nn = class.nn or {}
  for kernel, f in pairs(kernels) do class.nn[kernel] = f end
end

return stn
