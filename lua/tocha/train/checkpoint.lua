--- Checkpoints: what a run needs to go on as if it had never stopped, in one .t7 file.
--
--     checkpoint.save('run.t7', { model = net, optimState = state, epoch = 3 })
--     local state = checkpoint.load('run.t7')     -- also puts the random generator where it was
--
-- The table may hold anything that torch.save writes. Saving adds the state of the default generator and clears the
-- buffers of its modules. The file appears whole or not at all.
-- @module tocha.train.checkpoint
local torch = require 'tocha'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

local checkpoint = {}
local kind = 'tocha checkpoint 1'

--- Writes a checkpoint.
-- @tparam string path
-- @tparam table state
function checkpoint.save(path, state)
  local whole = {}
  for key, value in pairs(state) do whole[key] = value end
  whole.kind, whole.rng = kind, torch.getRNGState() -- a state that was loaded has those of then
  for _, value in pairs(whole) do
    if torch.isTypeOf(value, 'nn.Module') then value:clearState() end
  end
  torch.save(path, whole)
end

--- Raises an error if no file can be written at the path: said before a run rather than after its first epoch.
-- @tparam string path
function checkpoint.reserve(path)
  local _, why, code = io.open(path, 'r+b')
  if code == 21 then raise('cannot write ' .. why) end -- a folder
  local aside = path .. '.new'
  local file, reason = io.open(aside, 'ab')
  local device = not file and io.open(path, 'r+b')
  if not (file or device) then raise('cannot write ' .. reason:gsub('%.new:', ':', 1)) end
  (file or device):close()
  os.remove(aside)
end

--- Reads a checkpoint and restores the default generator.
-- @tparam string path
-- @treturn table what was saved
function checkpoint.load(path)
  local state = torch.load(path)
  if type(state) ~= 'table' or state.kind ~= kind then
    raise(('%s is no checkpoint, but a %s that was saved otherwise'):format(path, torch.type(state)))
  end
  torch.setRNGState(state.rng)
  return state
end

checkpoint.save = signed('checkpoint.save', { 'path', 'string', 'state', 'table' }, checkpoint.save)
checkpoint.reserve = signed('checkpoint.reserve', { 'path', 'string' }, checkpoint.reserve)
checkpoint.load = signed('checkpoint.load', { 'path', 'string' }, checkpoint.load)

return checkpoint
