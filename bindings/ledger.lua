--- Which references of the engine Lua still holds.
--
-- A finalizer for each object would cost several times as much as a small operation. So a ledger keeps the pointer of every
-- object beside a weak reference to it, and after each cycle of the collector one pass gives back what the cycle found dead.
-- An object that a finalizer of another one can still reach is not dead by then.
-- @module tocha.bindings.ledger
local ffi = require 'ffi'
local newTable = require 'table.new'

-- Entries between two collections: few, so that the memory given back is still in the nearest caches, and more for each KiB of
-- Lua's heap, because marking that is what a collection costs.
local least, perKiB = 8192, 2

-- An object that nothing holds: f runs at the end of the collector's cycle.
local function atEnd(f)
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = f
  return proxy
end

-- Runs when the Lua state closes: finalizers made by finalizers come after all others, which may still use their tensors.
local atClose = {}
atClose.proxy = atEnd(function()
  atEnd(function()
    for i = 1, #atClose do atClose[i]() end
  end)
end)

local function weakTable(capacity) return setmetatable(newTable(capacity, 0), { __mode = 'v' }) end

--- Makes a ledger.
-- @tparam cdata release the C function that gives a reference back
-- @treturn function,function enter(object, pointer), and sweep(), which gives back what the last cycles found dead and returns
-- the number of live objects
return function(release)
  local objects, pointers = weakTable(least), ffi.new('void *[?]', least + 1) -- both count from 1
  local n, capacity = 0, least
  local due = false -- a cycle has ended since the last sweep

  -- Called by the collector at the end of every cycle.
  local function watch()
    atEnd(function()
      due = true
      watch()
    end)
  end
  watch()

  -- Each step leaves the ledger such that an error from a debug hook can lose a reference, but not give it back twice.
  local function sweep()
    due = false
    local live = 0
    for i = 1, n do
      local object, pointer = objects[i], pointers[i]
      pointers[i] = nil
      if pointer ~= nil then
        if object == nil then release(pointer)
        else
          live = live + 1
          objects[live] = object
          pointers[live] = pointer
        end
      end
    end
    n = live
    return live
  end

  local function grow(wanted)
    local more, buffer = weakTable(wanted), ffi.new('void *[?]', wanted + 1)
    for i = 1, n do more[i] = objects[i] end
    ffi.copy(buffer, pointers, (n + 1) * ffi.sizeof 'void *')
    objects, pointers, capacity = more, buffer, wanted
  end

  local function makeRoom()
    collectgarbage()
    local wanted = math.max(2 * sweep(), perKiB * collectgarbage('count'), least)
    if wanted > capacity then grow(math.floor(wanted * 1.5)) end
  end

  local function enter(object, pointer)
    if due then sweep() elseif n == capacity then makeRoom() end
    local i = n + 1
    objects[i] = object
    pointers[i] = pointer
    n = i
  end

  atClose[#atClose + 1] = function()
    for i = 1, n do release(pointers[i]) end
    n = 0
  end

  return enter, sweep
end
