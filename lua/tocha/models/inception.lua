--- Inception v3 (Szegedy et al. 2015) without the head that helps training.
-- @module tocha.models.inception
local nn = require 'tocha.nn'
local parts = require 'tocha.models.parts'

-- Kernel and pad of {height, width} that keeps the size.
local row7, column7, row3, column3 = { 1, 7 }, { 7, 1 }, { 1, 3 }, { 3, 1 }
local function same(kernel)
  if type(kernel) == 'number' then return (kernel - 1) / 2 end
  return { (kernel[1] - 1) / 2, (kernel[2] - 1) / 2 }
end

local function unit(net, name, from, to, kernel, stride, pad)
  return parts.add(net, parts.conv(name .. '.conv', from, to, kernel, stride, pad), parts.norm(name .. '.bn', to, 1e-3),
    nn.ReLU(true))
end

-- A chain of units {suffix, planes, kernel[, stride]}; those with a stride have no padding.
local function chain(name, from, rows)
  local net = nn.Sequential()
  for _, row in ipairs(rows) do
    unit(net, name .. row[1], from, row[2], row[3], row[4], row[4] and 0 or same(row[3]))
    from = row[2]
  end
  return net
end

local function join(...) return parts.add(nn.Concat(2), ...) end
local function average() return nn.SpatialAveragePooling(3, 3, 1, 1, 1, 1) end
local function largest() return nn.SpatialMaxPooling(3, 3, 2, 2) end

local function pooled(name, from, planes)
  return unit(nn.Sequential():add(average()), name .. '.branch_pool', from, planes, 1)
end

local function blockA(name, from, pool)
  return join(chain(name .. '.branch1x1', from, { { '', 64, 1 } }),
    chain(name .. '.branch5x5_', from, { { 1, 48, 1 }, { 2, 64, 5 } }),
    chain(name .. '.branch3x3dbl_', from, { { 1, 64, 1 }, { 2, 96, 3 }, { 3, 96, 3 } }), pooled(name, from, pool)), 224 + pool
end

local function blockB(name, from)
  return join(chain(name .. '.branch3x3', from, { { '', 384, 3, 2 } }),
    chain(name .. '.branch3x3dbl_', from, { { 1, 64, 1 }, { 2, 96, 3 }, { 3, 96, 3, 2 } }), largest()), 480 + from
end

local function blockC(name, from, c)
  return join(chain(name .. '.branch1x1', from, { { '', 192, 1 } }),
    chain(name .. '.branch7x7_', from, { { 1, c, 1 }, { 2, c, row7 }, { 3, 192, column7 } }),
    chain(name .. '.branch7x7dbl_', from, { { 1, c, 1 }, { 2, c, column7 }, { 3, c, row7 }, { 4, c, column7 }, { 5, 192, row7 } }),
    pooled(name, from, 192)), 768
end

local function blockD(name, from)
  return join(chain(name .. '.branch3x3_', from, { { 1, 192, 1 }, { 2, 320, 3, 2 } }),
    chain(name .. '.branch7x7x3_', from, { { 1, 192, 1 }, { 2, 192, row7 }, { 3, 192, column7 }, { 4, 192, 3, 2 } }), largest()),
    512 + from
end

local function fork(net, name, from)
  return net:add(join(chain(name, from, { { 'a', 384, row3 } }), chain(name, from, { { 'b', 384, column3 } })))
end

local function blockE(name, from)
  return join(chain(name .. '.branch1x1', from, { { '', 320, 1 } }),
    fork(chain(name .. '.branch3x3_', from, { { 1, 384, 1 } }), name .. '.branch3x3_2', 384),
    fork(chain(name .. '.branch3x3dbl_', from, { { 1, 448, 1 }, { 2, 384, 3 } }), name .. '.branch3x3dbl_3', 384),
    pooled(name, from, 192)), 2048
end

--- @tparam table o dropout (0.5), classes
return function(o)
  local net, from = nn.Sequential(), 192
  unit(net, 'Conv2d_1a_3x3', 3, 32, 3, 2)
  unit(net, 'Conv2d_2a_3x3', 32, 32, 3)
  unit(net, 'Conv2d_2b_3x3', 32, 64, 3, 1, 1)
  net:add(largest())
  unit(net, 'Conv2d_3b_1x1', 64, 80, 1)
  unit(net, 'Conv2d_4a_3x3', 80, 192, 3)
  net:add(largest())
  for _, row in ipairs { { '5b', blockA, 32 }, { '5c', blockA, 64 }, { '5d', blockA, 64 }, { '6a', blockB }, { '6b', blockC, 128 },
                         { '6c', blockC, 160 }, { '6d', blockC, 160 }, { '6e', blockC, 192 }, { '7a', blockD }, { '7b', blockE },
                         { '7c', blockE } } do
    local block, to = row[2]('Mixed_' .. row[1], from, row[3])
    net:add(block)
    from = to
  end
  return parts.head(nn.Sequential():add(net), 'fc', from, o.classes, o.dropout or .5), from
end
