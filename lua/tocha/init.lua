--- Torch7's torch package on the tocha engine: `local torch = require 'tocha'`.
--
-- Nothing global is set, but for `pairs` and `next` where LuaJIT's own lose elements (bindings/iteration.lua). In a checkout this
-- file also tells `require` where the bindings lie, so that lua/ on package.path is enough.
-- @module tocha
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or './'

-- tocha.bindings.X in a checkout: bindings/X.lua, or generated into build/gen.
local function fromCheckout(root, build)
  return function(name)
    local file = name:match('^tocha%.bindings%.([%w_]+)$')
    if not file then return nil end
    local tried = {}
    for _, folder in ipairs({ root .. 'bindings/', build .. '/gen/' }) do
      local path = folder .. file .. '.lua'
      local handle = io.open(path)
      if handle then
        handle:close()
        return assert(loadfile(path))
      end
      tried[#tried + 1] = ("\n\tno file '%s'"):format(path)
    end
    return table.concat(tried) .. (' (run `make` in %s)'):format(root)
  end
end

-- The engine's types can be declared once in a Lua state: a program that forgets the module gets the same one again.
local registry = debug.getregistry()
local once = registry['tocha.once']
if once then
  for name, module in pairs(once) do package.loaded[name] = module end
  return once.tocha
end

local checkout, build = io.open(here .. '../../engine/include/tocha.h'), nil
if checkout then
  checkout:close()
  local root = here .. '../../'
  build = os.getenv 'TOCHA_BUILD' or 'build'
  if not build:find('^/') then build = root .. build end
  table.insert(package.loaders, 2, fromCheckout(root, build))
end

require 'tocha.bindings.iteration'
local torch = {}
local class = require 'tocha.class'
local own = require 'tocha.bindings.own'
own.folder(here)
if build then own.folder(build .. '/gen/') end

torch.class, class.ours = class, own.called
for _, name in ipairs({ 'typename', 'type', 'isTypeOf', 'getmetatable', 'setmetatable', 'factory', 'newmetatable' }) do
  torch[name] = class[name]
end

-- In the order in which they put functions into torch.
local parts = { 'storage', 'tensor', 'object', 'view', 'index', 'convert', 'autograd', 'make', 'distribution', 'random', 'draw',
  'format', 'pointwise', 'bits', 'compare', 'reduce', 'matrix', 'einsum', 'linalg', 'vector', 'convolve', 'operators', 'pick',
  'sort', 'gradcheck', 'timer', 'process' }
local tensors = require 'tocha.bindings.class'
for i, part in ipairs(parts) do parts[i] = require('tocha.bindings.' .. part) end
tensors.guard()
for _, part in ipairs(parts) do
  if type(part) == 'table' and part.install then part.install(torch) end
end
tensors.seal()

-- What few scripts need is loaded when its name is first asked for.
local late = { CmdLine = 'tocha.cmdline', Tester = 'tocha.tester', TestSuite = 'tocha.tester' }
for _, name in ipairs({ 'save', 'load', 'serialize', 'deserialize', 'serializeToStorage', 'deserializeFromStorage', 'File',
                        'DiskFile', 'MemoryFile', 'PipeFile', 'saveobj', 'loadobj' }) do
  late[name] = 'tocha.serialize'
end
for _, name in ipairs({ 'readNpy', 'writeNpy', 'readNpz', 'writeNpz' }) do late[name] = 'tocha.file.npy' end
late.readCheckpoint = 'tocha.file.checkpoint'
for _, name in ipairs({ 'readSafetensors', 'writeSafetensors' }) do late[name] = 'tocha.file.safetensors' end
setmetatable(torch, { __index = function(_, name)
  if not late[name] then return nil end
  local module = require(late[name])
  if rawget(torch, name) == nil then torch[name] = module[name] end
  return rawget(torch, name)
end })
class.missing = function(name) return torch[tostring(name):match '^torch%.(%w+)$'] end

once = { tocha = torch }
for name, module in pairs(package.loaded) do
  if name == 'tocha.class' or name:find('^tocha%.bindings%.') then once[name] = module end
end
registry['tocha.once'] = once

return torch
