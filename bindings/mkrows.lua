-- Reads op rows. Returns a function of file names that gives the list of ops (also by name) and the C type of each kind of
-- attribute. An op: name, inputs {name, optional, list, updated, constant}, attributes {name, kind, default}, outputs {name,
-- plain}, the row's texts, and for a scalar row `saves`, the inputs that its gradients read.

-- -- reading rows -------------------------------------------------------------------------------------------------

local function stripComments(text) return (text:gsub('/%*.-%*/', ' ')) end

-- Splits "a, f(b, c), \"d, e\"" at its top-level commas.
local function arguments(text)
  local parts, depth, quoted, start = {}, 0, false, 1
  for i = 1, #text do
    local ch = text:sub(i, i)
    if ch == '"' then quoted = not quoted
    elseif not quoted and ch == '(' then depth = depth + 1
    elseif not quoted and ch == ')' then depth = depth - 1
    elseif not quoted and depth == 0 and ch == ',' then
      parts[#parts + 1] = text:sub(start, i - 1)
      start = i + 1
    end
  end
  parts[#parts + 1] = text:sub(start)
  for i, part in ipairs(parts) do parts[i] = part:match('^%s*"?(.-)"?%s*$') end
  return parts
end

local function parseInputs(text, row)
  local inputs = {}
  for word in text:gmatch('%S+') do
    local name, flags = word:match('^([%a_][%w_]*)([?~!*]*)$')
    assert(name, row .. ': bad input ' .. word)
    inputs[#inputs + 1] = {
      name = name, optional = flags:find('?', 1, true) ~= nil, list = flags:find('*', 1, true) ~= nil,
      updated = flags:find('!', 1, true) ~= nil, constant = flags:find('[~!]') ~= nil,
    }
  end
  for i = 1, #inputs - 1 do assert(not inputs[i].list, row .. ': a list must be the last input') end
  return inputs
end

local types = { int = 'int64_t', float = 'double', bool = 'bool', ints = 'tch_ints', rng = 'tch_random *' }

local function parseAttributes(text, row)
  local attributes = {}
  for word in text:gmatch('%S+') do
    local name, kind, equals, default = word:match('^([%a_][%w_]*):(%a+)(=?)(.*)$')
    assert(name and types[kind], row .. ': bad attribute ' .. word)
    attributes[#attributes + 1] = { name = name, kind = kind, default = equals == '=' and default or nil }
  end
  return attributes
end

local function parseOutputs(text, row)
  local outputs = {}
  for word in text:gmatch('%S+') do
    local name, flag = word:match('^([%a_][%w_]*)(~?)$')
    assert(name, row .. ': bad output ' .. word)
    outputs[#outputs + 1] = { name = name, plain = flag == '~' }
  end
  return outputs
end

local ops = {}
local function addOp(name, inputs, attributes, outputs)
  assert(not ops[name], 'two rows for op ' .. name)
  local op = { name = name, inputText = inputs, attrText = attributes, outputText = outputs,
               inputs = parseInputs(inputs, name), attributes = parseAttributes(attributes, name),
               outputs = parseOutputs(outputs, name) }
  ops[#ops + 1], ops[name] = op, op
end

local function uses(word, expressions)
  for _, e in ipairs(expressions) do
    if (' ' .. e .. ' '):find('[^%w_]' .. word .. '[^%w_]') then return true end
  end
end

-- A scalar row's parameters a and b become attributes where its expressions name them.
local function parameters(expressions)
  if uses('b', expressions) then return 'a:float=1 b:float=0' end
  return uses('a', expressions) and 'a:float=1' or ''
end

-- Bits of the operands that an expression names.
local function operands(names, expression)
  local bits = 0
  for i, name in ipairs(names) do if uses(name, { expression }) then bits = bits + 2 ^ (i - 1) end end
  return bits
end

-- What the gradients of a scalar row read: saves[i] of the inputs for the gradient of input i, saves.out whether the result.
-- A row of one input has its second derivative there too; it is counted with the first.
local function saves(inputs, result, gradients)
  local s = { out = 0 }
  for i, expression in ipairs(gradients) do
    local input, bits = math.min(i, #inputs), operands(inputs, expression)
    s[input] = require 'bit'.bor(s[input] or 0, bits)
    s.out = math.max(s.out, operands({ result }, expression))
  end
  return s
end

local function scalarRow(inputs, result, first)
  return function(p)
    local expressions = {}
    for i = first, #p do expressions[#expressions + 1] = p[i] end
    local gradients = {}
    for i = 2, #expressions do gradients[#gradients + 1] = expressions[i] end
    local attributes = parameters(expressions)
    addOp(p[1], table.concat(inputs, ' '), attributes, result)
    ops[p[1]].saves = saves(inputs, result, gradients)
    return attributes
  end
end

local unary = scalarRow({ 'x' }, 'y', 3)
local rowKinds = {
  OP = function(p) addOp(p[1], p[2], p[3], p[4]) end,
  UNARY = function(p)
    local attributes = unary(p)
    addOp(p[1] .. '_grad', 'g x y~', attributes, 'dx')
    addOp(p[1] .. '_grad2', 'g x y~', attributes, 'ddx')
  end,
  BINARY = scalarRow({ 'x', 'y' }, 'z', 3),
  TERNARY = scalarRow({ 'x', 'y', 'z' }, 'w', 2),
  COMPARE = function(p) addOp(p[1], 'x y', parameters({ p[2] }), 'z~') end,
}

return function(files)
  for _, name in ipairs(files) do
    local file = assert(io.open(name))
    local text = stripComments(file:read('*a'))
    file:close()
    for kind, rest in text:gmatch('%f[%w_](%u+)(%b())') do
      local read = assert(rowKinds[kind], name .. ': unknown row kind ' .. kind)
      read(arguments(rest:sub(2, -2)))
    end
  end
  return ops, types
end
