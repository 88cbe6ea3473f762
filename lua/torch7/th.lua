--- The command `th`: runs a script as Torch7's th did, with torch, paths, sys, xlua and Penlight in scope.
-- @module th
local usage = [==[
usage: th [-l MODULE] [-e CODE] [-i] [SCRIPT [ARGUMENT ...]]

  -l MODULE   require a module first
  -e CODE     run Lua code
  -i          go on at the prompt after the script or the code
  -h          this help
  --cpu-for-cuda   cutorch, cunn, cudnn, :cuda() and torch.CudaTensor are there and mean the processor, for scripts that insist
                   (the same: TOCHA_CPU_FOR_CUDA=1); without it pcall(require, 'cutorch') fails, as scripts expect
Without a script or code it reads lines from standard input; ? there tells more.]==]

local paths = require 'paths'
local repl = require 'trepl'

local missing = not pcall(require, 'pl')
if not missing then
  require('pl.stringx').format_operator() -- 'x = %d' % 3
end

local function fail(message)
  io.stderr:write('th: ', message, '\n')
  os.exit(1)
end

-- Reads the options; what follows the script is its own.
local function options(list)
  local chosen = { load = {} }
  local i = 1
  while list[i] and not chosen.script do
    local option = list[i]
    if option == '-h' or option == '--help' then
      print(usage)
      os.exit(0)
    elseif option == '--cpu-for-cuda' then chosen.cuda = true
    elseif option == '-i' or option == '--interactive' then chosen.interactive = true
    elseif option == '-e' or option == '-l' then
      i = i + 1
      if not list[i] then fail(option .. ' needs a value (-h tells more)') end
      if option == '-e' then chosen.code = list[i] else table.insert(chosen.load, list[i]) end
    elseif option:find '^%-l.' then table.insert(chosen.load, option:sub(3))
    elseif option:find '^%-.' and not paths.filep(option) then fail('there is no option ' .. option .. ' (-h tells more)')
    else chosen.script = i end
    i = i + 1
  end
  return chosen
end

local chosen = options(arg)
if chosen.cuda or (os.getenv 'TOCHA_CPU_FOR_CUDA' or '0') ~= '0' then require 'cuda' end
for _, name in ipairs(chosen.load) do
  local module = require(name)
  if rawget(_G, name) == nil then rawset(_G, name, module) end
end
if chosen.code then
  local code, why = loadstring(chosen.code, '=(command line)')
  if not code then fail(why) end
  code()
end
if chosen.script then
  local first, from = chosen.script, arg
  _G.arg = { [-1] = from[-1], [0] = from[first] }
  for i = first + 1, #from do _G.arg[i - first] = from[i] end
  dofile(from[first])
end
if chosen.interactive or not (chosen.code or chosen.script) then repl() end
