--- What the package csvigo has in C: the lines of a text in a storage.
-- @module libcsvigo
local torch = require 'torch'
local own = require 'tocha.bindings.own'

local libcsvigo = {}
own.folder(debug.getinfo(1, 'S').source:match '^@(.*)$')

--- Where lines begin and how long they are: rows of a LongTensor (lines, 2), counted from 0, without their ends (\n or \r\n).
function libcsvigo.create_lookup(storage)
  local name = torch.typename(storage)
  if name ~= 'torch.CharStorage' and name ~= 'torch.ByteStorage' then
    own.bad('create_lookup', 'the text', 'a CharStorage or a ByteStorage', storage)
  end
  local text, places, at = storage:string(), {}, 1
  while at <= #text do
    local stop = text:find('\n', at, true) or #text + 1
    local last = text:sub(stop - 1, stop - 1) == '\r' and stop - 2 or stop - 1
    places[#places + 1] = { at - 1, last - at + 1 }
    at = stop + 1
  end
  return #places > 0 and torch.LongTensor(places) or torch.LongTensor()
end

return libcsvigo
