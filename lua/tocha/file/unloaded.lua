--- Functions that came in a file and were not loaded: values that refuse to be called and are written as the functions they were.
-- @module tocha.file.unloaded
local unloaded = {}

local name = 'tocha.UnloadedFunction'

local function refuse()
  error('this function came in a file and was not loaded: torch.load(name, format, {functions = true})', 2)
end

--- A function that stays as it is.
-- @tparam string code what string.dump gave
-- @tparam table keys id of an upvalue in its file -> what tells the upvalue from those of other files; common to a file
function unloaded.new(code, keys)
  return setmetatable({}, { __typename = name, __call = refuse, held = { code = code, keys = keys },
    __tostring = function() return 'a function that was not loaded' end })
end

--- What such a function holds: {code =, keys =, upvalues = as the file had them}; nil for any other value.
function unloaded.of(value)
  local mt = type(value) == 'table' and getmetatable(value)
  return type(mt) == 'table' and rawget(mt, '__typename') == name and rawget(mt, 'held') or nil
end

--- Its upvalues, with ids that idOf(key) gives.
function unloaded.upvalues(held, idOf)
  if type(held.upvalues) ~= 'table' then return held.upvalues end
  local list = {}
  for i, upvalue in ipairs(held.upvalues) do
    local id = type(upvalue) == 'table' and rawget(upvalue, 'id')
    if type(id) == 'number' and id == id then
      held.keys[id] = held.keys[id] or {}
      upvalue = { name = rawget(upvalue, 'name'), id = idOf(held.keys[id]), value = rawget(upvalue, 'value') }
    end
    list[i] = upvalue
  end
  return list
end

return unloaded
