-- What the specs of runs share: a network, its copy whose modules are called one by one, and their comparison.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local pair = {}

function pair.near(a, b, tolerance)
  if not a:isSameSizeAs(b) then
    error(('sizes are %s, not %s'):format(table.concat(a:size():totable(), 'x'), table.concat(b:size():totable(), 'x')), 2)
  end
  local d = torch.abs(a - b):max()
  if not (d <= (tolerance or 1e-4) * (1 + torch.abs(b):max())) then error('differ by ' .. d, 2) end
end

-- One training step of two networks; `on`: onto the gradients of the step before.
function pair.step(net, plain, x, g, on)
  for _, m in ipairs { net, plain } do
    m:training()
    if not on then m:zeroGradParameters() end
    m:forward(x)
    m:backward(x, g, 0.5)
  end
end

function pair.nearGradients(net, plain)
  local _, mine = net:parameters()
  local _, theirs = plain:parameters()
  for i, gradient in ipairs(theirs) do pair.near(mine[i], gradient) end
end

-- A copy whose modules have functions of their own, which are run one by one.
function pair.plainly(net)
  local plain = net:clone()
  plain:apply(function(m)
    if m.modules then return end
    for _, name in ipairs { 'updateOutput', 'updateGradInput', 'accGradParameters' } do
      local f = m[name]
      m[name] = function(...) return f(...) end
    end
  end)
  return plain
end

function pair.pooled()
  return nn.Sequential()
    :add(nn.SpatialConvolution(2, 6, 3, 3)):add(nn.ReLU(true)):add(nn.SpatialMaxPooling(2, 2))
    :add(nn.SpatialConvolution(6, 5, 3, 3, 1, 1, 1, 1)):add(nn.ReLU6(true)):add(nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1):ceil())
    :add(nn.SpatialConvolution(5, 4, 1, 1)):add(nn.ReLU(true)):add(nn.SpatialMaxPooling(3, 2, 1, 2))
    :add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(4 * 2 * 3, 3))
end

return pair
