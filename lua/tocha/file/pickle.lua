--- Python's pickles as data (protocols 0 to 5 as far as PyTorch writes them). Nothing is run: a class or function in a pickle is
-- a name, and the caller says what the few that it knows mean; any other is an error that names it.
--
-- Python's values become: None pickle.none, True and False, numbers, strings, tuples and lists {n = count, ...}, dictionaries
-- {keys = {...}, values = {...}} in order.
-- @module tocha.file.pickle
local bytes = require 'tocha.bindings.bytes'

local pickle = { none = setmetatable({}, { __tostring = function() return 'None' end }) }

local mark = {}
local mostObjects = 1e7 -- on the stack and in the memo together

local Reader = {}
Reader.__index = Reader

local function fail(...) error({ pickle = select('#', ...) > 1 and string.format(...) or ... }, 0) end

function Reader:take(n)
  if n < 0 or self.at + n - 1 > #self.text then fail 'truncated' end
  local part = self.text:sub(self.at, self.at + n - 1)
  self.at = self.at + n
  return part
end

function Reader:number(n) -- unsigned, little endian
  local text, value = self:take(n), 0
  for i = n, 1, -1 do value = value * 256 + text:byte(i) end
  return value
end

function Reader:push(value)
  if self.top >= mostObjects then fail 'too many objects' end
  self.top = self.top + 1
  self.stack[self.top] = value
end

function Reader:pop()
  if self.top < 1 then fail 'nothing is on the stack' end
  local value = self.stack[self.top]
  self.stack[self.top], self.top = nil, self.top - 1
  return value
end

-- What lies above the last mark, as a list.
function Reader:popMark()
  local first = self.top
  while first > 0 and self.stack[first] ~= mark do first = first - 1 end
  if first == 0 then fail 'a mark is missing' end
  local list = { n = self.top - first }
  for i = 1, list.n do list[i] = self.stack[first + i] end
  for i = first, self.top do self.stack[i] = nil end
  self.top = first - 1
  return list
end

function Reader:put(index)
  if self.top < 1 then fail 'nothing is on the stack' end
  if not self.memo[index] then self.kept = self.kept + 1 end
  if self.kept > mostObjects then fail 'too many objects' end
  self.memo[index] = { self.stack[self.top] }
end

function Reader:get(index)
  if not self.memo[index] then fail('entry %d was not stored', index) end
  self:push(self.memo[index][1])
end

local function isList(value) return type(value) == 'table' and rawget(value, 'n') ~= nil end
local function isDictionary(value) return type(value) == 'table' and rawget(value, 'keys') ~= nil end
local function isGlobal(value) return type(value) == 'table' and rawget(value, 'global') ~= nil end

