--- Printing tensors and storages, character by character as Torch7 did.
--
-- One format serves all numbers of a tensor: whole numbers without a point; else four digits behind it, with a scale printed once
-- where all are large or small together, and an exponent where they are not. Matrices break into blocks of columns at 80
-- characters; further dimensions print as matrices, the first index running fastest.
-- @module tocha.bindings.format
local C = require 'tocha.bindings.library'
local M = require 'tocha.bindings.class'
local size = require 'tocha.bindings.size'

local lineWidth = 80

-- Digits before the point: 0.05 -> -1, 0.5 -> 0, 5 -> 1.
local function exponent(value)
  return value == 0 and 1 or math.floor(math.log10(value)) + 1
end

-- Whether all numbers are whole, and the exponents of the smallest and largest size. A NaN spreads to both.
local function survey(values)
  local whole, least, most = true, math.huge, 0
  for i = 1, #values do
    local value = values[i]
    local magnitude = math.abs(value)
    if value ~= math.ceil(value) then whole = false end
    if value ~= value then return false, value, value end
    least, most = math.min(least, magnitude), math.max(most, magnitude)
  end
  return whole, exponent(least), exponent(most)
end

-- The format of one number, the scale by which all are divided (1: none), and the width of a number.
local function choose(values)
  if #values == 0 then return '%f', 1, 0 end
  local whole, least, most = survey(values)
  if least ~= least then return '%f', 1, least end
  if whole and most <= 9 then
    local width = math.max(least, most) + 1
    return '%' .. width .. 'd', 1, width
  end
  if whole then return '%11.4e', 1, 11 end
  if most - least > 4 then
    local width = (math.abs(most) > 99 or math.abs(least) > 99) and 12 or 11
    return '%' .. width .. '.4e', 1, width
  end
  if most > 5 or most < 0 then return '%7.4f', 10 ^ (most - 1), 7 end
  local width = most == 0 and 7 or most + 6
  return '%' .. width .. '.4f', 1, width
end

local function scaleText(scale) return ('%g *\n'):format(scale) end

local function vector(values, parts)
  local format, scale = choose(values)
  if scale ~= 1 then parts[#parts + 1] = scaleText(scale) end
  for i = 1, #values do parts[#parts + 1] = format:format(values[i] / scale) .. '\n' end
end

-- The numbers of nested tables, in one list.
local function flatten(rows, depth, values)
  for i = 1, #rows do
    if depth == 1 then values[#values + 1] = rows[i] else flatten(rows[i], depth - 1, values) end
  end
  return values
end

-- Columns first to last of the rows; the first line's indent is already there.
local function block(rows, first, last, format, scale, indent, parts)
  if scale ~= 1 then
    parts[#parts + 1] = scaleText(scale) .. ' ' .. indent
    indent = indent .. ' '
  end
  for i = 1, #rows do
    local cells = {}
    for j = first, last do cells[#cells + 1] = format:format(rows[i][j] / scale) end
    parts[#parts + 1] = (i > 1 and indent or '') .. table.concat(cells, ' ') .. '\n'
  end
end

local function matrix(rows, indent, parts, format, scale, width)
  local columns = #rows[1]
  local perLine = math.floor((lineWidth - #indent) / (width + 1))
  if perLine ~= perLine then perLine = columns end -- NaN: everything on one line
  parts[#parts + 1] = indent
  for first = 1, columns, perLine do
    local last = math.min(columns, first + perLine - 1)
    if perLine < columns then
      parts[#parts + 1] = ('%sColumns %d to %d\n%s'):format(first > 1 and '\n' or '', first, last, indent)
    end
    block(rows, first, last, format, scale, indent, parts)
  end
end

-- Advances the leading indices, the first one fastest; false after the last.
local function advance(counter, tensor)
  for d = 1, #counter do
    counter[d] = counter[d] + 1
    if counter[d] <= tensor:size(d) then return true end
    counter[d] = 1
  end
  return false
end

local function slices(tensor, values, parts, ...)
  local counter = {}
  for d = 1, tensor:dim() - 2 do counter[d] = 1 end
  repeat
    if #parts > 0 then parts[#parts + 1] = '\n' end
    local rows = values
    for d = 1, #counter do rows = rows[counter[d]] end
    parts[#parts + 1] = '(' .. table.concat(counter, ',') .. ',.,.) = \n'
    matrix(rows, ' ', parts, ...)
  until not advance(counter, tensor)
end

--- The text of a tensor.
function M.tensor:__tostring__()
  local parts, name = {}, M.rowOf(self).tensor
  local n, count = C.tch_tensor_dim(self), C.tch_tensor_count(self)
  if n == 0 and count == 0 then return ('[%s with no dimension]\n'):format(name) end
  if n == 0 then
    vector({ self:item() }, parts)
    return table.concat(parts) .. ('[%s scalar]\n'):format(name)
  end
  if count > 0 then
    local values = self:totable()
    if n == 1 then vector(values, parts)
    elseif n == 2 then matrix(values, '', parts, choose(flatten(values, 2, {})))
    else slices(self, values, parts, choose(flatten(values, n, {}))) end
  end
  parts[#parts + 1] = ('[%s of size %s]\n'):format(name, size.text(self))
  return table.concat(parts)
end

--- The text of a storage.
function M.storage:__tostring__()
  local parts = {}
  vector(self:totable(), parts)
  parts[#parts + 1] = ('[%s of size %d]\n'):format(M.rowOfStorage(self).storage, self:size())
  return table.concat(parts)
end
