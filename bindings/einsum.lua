--- torch.einsum: sums of products in Einstein's notation, by permutations, sums and one batched matrix product for each operand.
-- @module tocha.bindings.einsum
local own = require 'tocha.bindings.own'
local answer = require 'tocha.bindings.answer'
local size = require 'tocha.bindings.size'
local ops = require 'tocha.bindings.op'.ops

local fail = own.failWith

-- -- the notation -------------------------------------------------------------------------------------------------

-- A term as a list of labels; `...` becomes the labels '1', '2' ... of as many dimensions, the last one '1'.
local function labelsOf(term, hidden)
  local labels = {}
  local head, tail = term:match '^(%a*)%.%.%.(%a*)$'
  if not head and not term:find '^%a*$' then fail('einsum: %q is no list of letters with at most one ...', term) end
  for label in (head or term):gmatch '%a' do labels[#labels + 1] = label end
  local before = #labels
  for k = head and hidden or 0, 1, -1 do labels[#labels + 1] = tostring(k) end
  for label in (tail or ''):gmatch '%a' do labels[#labels + 1] = label end
  return labels, head and before
end

-- The labels of an operand, with its number of dimensions.
local function labelsFor(term, x, place)
  local letters = #term:gsub('%.', '')
  local hidden = x:dim() - letters
  local labels, open = labelsOf(term, math.max(hidden, 0))
  if hidden < 0 or hidden > 0 and not open then
    fail('einsum: operand %d has the sizes %s, but the labels %q', place, size.text(x), term)
  end
  return labels, open and hidden or 0
end

-- Labels of the result where the equation has no arrow: those of `...`, then what is there once, by the alphabet.
local function implied(terms, hidden)
  local count, once = {}, {}
  for label in terms:gmatch '%a' do count[label] = (count[label] or 0) + 1 end
  for label, n in pairs(count) do if n == 1 then once[#once + 1] = label end end
  table.sort(once)
  return labelsOf((hidden > 0 and '...' or '') .. table.concat(once), hidden)
end

local function parse(equation, tensors)
  if type(equation) ~= 'string' then fail('einsum: the equation is a %s', type(equation)) end
  local text = equation:gsub('%s', '')
  local left, right = text:match '^(.-)%->(.*)$'
  left = left or text
  local terms, operands, most = {}, {}, 0
  for term in (left .. ','):gmatch '([^,]*),' do terms[#terms + 1] = term end
  if #terms ~= #tensors then fail('einsum: %q is about %d tensors, but %d are given', equation, #terms, #tensors) end
  for i, term in ipairs(terms) do
    local labels, hidden = labelsFor(term, answer.need('einsum', tensors[i]), i)
    operands[i], most = { x = tensors[i], labels = labels }, math.max(most, hidden)
  end
  if right then return operands, (labelsOf(right, most)) end
  return operands, (implied(left, most))
end

-- The size of each label; 1 of a label of `...` is broadcast.
local function sizesOf(operands)
  local sizes = {}
  for i, operand in ipairs(operands) do
    for d, label in ipairs(operand.labels) do
      local n, known = operand.x:size(d), sizes[label]
      local loose = label:find '%d'
      if known and known ~= n and not (loose and (known == 1 or n == 1)) then
        fail('einsum: label %s has size %d in operand %d (%s), but %d before it', label, n, i, size.text(operand.x), known)
      end
      sizes[label] = (not known or known == 1 and loose) and n or known
    end
  end
  return sizes
end

-- -- the work -----------------------------------------------------------------------------------------------------

local function indexOf(list, value)
  for i = 1, #list do if list[i] == value then return i end end
end

-- A label that an operand has twice: its diagonal, for which both become the last dimension.
local function takeDiagonals(operand)
  local labels = operand.labels
  for d = #labels, 2, -1 do
    local first = indexOf(labels, labels[d])
    if first < d then
      local order, rest, sizes = {}, {}, {}
      for k = 1, #labels do
        if k ~= first and k ~= d then order[#order + 1], rest[#rest + 1], sizes[#sizes + 1] = k, labels[k], operand.x:size(k) end
      end
      local n = operand.x:size(d)
      order[#order + 1], order[#order + 2], sizes[#sizes + 1], rest[#rest + 1] = first, d, n * n, labels[d]
      local flat = ops.reshape(nil, ops.permute(nil, operand.x, order), sizes)
      operand.x, operand.labels = ops.slice(nil, flat, #sizes, 0, n, n + 1), rest
      return takeDiagonals(operand)
    end
  end
end

-- Sums over the labels that nothing needs.
local function sumOut(operand, needed)
  local dims, rest = {}, {}
  for d, label in ipairs(operand.labels) do
    if needed[label] then rest[#rest + 1] = label else dims[#dims + 1] = d end
  end
  if #dims > 0 then operand.x, operand.labels = ops.sum(nil, operand.x, dims, false), rest end
end

-- An operand as (batch, rows, columns) of three lists of labels; what it does not have is broadcast.
local function arrange(operand, sizes, ...)
  local order, shape, full = {}, {}, {}
  for part = 1, 3 do
    full[part] = 1
    for _, label in ipairs((select(part, ...))) do
      local d = indexOf(operand.labels, label)
      order[#order + 1], shape[#shape + 1] = d, sizes[label]
      full[part] = full[part] * sizes[label]
    end
  end
  local x = ops.permute(nil, operand.x, order)
  return ops.reshape(nil, ops.expand(nil, x, shape), full)
end

-- The product of two operands, summed over the labels that both have and nothing else needs.
local function contract(a, b, needed, sizes)
  local batch, summed, left, right = {}, {}, {}, {}
  for _, label in ipairs(a.labels) do
    local list = not indexOf(b.labels, label) and left or needed[label] and batch or summed
    list[#list + 1] = label
  end
  for _, label in ipairs(b.labels) do
    if not indexOf(a.labels, label) then right[#right + 1] = label end
  end
  local y = ops.bmm(nil, arrange(a, sizes, batch, left, summed), arrange(b, sizes, batch, summed, right))
  local labels, shape = {}, {}
  for _, list in ipairs { batch, left, right } do
    for _, label in ipairs(list) do labels[#labels + 1], shape[#shape + 1] = label, sizes[label] end
  end
  return { x = ops.reshape(nil, y, shape), labels = labels }
end

local function neededAfter(operands, i, result)
  local needed = {}
  for k = i + 1, #operands do for _, label in ipairs(operands[k].labels) do needed[label] = true end end
  for _, label in ipairs(result) do needed[label] = true end
  return needed
end

-- The dimensions in the order of the result.
local function finish(operand, result, sizes)
  local order, shape = {}, {}
  for _, label in ipairs(result) do
    order[#order + 1] = indexOf(operand.labels, label)
    shape[#shape + 1] = sizes[label]
  end
  if #result == 0 then return answer.number(ops.reshape(nil, operand.x, {})) end
  return ops.clone(nil, ops.expand(nil, ops.permute(nil, operand.x, order), shape))
end

local function einsum(equation, ...)
  local tensors = own.isTensor((...)) and { ... } or (...)
  if type(tensors) ~= 'table' then fail('einsum: tensors are needed, not a %s', type(tensors)) end
  local operands, result = parse(equation, tensors)
  local sizes, seen = sizesOf(operands), {}
  for _, label in ipairs(result) do
    if not sizes[label] then fail('einsum: no operand has the label %s of the result', label) end
    if seen[label] then fail('einsum: the result has the label %s twice', label) end
    seen[label] = true
  end
  for _, operand in ipairs(operands) do takeDiagonals(operand) end
  local sofar = operands[1]
  sumOut(sofar, neededAfter(operands, 1, result))
  for i = 2, #operands do
    local needed, both = neededAfter(operands, i, result), {}
    for label in pairs(needed) do both[label] = true end
    for _, label in ipairs(sofar.labels) do both[label] = true end
    sumOut(operands[i], both)
    sofar = contract(sofar, operands[i], needed, sizes)
  end
  return finish(sofar, result, sizes)
end

return { install = function(torch)
  --- einsum(equation, x, y, ...) or einsum(equation, {x, y, ...}): 'ij,jk->ik' is a matrix product, 'ii' a trace, 'bij->bji' a
  -- transposition; `...` stands for dimensions that are kept and broadcast.
  -- @treturn tensor; a number (on the tape a tensor without dimensions) where the result has no labels
  torch.einsum = einsum
end }