function Reader:setItems(list)
  local into = self.stack[self.top]
  if not isDictionary(into) or list.n % 2 ~= 0 then fail 'pairs go into no dictionary' end
  for i = 1, list.n, 2 do
    into.keys[#into.keys + 1], into.values[#into.values + 1] = list[i], list[i + 1]
  end
end

function Reader:append(list)
  local into = self.stack[self.top]
  if not isList(into) then fail 'entries go into no list' end
  for i = 1, list.n do into[into.n + i] = list[i] end
  into.n = into.n + list.n
end

function Reader:global(module, name)
  local full = tostring(module) .. '.' .. tostring(name)
  if self.known[full] == nil then fail('it asks for %s, which is not tensors, and is not run', full) end
  self:push { global = full, call = self.known[full] }
end

function Reader:call(args)
  local what = self:pop()
  if not isGlobal(what) or not isList(args) then fail 'a call of what is no function' end
  if type(what.call) ~= 'function' then fail('%s is no function', what.global) end
  local value, why = what.call(args)
  if value == nil then fail('%s: %s', what.global, why or 'wrong arguments') end
  self:push(value)
end

local function signed(value, bits) return value >= 2 ^ (bits - 1) and value - 2 ^ bits or value end

-- Two's complement of any length as a number, exact up to 2^53.
local function long(text)
  local value = 0
  for i = #text, 1, -1 do value = value * 256 + text:byte(i) end
  return #text > 0 and text:byte(#text) >= 128 and value - 256 ^ #text or value
end

local function line(self)
  local last = self.text:find('\n', self.at, true) or fail 'truncated'
  local text = self:take(last - self.at)
  self.at = self.at + 1
  return text
end

local function text(n) return function(self) self:push(self:take(self:number(n))) end end
local function value(v) return function(self) self:push(v) end end
local function tuple(n)
  return function(self)
    local list = { n = n }
    for i = n, 1, -1 do list[i] = self:pop() end
    self:push(list)
  end
end

local codes = {
  ['\128'] = function(self)
    local version = self:number(1)
    if version > 5 then fail('protocol %d is not known', version) end
  end,
  ['\149'] = function(self) self:take(8) end,               -- a frame
  ['('] = value(mark), N = value(pickle.none), ['\136'] = value(true), ['\137'] = value(false),
  K = function(self) self:push(self:number(1)) end,
  M = function(self) self:push(self:number(2)) end,
  J = function(self) self:push(signed(self:number(4), 32)) end,
  ['\138'] = function(self) self:push(long(self:take(self:number(1)))) end,
  G = function(self) self:push(bytes.decode.Double(self:take(8):reverse())) end,
  X = text(4), ['\140'] = text(1), B = text(4), C = text(1), T = text(4), U = text(1), ['\141'] = text(8), ['\142'] = text(8),
  [')'] = function(self) self:push { n = 0 } end, [']'] = function(self) self:push { n = 0 } end,
  ['}'] = function(self) self:push { keys = {}, values = {} } end,
  ['\143'] = function(self) self:push { n = 0 } end,        -- a set
  t = function(self) self:push(self:popMark()) end, l = function(self) self:push(self:popMark()) end,
  ['\133'] = tuple(1), ['\134'] = tuple(2), ['\135'] = tuple(3),
  d = function(self)
    local list = self:popMark()
    self:push { keys = {}, values = {} }
    self:setItems(list)
  end,
  s = function(self)
    local last, first = self:pop(), self:pop()
    self:setItems { first, last, n = 2 }
  end,
  u = function(self) self:setItems(self:popMark()) end,
  a = function(self) self:append { self:pop(), n = 1 } end,
  e = function(self) self:append(self:popMark()) end, ['\144'] = function(self) self:append(self:popMark()) end,
  q = function(self) self:put(self:number(1)) end, r = function(self) self:put(self:number(4)) end,
  ['\148'] = function(self) self:put(self.kept) end,        -- under the next number
  h = function(self) self:get(self:number(1)) end, j = function(self) self:get(self:number(4)) end,
  ['0'] = Reader.pop, ['1'] = Reader.popMark,
  c = function(self)
    local module = line(self)
    self:global(module, line(self))
  end,
  ['\147'] = function(self)
    local name = self:pop()
    self:global(self:pop(), name)
  end,
  R = function(self) self:call(self:pop()) end, ['\129'] = function(self) self:call(self:pop()) end,
  b = Reader.pop,                                           -- attributes of an object: none of those known has any
  Q = function(self)
    local id = self:pop()
    local v, why = self.persistent(id)
    if v == nil then fail('%s', why or 'a reference cannot be read') end
    self:push(v)
  end,
}

--- Reads one pickle.
-- @tparam string source
-- @tparam number at its first byte
-- @tparam table known what names mean: {['collections.OrderedDict'] = function(args) ... end}; a function gives a value, or nil
-- and why not; any other value stands for itself as {global = name}
-- @tparam function persistent the value of a persistent reference, or nil and why not
-- @treturn[1] value
-- @treturn[1] number the byte after the pickle
-- @treturn[2] nil
-- @treturn[2] string why not
function pickle.read(source, at, known, persistent)
  local self = setmetatable({ text = source, at = at, stack = {}, top = 0, memo = {}, kept = 0, known = known,
                              persistent = persistent or function() end }, Reader)
  local good, result = pcall(function()
    while true do
      local code = self:take(1)
      if code == '.' then return self:pop() end
      local run = codes[code] or fail('code %d is not known or not allowed', code:byte())
      run(self)
    end
  end)
  if good then return result, self.at end
  if type(result) == 'table' and result.pickle then return nil, 'its pickle: ' .. result.pickle end
  error(result, 0)
end

pickle.isList, pickle.isDictionary, pickle.isGlobal = isList, isDictionary, isGlobal

return pickle
