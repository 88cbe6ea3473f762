--- What one call costs beside its numbers: nanoseconds of processor time for operations on three elements.
local torch = require 'tocha'
local nn = require 'tocha.nn'

local cases, order = {}, {}
local function case(name, run) -- run(n) makes n calls
  order[#order + 1], cases[name] = name, run
end

local a, b = torch.FloatTensor { 1, 2, 3 }, torch.FloatTensor { 4, 5, 6 }
local w = torch.FloatTensor { 0.5, 1, 2 }:requiresGrad(true)
local matrix = torch.FloatTensor(3, 3):fill(1)

case('t:fill(x)', function(n) for _ = 1, n do a:fill(1) end end)
case('t:add(u)', function(n) for _ = 1, n do a:add(b) end end)
case('t + u', function(n)
  local r
  for _ = 1, n do r = a + b end
  return r
end)
case('t + u on the tape', function(n)
  local r
  for _ = 1, n do r = a + w end
  return r
end)
case('t[i]', function(n)
  local sum = 0
  for i = 1, n do sum = sum + a[i % 3 + 1] end
  return sum
end)
case('t[i] = x', function(n) for i = 1, n do a[i % 3 + 1] = i end end)
case('m[{i, j}]', function(n)
  local sum = 0
  for i = 1, n do sum = sum + matrix[{ 2, i % 3 + 1 }] end
  return sum
end)
case('m[i][j]', function(n)
  local sum = 0
  for i = 1, n do sum = sum + matrix[2][i % 3 + 1] end
  return sum
end)
for _, name in ipairs { 'sum', 'norm', 'max' } do
  case(('t:%s()'):format(name), function(n)
    local sum = 0
    for _ = 1, n do sum = sum + a[name](a) end
    return sum
  end)
end
case('t:dot(u)', function(n)
  local sum = 0
  for _ = 1, n do sum = sum + a:dot(b) end
  return sum
end)
case('t:size(1)', function(n)
  local sum = 0
  for _ = 1, n do sum = sum + a:size(1) end
  return sum
end)
case('t:size()', function(n)
  local r
  for _ = 1, n do r = a:size() end
  return r
end)
case('linear:forward(t)', function(n)
  local linear = nn.Linear(3, 3):float()
  for _ = 1, n do linear:forward(a) end
end)
case('linear(t)', function(n)
  local linear = nn.Linear(3, 3):float()
  for _ = 1, n do linear(a) end
end)
case('backward, each node', function(n)
  for _ = 1, n / 20 do
    local y = w
    for _ = 1, 19 do y = torch.cmul(y, w) end
    y:sum():backward()
  end
end)

-- Best of several runs: the machine may be shared.
local function measure(run)
  local n, best = 50000, math.huge
  for _ = 1, 12 do
    local start = os.clock()
    run(n)
    best = math.min(best, (os.clock() - start) / n)
  end
  return best * 1e9
end

--- Prints all cases, a line each.
return function()
  for _, name in ipairs(order) do print(('%-20s %7.0f ns'):format(name, measure(cases[name]))) end
end
