--- Deep comparison within a tolerance: numbers, tensors, storages, tables of them.
-- Every function gives nil for equal values, else a sentence about the first difference.
-- @module tocha.tester.compare
local torch = require 'tocha'

local compare = {}

--- The greatest difference of the elements of two tensors of equal count; a NaN on one side alone is a difference without end.
local function distance(a, b)
  if a:nElement() == 0 then return 0 end
  a, b = a:detach(), b:detach()
  a, b = a:double():reshape(a:nElement()), b:double():reshape(b:nElement())
  local difference = torch.csub(a, b):abs()
  difference[a:eq(b)] = 0 -- infinities
  difference[torch.cmul(a:ne(a), b:ne(b))] = 0
  local most = difference:max()
  return most == most and most or math.huge
end

local function elements(what, a, b, tolerance)
  local most = distance(a, b)
  if most <= tolerance then return nil end
  return ('%sEQ(==) violation: max diff=%s, tolerance=%s'):format(what, most, tolerance)
end

--- @tparam boolean anyShape equal counts are enough
function compare.tensors(a, b, tolerance, anyShape)
  if a:type() ~= b:type() then return ('The tensors have different types (%s and %s)'):format(a:type(), b:type()) end
  if not anyShape and a:dim() ~= b:dim() then
    return ('The tensors have different dimensions (%d and %d)'):format(a:dim(), b:dim())
  end
  local same = a:isSameSizeAs(b)
  if anyShape then same = a:nElement() == b:nElement() end
  if not same then
    return ('The tensors have different sizes (%s and %s)'):format(table.concat(a:size():totable(), 'x'),
      table.concat(b:size():totable(), 'x'))
  end
  return elements('Tensor', a, b, tolerance)
end

function compare.storages(a, b, tolerance)
  if a:size() ~= b:size() then return ('The storages have different sizes (%d and %d)'):format(a:size(), b:size()) end
  local name, other = torch.type(a), torch.type(b)
  if name ~= other then return ('The storages have different types (%s and %s)'):format(name, other) end
  local tensor = torch[name:match('%.(%w+)Storage$') .. 'Tensor']
  return elements('Storage', tensor(a), tensor(b), tolerance)
end

--- Level by level, so that the difference reported is the one nearest to the root.
function compare.tables(a, b, tolerance)
  local queue, seen = { { a, b, nil } }, {}
  local at = 1
  while queue[at] do
    local x, y, place = queue[at][1], queue[at][2], queue[at][3]
    at = at + 1
    local function inside(key) return (place and place .. '.' or '') .. tostring(key) end
    for key, value in pairs(x) do
      local other = y[key]
      if other == nil then return ('Entry %s missing in second table (is %s in first)'):format(inside(key), tostring(value)) end
      if type(value) == 'table' and type(other) == 'table' then
        if seen[value] ~= other then
          seen[value] = other
          queue[#queue + 1] = { value, other, inside(key) }
        end
      else
        local difference = compare.values(value, other, tolerance)
        if difference then return ('At table location %s: %s'):format(inside(key), difference) end
      end
    end
    for key, value in pairs(y) do
      if x[key] == nil then
        return ('Entry %s missing in first table (is %s in second)'):format(inside(key), tostring(value))
      end
    end
  end
  return nil
end

--- Compares two values of any types; what is neither number, table, tensor nor storage must be the same by Lua's ==.
function compare.values(a, b, tolerance)
  if type(a) ~= type(b) then
    return ('EQ failed: values have different types (first: %s, second: %s)'):format(type(a), type(b))
  elseif type(a) == 'number' then
    if a == b or math.abs(a - b) <= tolerance then return nil end
    return ('EQ failed: %s ~= %s%s'):format(a, b, tolerance > 0 and (' with tolerance=%s'):format(tolerance) or '')
  elseif type(a) == 'table' then
    return compare.tables(a, b, tolerance)
  elseif torch.isTensor(a) and torch.isTensor(b) then
    return compare.tensors(a, b, tolerance)
  elseif torch.isStorage(a) and torch.isStorage(b) then
    return compare.storages(a, b, tolerance)
  elseif a == b then
    return nil
  end
  return ('EQ failed: %s (%s) ~= %s (%s)'):format(tostring(a), torch.type(a), tostring(b), torch.type(b))
end

return compare
