--- JSON (RFC 8259): texts of files that nobody vouches for, as Lua values.
-- null is `json.null`; objects and arrays are tables. Nesting has an end; what is no JSON is told with its place.
-- @module tocha.file.json
local json = { null = setmetatable({}, { __tostring = function() return 'null' end }) }

local deepest = 100
local escapes = { b = '\b', f = '\f', n = '\n', r = '\r', t = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/' }
local words = { ['true'] = true, ['false'] = false, null = json.null }

-- Errors are tables, so that decode tells them from others.
local function wrong(at, what) error({ json = ('%s at byte %d'):format(what, at) }, 0) end

local function skip(text, at) return text:find('[^ \t\r\n]', at) or #text + 1 end

-- A code point in UTF-8.
local function utf8(code)
  local floor, char = math.floor, string.char
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
  if code < 0x10000 then return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64) end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
end

-- The characters of an escape whose backslash is at `at`, and the place after it.
local function escape(text, at)
  local simple = escapes[text:sub(at + 1, at + 1)]
  if simple then return simple, at + 2 end
  local high = tonumber(text:match('^u(%x%x%x%x)', at + 1) or '', 16)
  if not high then wrong(at, 'an unknown escape') end
  if high < 0xD800 or high > 0xDBFF then return utf8(high), at + 6 end
  local low = tonumber(text:match('^\\u(%x%x%x%x)', at + 6) or '', 16)
  if not low or low < 0xDC00 or low > 0xDFFF then wrong(at, 'half a surrogate pair') end
  return utf8(0x10000 + (high - 0xD800) * 1024 + low - 0xDC00), at + 12
end

local function readString(text, at)
  local parts, start = {}, at + 1
  while true do
    local stop = text:find('["\\%c]', start)
    local c = stop and text:sub(stop, stop)
    if c ~= '"' and c ~= '\\' then wrong(stop or #text, 'a string without an end') end
    parts[#parts + 1] = text:sub(start, stop - 1)
    if c == '"' then return table.concat(parts), stop + 1 end
    parts[#parts + 1], start = escape(text, stop)
  end
end

local readValue

-- The members of an object or array that opened before `at`; member(at) reads one and gives the place after it.
local function readMembers(text, at, close, member)
  at = skip(text, at)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(text, member(skip(text, at)))
    local c = text:sub(at, at)
    at = at + 1
    if c == close then return at end
    if c ~= ',' then wrong(at - 1, ('a comma or %s is missing'):format(close)) end
  end
end

local function readObject(text, at, depth)
  local object = {}
  return object, readMembers(text, at + 1, '}', function(place)
    if text:sub(place, place) ~= '"' then wrong(place, 'a name is missing') end
    local name, after = readString(text, place)
    after = skip(text, after)
    if text:sub(after, after) ~= ':' then wrong(after, 'a colon is missing') end
    if object[name] ~= nil then wrong(place, ('the name %q stands twice'):format(name)) end
    object[name], after = readValue(text, skip(text, after + 1), depth + 1)
    return after
  end)
end

local function readArray(text, at, depth)
  local array = {}
  return array, readMembers(text, at + 1, ']', function(place)
    local after
    array[#array + 1], after = readValue(text, place, depth + 1)
    return after
  end)
end

readValue = function(text, at, depth)
  if depth > deepest then wrong(at, ('more than %d levels'):format(deepest)) end
  local c = text:sub(at, at)
  if c == '{' then return readObject(text, at, depth) end
  if c == '[' then return readArray(text, at, depth) end
  if c == '"' then return readString(text, at) end
  local word = text:match('^%l+', at)
  if word and words[word] ~= nil then return words[word], at + #word end
  local number = text:match('^%-?%d+%.?%d*[eE]?[%+%-]?%d*', at)
  if number and tonumber(number) and not number:find '^%-?0%d' then return tonumber(number), at + #number end
  wrong(at, 'no value')
end

--- The value of a text.
-- @treturn[1] value
-- @treturn[2] nil
-- @treturn[2] string what is wrong
function json.decode(text)
  local good, value, after = pcall(readValue, text, skip(text, 1), 1)
  if good and skip(text, after) <= #text then return nil, ('more than one value at byte %d'):format(after) end
  if good then return value end
  if type(value) ~= 'table' then error(value, 0) end
  return nil, value.json
end

--- A string as JSON.
function json.quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return ('\\u%04x'):format(c:byte()) end) .. '"'
end

return json
