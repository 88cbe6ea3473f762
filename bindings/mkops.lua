-- Reads the op rows (ops.def, elementwise.def) and writes what derives from them:
--   tocha_ops.h   public prototypes           op_attr.h     attribute structs
--   op_entries.c  schemas, descriptors, entry functions     ops.lua  Lua wrappers
-- usage: luajit mkops.lua OUTDIR FILE.def ...
local outdir = assert(arg[1], 'usage: mkops.lua OUTDIR FILE.def ...')

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
local function saves(inputs, result, gradients)
  local s = { out = 0 }
  for i, expression in ipairs(gradients) do
    s[i] = operands(inputs, expression)
    s.out = math.max(s.out, operands({ result }, expression))
  end
  return s
end

local function scalarRow(inputs, result, first)
  return function(p)
    local expressions = {}
    for i = first, #p do expressions[#expressions + 1] = p[i] end
    local gradients = {}
    for i = 2, #inputs + 1 do gradients[#gradients + 1] = expressions[i] end
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

for i = 2, #arg do
  local file = assert(io.open(arg[i]))
  local text = stripComments(file:read('*a'))
  file:close()
  for kind, rest in text:gmatch('%f[%w_](%u+)(%b())') do
    local read = assert(rowKinds[kind], arg[i] .. ': unknown row kind ' .. kind)
    read(arguments(rest:sub(2, -2)))
  end
end

-- -- shared by the writers ----------------------------------------------------------------------------------------

local function write(name, lines)
  local file = assert(io.open(outdir .. '/' .. name, 'w'))
  file:write(table.concat(lines, '\n'), '\n')
  file:close()
end

local banner = 'generated by bindings/mkops.lua from the op rows; do not edit'

