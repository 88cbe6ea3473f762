--- Helpers of the specs that read files: golden bytes, scratch files and folders, damage, and what errors say.
local assert = require 'luassert'

local files = {}

local scratch = os.tmpname()
local folder

--- A path that may be written again and again.
function files.path(suffix) return scratch .. (suffix or '') end

--- Writes bytes to the scratch path and returns it.
function files.put(bytes)
  os.remove(scratch) -- some file systems flush a file that is emptied to be written again
  local file = assert(io.open(scratch, 'wb'))
  file:write(bytes)
  file:close()
  return scratch
end

--- What a script for Torch7 prints and its exit status, run by scripts/th in a process of its own. words stand before its name,
-- arguments behind it.
function files.th(source, words, arguments)
  local path = os.tmpname()
  local file = assert(io.open(path, 'w'))
  file:write(source)
  file:close()
  local pipe = io.popen(('scripts/th %s %s %s 2>&1; echo "rc $?"'):format(words or '', path, arguments or ''))
  local output, status = pipe:read('*a'):match '^(.*)rc (%d+)\n$'
  pipe:close()
  os.remove(path)
  return output, tonumber(status)
end

--- Makes an empty folder for a test, into which files.write writes, and returns its path.
function files.makeFolder()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute('mkdir ' .. folder) == 0)
  return folder
end

--- Removes that folder, whatever a test did to its permissions.
function files.removeFolder() os.execute(('chmod -R u+rwx %s; rm -r %s'):format(folder, folder)) end

--- Writes bytes to a file of that folder, in folders that it makes, and returns its path.
function files.write(name, bytes)
  local path = folder .. '/' .. name
  if name:find '/' then assert(os.execute('mkdir -p ' .. path:match '^(.*)/') == 0) end
  local file = assert(io.open(path, 'wb'))
  file:write(bytes)
  file:close()
  return path
end

--- The bytes of a file.
function files.read(path)
  local file = assert(io.open(path, 'rb'))
  local bytes = file:read '*a'
  file:close()
  return bytes
end

--- The call fails, and its error has the part in it.
function files.says(part, ...)
  local good, why = pcall(...)
  assert.is_false(good)
  assert.is_truthy(tostring(why):find(part, 1, true), why)
end

--- Runs a script of scripts/ in a folder.
-- @treturn string what it prints
-- @treturn string its complaints
-- @treturn number its exit status
function files.script(place, name, words)
  local complaints = os.tmpname()
  local pipe = io.popen(('here=$PWD; cd %s && { luajit $here/scripts/%s.lua %s 2>%s; echo "code $?"; }'):format(place, name, words,
    complaints))
  local output, code = pipe:read '*a':match '^(.*)code (%d+)\n$'
  pipe:close()
  local err = files.read(complaints)
  os.remove(complaints)
  return output, err, tonumber(code)
end

--- A script says what is wrong, in words of the pattern and without a traceback, prints nothing else and ends with status 1.
function files.refuses(place, name, pattern, words)
  local output, err, code = files.script(place, name, words)
  assert.equal('', output)
  assert.matches(pattern, err)
  assert.falsy(err:find 'traceback')
  assert.equal(1, code)
end

--- Runs a script in a folder, killed when it would save the checkpoint `state` of which the condition, a Lua expression, holds.
function files.killed(place, name, condition, words)
  os.execute(([[here=$PWD; cd %s && luajit -e "
    local here = '$here'
    package.path = here .. '/lua/?.lua;' .. here .. '/lua/?/init.lua;' .. package.path
    local checkpoint = require 'tocha.train.checkpoint'
    local save = checkpoint.save
    function checkpoint.save(path, state)
      if %s then os.exit(0) end
      return save(path, state)
    end
    arg = { [0] = here .. '/scripts/%s.lua' }
    for word in ('%s'):gmatch '%%S+' do arg[#arg + 1] = word end
    dofile(arg[0])" > /dev/null]]):format(place, condition, name, words))
end

--- The bytes of a hexadecimal text.
function files.unhex(text)
  return (text:gsub('..', function(pair) return string.char(tonumber(pair, 16)) end))
end

--- Reads a file cut short at many places and with single bytes changed: an error or a result, never anything else.
-- @tparam function read reads the file at a path
-- @tparam string bytes an intact file
-- @tparam number heart bytes from the start that are all tried, of the rest a share
-- @treturn number how many of the cut files were refused, and how many there were
function files.damage(read, bytes, heart)
  local refused, cuts = 0, 0
  for n = 0, #bytes - 1 do
    if n < heart or n % 97 == 0 then
      cuts = cuts + 1
      if not pcall(read, files.put(bytes:sub(1, n))) then refused = refused + 1 end
    end
  end
  for n = 1, #bytes do
    if n < heart or n % 97 == 0 then
      for _, byte in ipairs { '\255', '9' } do
        pcall(read, files.put(bytes:sub(1, n - 1) .. byte .. bytes:sub(n + 1)))
      end
    end
  end
  return refused, cuts
end

return files
