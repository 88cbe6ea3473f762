--- The comments of the library's files, by the names that they tell about.
--
-- A comment tells about the function or class below it, and about the names that it writes as `name(...)` or `name`. Of the files
-- of modules that are loaded; they are read when the first question comes.
-- @module tocha.prompt.comments
require 'tocha'
local own = require 'tocha.bindings.own'

local here = debug.getinfo(1, 'S').source:match '^@(.*[/\\])prompt[/\\]'
local bindings = debug.getinfo(own.raise, 'S').source:match '^@(.*[/\\])'

-- here, bindings: the folders; named: entries by name; introductions: what modules say of themselves, by module
local comments = { here = here, bindings = bindings, named = {}, introductions = {} }

-- An entry is a comment: file, the line of the code below it, text, whether it documents (begins with ---), the names it tells
-- about -> how surely (3: the class below it; 2: the code below it defines them, 1: it writes them; 0: there is no comment but what
-- the file says of itself), `method`: whether the code defines a method, `tensors`: of tensors; arguments of a constructor;
-- `module`, of which it is the first comment.
local function add(entry, name, surely)
  if name then entry.names[name] = math.max(entry.names[name] or 0, surely) end
end

local declaration = "[%(%{]%s*'(%a+)%.(%u[%w_]*)'" -- of a class: torch.class('nn.Linear' ..., { 'nn.Tanh' ...

local function class(code)
  local package, name = code:match(declaration)
  if (package == 'nn' or package == 'tocha' or code:find 'torch%.class%(') and not code:find '^%s*for ' then return name end
end

-- The names that a line of code defines.
local function defined(entry, code)
  local owner, separator, name = code:match '^%s*function%s+([%w_.]*)([.:])([%w_]+)%s*%('
  add(entry, name, 2)
  entry.method, entry.tensors = separator == ':', owner == 'Tensor'
  add(entry, code:match '^%s*[%w_]+%.([%w_]+)%s*=', 2)
  add(entry, code:match '^%s*([%w_]+) = function%(', 2)
  if entry.documents then add(entry, code:match '^local function ([%w_]+)', 1) end
  if code:find '^return function' then add(entry, entry.file:match '([%w_]+)%.lua$', 2) end
  add(entry, class(code), 3)
  local list = code:match '^%s*for%s+_,%s*[%w_]+%s+in%s+ipairs%s*%(?(%b{})'
  for quoted in (list or ''):gmatch "'[%w_.]-([%w_]+)'" do add(entry, quoted, 2) end
end

-- The names that a text tells about: max(...) at its beginning, `max(...)`, `max`.
local function told(entry)
  add(entry, entry.text:match '^[^\n]*':match '([%a_][%w_]*)%(', 1)
  for name in entry.text:gmatch '`([%w_.:]+)[`(]' do add(entry, name:match '[%w_]+$', 1) end
  for name in entry.text:gmatch '@function ([%w_]+)' do add(entry, name, 2) end
end

-- The arguments of the class that begins at a line.
local function constructor(lines, first)
  for i = first, math.min(first + 25, #lines) do
    local list = lines[i]:match ':__init%(([^)]*)%)' or i == first and lines[i]:match 'function%(self,?%s*([^)]*)%)'
    if list then return list end
    if i > first and class(lines[i]) then return end
  end
end

local comment, rule = '^%s*%-%-', '^%s*%-%- %-%- '
local named, introductions = comments.named, comments.introductions

local function read(path)
  local lines, title, i, file = {}, nil, 1, io.open(path)
  if not file then return end -- functions made of texts have names of their own
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  while i <= #lines do
    local text, documents = {}, lines[i]:find '^%s*%-%-%-' ~= nil
    while lines[i] and lines[i]:find(comment) and not lines[i]:find(rule) do
      text[#text + 1] = lines[i]:gsub('^%s*%-+ ?', '')
      i = i + 1
    end
    local code = lines[i] or ''
    local entry = { file = path, line = i, text = table.concat(text, '\n'), documents = documents, names = {} }
    if entry.text:find '@module' then
      title, entry.module = entry.text:gsub('%s*@module[^\n]*', ''), entry.text:match '@module ([%w_.]+)'
      entry.text = title
    elseif #text > 0 or class(code) then
      defined(entry, code)
      if class(code) then entry.arguments = constructor(lines, i) end
      if #text == 0 then entry.text, entry.names = title or '', { [class(code)] = 0 } end
    end
    if documents then told(entry) end
    if entry.module then introductions[entry.module] = entry end
    for name in pairs(entry.names) do
      local list = named[name] or {}
      named[name], list[#list + 1] = list, entry
    end
    i = i + 1
  end
end

-- The file of a module of the library.
local function fileOf(module)
  local inside = module:match '^tocha%.bindings%.(.*)$'
  local name = (inside or module:gsub('^tocha%.?', '')):gsub('%.', '/')
  local folder = inside and bindings or here
  for _, path in ipairs { folder .. name .. '.lua', folder .. name .. (name == '' and '' or '/') .. 'init.lua' } do
    local file = module:find '^tocha' and io.open(path)
    if file then
      file:close()
      return path
    end
  end
  local path = package.searchpath(module, package.path)
  return path and own.isOwn('@' .. path) and path or nil
end

local seen = {} -- modules and files that were read

local function readOnce(path)
  if path and not seen[path] then
    seen[path] = true
    read(path)
  end
end

--- Reads the files of all modules of the library that are loaded, and the one in which a value was made.
function comments.read(value)
  for module in pairs(package.loaded) do
    if type(module) == 'string' and not seen[module] then
      seen[module] = true
      readOnce(fileOf(module))
    end
  end
  local mt = type(value) == 'table' and getmetatable(value)
  local methods = type(mt) == 'table' and type(mt.__index) == 'table' and mt.__index or {}
  for _, f in pairs(type(value) == 'function' and { value } or methods) do
    local source = type(f) == 'function' and debug.getinfo(f, 'S').source
    if source and own.isOwn(source) then readOnce(source:sub(2)) end
  end
end

return comments