local function map(list, f)
  local out = {}
  for i, v in ipairs(list) do
    local r = f(v, i)
    if r then out[#out + 1] = r end
  end
  return out
end

local function append(list, ...)
  for _, more in ipairs({ ... }) do
    for _, v in ipairs(more) do list[#list + 1] = v end
  end
  return list
end

local function commas(...) return table.concat(append({}, ...), ', ') end

local function differentiable(op)
  for _, o in ipairs(op.outputs) do
    if not o.plain then
      for _, t in ipairs(op.inputs) do if not t.constant then return true end end
    end
  end
end

local function listInput(op)
  local last = op.inputs[#op.inputs]
  return last and last.list and last
end

-- -- prototypes ---------------------------------------------------------------------------------------------------

local function inputParameters(op)
  return map(op.inputs, function(t)
    return t.list and ('tch_tensor *const *%s, int n%s'):format(t.name, t.name) or 'tch_tensor *' .. t.name
  end)
end

local function attributeParameters(op)
  return map(op.attributes, function(a)
    if a.kind == 'ints' then return ('const int64_t *%s, int n%s'):format(a.name, a.name) end
    return types[a.kind] .. (a.kind == 'rng' and '' or ' ') .. a.name
  end)
end

local function prototype(op)
  return ('tch_status tch_%s(%s)'):format(op.name, commas(inputParameters(op), attributeParameters(op),
    map(op.outputs, function(o) return 'tch_tensor **' .. o.name end)))
end

local function backwardPrototype(op)
  return ('tch_status tch_%s_backward(%s)'):format(op.name, commas(
    inputParameters(op), attributeParameters(op),
    map(op.outputs, function(o) return 'tch_tensor *' .. o.name end),
    map(op.outputs, function(o) return not o.plain and 'tch_tensor *g_' .. o.name end),
    { 'double scale', 'uint32_t accumulate' },
    map(op.inputs, function(t)
      return not t.constant and (t.list and 'tch_tensor *const *into_' or 'tch_tensor *into_') .. t.name
    end)))
end

local header = { '/* ' .. banner,
  ' * tch_<op>_backward: gradients off the tape. into_<input> NULL: not wanted; bit i of `accumulate` (i counts the',
  ' * inputs): into += scale * gradient, else into = gradient. */', '/* cdef begin */' }
for _, op in ipairs(ops) do
  header[#header + 1] = 'TCH_API ' .. prototype(op) .. ';'
  if differentiable(op) then header[#header + 1] = 'TCH_API ' .. backwardPrototype(op) .. ';' end
end
header[#header + 1] = '/* cdef end */'
write('tocha_ops.h', header)

local attr = { '/* ' .. banner .. ' */', '#ifndef TCH_OP_ATTR_H', '#define TCH_OP_ATTR_H', '#include "tocha.h"', '',
  'typedef struct tch_ints { int n; int64_t v[TCH_MAX_DIMS]; } tch_ints;', '' }
for _, op in ipairs(ops) do
  if #op.attributes > 0 then
    local fields = map(op.attributes, function(a)
      return types[a.kind] .. (a.kind == 'rng' and '' or ' ') .. a.name .. ';'
    end)
    attr[#attr + 1] = ('typedef struct { %s } tch_%s_attr;'):format(table.concat(fields, ' '), op.name)
  end
end
append(attr, { '', '/* Inputs that the gradient of input 0, 1, 2 of a scalar row reads, and whether any reads the result. */' })
for _, op in ipairs(ops) do
  if op.saves then
    attr[#attr + 1] = ('enum { tch_%s_saves0 = %d, tch_%s_saves1 = %d, tch_%s_saves2 = %d, tch_%s_saves_out = %d };'):format(
      op.name, op.saves[1], op.name, op.saves[2] or 0, op.name, op.saves[3] or 0, op.name, op.saves.out)
  end
end
append(attr, { '', '#endif' })
write('op_attr.h', attr)

-- -- entry functions ----------------------------------------------------------------------------------------------

local function mask(list, key)
  local m = 0
  for i, t in ipairs(list) do if t[key] then m = m + 2 ^ (i - 1) end end
  return ('0x%xu'):format(m)
end

-- The statements that fill `array` with one tensor per input (expression(t) names it; a list's member is at [i]), and the
-- C expression of their number.
local function gather(op, array, expression)
  local list = listInput(op)
  if not list then
    return ('  tch_tensor *%s[] = {%s};'):format(array, commas(map(op.inputs, expression))), tostring(#op.inputs)
  end
  local fixed = #op.inputs - 1
  local lines = { ('  tch_tensor *%s[%d + (n%s > 0 ? n%s : 0)];'):format(array, fixed + 1, list.name, list.name) }
  for i = 1, fixed do lines[#lines + 1] = ('  %s[%d] = %s;'):format(array, i - 1, expression(op.inputs[i])) end
  lines[#lines + 1] = ('  for (int i = 0; i < n%s; i++) %s[%d + i] = %s;'):format(list.name, array, fixed, expression(list))
  return table.concat(lines, '\n'), ('%d + n%s'):format(fixed, list.name)
end

local function checks(op)
  local list = listInput(op)
  local lines = list and { ('  TCH_TRY(check_list("%s", n%s));'):format(op.name, list.name) } or {}
  if #op.attributes > 0 then lines[#lines + 1] = ('  tch_%s_attr attr;'):format(op.name) end
  for _, a in ipairs(op.attributes) do
    lines[#lines + 1] = a.kind == 'ints'
      and ('  TCH_TRY(read_ints("%s", "%s", %s, n%s, &attr.%s));'):format(op.name, a.name, a.name, a.name, a.name)
      or ('  attr.%s = %s;'):format(a.name, a.name)
  end
  return table.concat(lines, '\n'), #op.attributes > 0 and '&attr' or 'NULL'
end

local entries = { '/* ' .. banner .. ' */', '#include "core/error.h"', '#include "op/op.h"', '', [[
static inline tch_status read_ints(const char *op, const char *name, const int64_t *from, int n, tch_ints *to) {
  if (n < 0 || n > TCH_MAX_DIMS || (n > 0 && from == NULL))
    return tch_fail(TCH_ERROR_VALUE, "%s: %s has %d entries, but at most %d are possible", op, name, n, TCH_MAX_DIMS);
  to->n = n;
  for (int i = 0; i < n; i++) to->v[i] = from[i];
  return TCH_OK;
}

static inline tch_status check_list(const char *op, int n) {
  if (n < 1 || n > TCH_MAX_LIST)
    return tch_fail(TCH_ERROR_VALUE, "%s: the list has %d tensors, but 1 to %d are possible", op, n, TCH_MAX_LIST);
  return TCH_OK;
}
]] }
for _, op in ipairs(ops) do
  local list = listInput(op)
  append(entries, {
    ('extern const tch_op_body tch_op_%s;'):format(op.name),
    ('extern const tch_op tch_%s_op;'):format(op.name),
    ('const tch_op tch_%s_op = {{"%s", "%s", "%s", "%s", %d, %d, %s, %s, %s, %s, %s, %s}, &tch_op_%s};'):format(op.name,
      op.name, op.inputText, op.attrText, op.outputText, #op.inputs, #op.outputs, tostring(list and true or false),
      mask(op.inputs, 'optional'), mask(op.inputs, 'constant'), mask(op.inputs, 'updated'), mask(op.outputs, 'plain'),
      #op.attributes > 0 and ('sizeof(tch_%s_attr)'):format(op.name) or '0', op.name) })
  local check, attrName = checks(op)
  local inputs, count = gather(op, 'in', function(t) return t.list and t.name .. '[i]' or t.name end)
  append(entries, { prototype(op) .. ' {', check, inputs,
    ('  tch_tensor **out[] = {%s};'):format(commas(map(op.outputs, function(o) return o.name end))),
    ('  return tch_op_run(&tch_%s_op, in, %s, %s, out);'):format(op.name, count, attrName), '}' })
  if differentiable(op) then
    local into = gather(op, 'into', function(t)
      if t.constant then return 'NULL' end
      return t.list and ('into_%s ? into_%s[i] : NULL'):format(t.name, t.name) or 'into_' .. t.name
    end)
    append(entries, { backwardPrototype(op) .. ' {', check, inputs, into,
      ('  tch_tensor *out[] = {%s};'):format(commas(map(op.outputs, function(o) return o.name end))),
      ('  tch_tensor *gout[] = {%s};'):format(
        commas(map(op.outputs, function(o) return o.plain and 'NULL' or 'g_' .. o.name end))),
      ('  return tch_op_grad(&tch_%s_op, in, %s, %s, out, gout, scale, accumulate, into);'):format(op.name, count, attrName),
      '}' })
  end
  entries[#entries + 1] = ''
end
append(entries, { 'const tch_op *const tch_all_ops[] = {' },
  map(ops, function(op) return ('  &tch_%s_op,'):format(op.name) end), { '  NULL};' })
write('op_entries.c', entries)

-- -- Lua wrappers -------------------------------------------------------------------------------------------------
-- ops.NAME(out..., inputs..., attributes...) returns the outputs (out nil: new tensors); an attribute left nil takes its
-- default; `dim` and `dims` count from 1 (negative: from the end). A list is a Lua table.
-- ops.NAME_backward(inputs..., attributes..., outputs..., goutputs..., scale, accumulate, into...) returns nothing.

local reserved = { ['end'] = true, ['repeat'] = true, ['in'] = true, ['and'] = true, ['or'] = true, ['not'] = true }
local function safe(name) return reserved[name] and name .. '_' or name end

-- Parameter names, preparing lines and C arguments of an op's inputs and attributes.
local function luaParameters(op)
  local names, lines, args, buffers = {}, {}, {}, 0
  for _, t in ipairs(op.inputs) do
    local n = safe(t.name)
    names[#names + 1] = n
    if t.list then
      lines[#lines + 1] = ('  local list_%s, n_%s = readTensors(%s, 1)'):format(t.name, t.name, n)
      append(args, { 'list_' .. t.name, 'n_' .. t.name })
    else
      args[#args + 1] = n
    end
  end
  for _, a in ipairs(op.attributes) do
    local n = safe(a.name)
    local isDim = a.name == 'dim' or a.name == 'dims'
    names[#names + 1] = n
    if a.kind == 'ints' then
      buffers = buffers + 1
      lines[#lines + 1] = ('  local n_%s = readInts(ints%d, %s, %s)'):format(a.name, buffers, n, tostring(isDim))
      append(args, { 'ints' .. buffers, 'n_' .. a.name })
    else
      if a.default then lines[#lines + 1] = ('  if %s == nil then %s = %s end'):format(n, n, a.default) end
      if isDim then lines[#lines + 1] = ('  if %s > 0 then %s = %s - 1 end'):format(n, n, n) end
      args[#args + 1] = n
    end
  end
  return names, lines, args
end

local lua = { '-- ' .. banner, [[
return function(C, own)
local box1, box2, box3, box4 = own.newBox(), own.newBox(), own.newBox(), own.newBox()
local ints1, ints2, ints3, ints4, ints5 = own.newInts(), own.newInts(), own.newInts(), own.newInts(), own.newInts()
local wrap, fail, readInts, readTensors = own.wrap, own.fail, own.readInts, own.readTensors
local ops, schema = {}, {}
]] }
for _, op in ipairs(ops) do
  local names, lines, args = luaParameters(op)
  local outs = map(op.outputs, function(o) return 'out_' .. o.name end)
  append(lua,
    { ('function ops.%s(%s)'):format(op.name, commas(outs, names)) }, lines,
    map(outs, function(n, i) return ('  box%d[0] = %s'):format(i, n) end),
    { ('  local status = C.tch_%s(%s)'):format(op.name, commas(args, map(outs, function(_, i) return 'box' .. i end))),
      '  if status ~= 0 then fail(status) end',
      '  return ' .. commas(map(outs, function(n, i) return ('%s or wrap(box%d[0])'):format(n, i) end)), 'end' })
  if differentiable(op) then
    local tail = append(map(op.outputs, function(o) return 'out_' .. o.name end),
      map(op.outputs, function(o) return not o.plain and 'g_' .. o.name end), { 'scale', 'accumulate' })
    local intos, intoArgs = {}, {}
    for _, t in ipairs(op.inputs) do
      if not t.constant then
        local n = 'into_' .. t.name
        intos[#intos + 1] = n
        if t.list then lines[#lines + 1] = ('  local list_%s = readTensors(%s, 2)'):format(n, n) end
        intoArgs[#intoArgs + 1] = t.list and 'list_' .. n or n
      end
    end
    append(lua, { ('function ops.%s_backward(%s)'):format(op.name, commas(names, tail, intos)) }, lines,
      { ('  local status = C.tch_%s_backward(%s)'):format(op.name, commas(args, tail, intoArgs)),
        '  if status ~= 0 then fail(status) end', 'end' })
  end
  lua[#lua + 1] = ('schema.%s = { inputs = %q, attributes = %q, outputs = %q }\n')
    :format(op.name, op.inputText, op.attrText, op.outputText)
end
append(lua, { 'return ops, schema', 'end' })
write('ops.lua', lua)
