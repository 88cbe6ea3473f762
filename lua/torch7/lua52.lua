--- What Torch7's LuaJIT had of Lua 5.2, for one that was built without: the door requires it.
--
-- os.execute and the close of a pipe tell how a command ended (true or nil, 'exit' or 'signal', a number), `write` returns its
-- file, `pairs` and `ipairs` ask the metatable of a table, there is rawlen, and the arguments of a call may begin on the next line.
-- `#` asks no metatable of a table still: nn.Sequential helps itself.
-- @module lua52
-- luacheck: globals os io
if #setmetatable({}, { __len = function() return 1 end }) == 1 then return end

function _G.rawlen(value)
  if type(value) ~= 'table' and type(value) ~= 'string' then error('table or string expected', 2) end
  return #value
end

-- -- loops ---------------------------------------------------------------------------------------------------------

local function asking(name, plain)
  return function(t)
    local mt = type(t) == 'table' and debug.getmetatable(t)
    local own = mt and mt[name]
    if not own then return plain(t) end
    local iterator, state, key = own(t)
    return iterator, state, key
  end
end
rawset(_G, 'pairs', asking('__pairs', pairs))
rawset(_G, 'ipairs', asking('__ipairs', ipairs))

-- -- source -------------------------------------------------------------------------------------------------------

-- A text whose line n begins with a parenthesis: it goes to the end of the code before it. Nil where that is not plain to see.
local function joined(text, n)
  local lines = {}
  for line in (text .. '\n'):gmatch '(.-)\n' do lines[#lines + 1] = line end
  local rest, found = lines[n]:gsub('^(%s*)%(', '%1 ')
  if found == 0 then return nil end
  lines[n] = rest
  for k = n - 1, 1, -1 do
    local comment = lines[k]:find('--', 1, true)
    local code = lines[k]:sub(1, comment and comment - 1)
    if comment and code:find '["\'%[]' then return nil end
    local last = code:find '%S%s*$'
    if last then
      lines[k] = code:sub(1, last) .. '(' .. lines[k]:sub(last + 1)
      return table.concat(lines, '\n')
    end
  end
end

-- What `compile` makes of a text, where its lines must be joined first; else what it said.
local function mended(compile, text, chunk, why)
  while not chunk and text do
    local n = why:match ':(%d+): ambiguous syntax'
    text = n and joined(text, tonumber(n))
    if text then chunk, why = compile(text) end
  end
  return chunk, why
end

local plainLoad, plainLoadfile = load, loadfile

local function load_(text, name, ...)
  local mode, env = ...
  local function compile(source) return plainLoad(source, name, mode or 'bt', env or getfenv(0)) end
  local chunk, why = plainLoad(text, name, ...)
  return mended(compile, type(text) == 'string' and text or nil, chunk, why)
end
rawset(_G, 'load', load_)
rawset(_G, 'loadstring', load_)

local function fileOf(name)
  local chunk, why = plainLoadfile(name)
  if chunk or not why:find 'ambiguous syntax' then return chunk, why end
  local file = assert(io.open(name))
  local text = file:read('*a'):gsub('^#[^\n]*', '')
  file:close()
  return mended(function(source) return plainLoad(source, '@' .. name) end, text, chunk, why)
end

function _G.loadfile(name, ...)
  if select('#', ...) > 0 or name == nil then return plainLoadfile(name, ...) end
  return fileOf(name)
end

function _G.dofile(name)
  local chunk, why = (name and fileOf or plainLoadfile)(name)
  if not chunk then error(why, 0) end
  local function results(...) return ... end
  return results(chunk()) -- no tail call, for the traces
end

for i, plain in ipairs(package.loaders) do
  package.loaders[i] = function(name)
    local good, found = pcall(plain, name)
    if good then return found end
    local file = found:find 'ambiguous syntax' and package.searchpath(name, package.path)
    return file and fileOf(file) or error(found, 0)
  end
end

-- -- commands ------------------------------------------------------------------------------------------------------

-- How a command ended, of the status that wait(2) gives.
local function ending(status)
  if status == 0 then return true, 'exit', 0 end
  if status < 0 then return nil, 'exit', 127 end
  if status % 128 ~= 0 then return nil, 'signal', status % 128 end
  return nil, 'exit', math.floor(status / 256)
end

local execute, popen = os.execute, io.popen

function os.execute(command)
  if command == nil then return execute() ~= 0 end
  return ending(execute(command))
end

-- A pipe's close says nothing of the command, so the shell writes how it ended into a file: pipe -> its name and what removes it.
local endings = setmetatable({}, { __mode = 'k' })

function io.popen(command, mode)
  if type(command) ~= 'string' then return popen(command, mode) end
  local name = os.tmpname()
  local pipe, why, code = popen(("(%s\n)\necho $? > '%s'"):format(command, name), mode)
  if not pipe then
    os.remove(name)
    return pipe, why, code
  end
  local remover = newproxy(true)
  getmetatable(remover).__gc = function() os.remove(name) end
  endings[pipe] = { name = name, remover = remover }
  return pipe
end

-- -- files ---------------------------------------------------------------------------------------------------------

local methods = debug.getmetatable(io.stdout).__index
local close, write, output = methods.close, methods.write, io.output

function methods.close(file)
  local result, why, code = close(file)
  local ended = endings[file]
  if not ended then return result, why, code end
  local handle = io.open(ended.name)
  code = handle and handle:read '*n' or 2 -- nothing was written where the shell could not read the command
  if handle then close(handle) end
  os.remove(ended.name)
  return ending(256 * code)
end

function io.close(file) return methods.close(file or output()) end

-- Writes, or raises at the line of who called the caller, which therefore makes no tail call of it.
local function written(file, ...)
  for i = 1, select('#', ...) do
    local kind = type((select(i, ...)))
    if kind ~= 'string' and kind ~= 'number' then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, kind), 3)
    end
  end
  local result, why, code = write(file, ...)
  return result == true and file or result, why, code
end

function methods.write(file, ...)
  local result, why, code = written(file, ...)
  return result, why, code
end

function io.write(...)
  local result, why, code = written(output(), ...)
  return result, why, code
end
