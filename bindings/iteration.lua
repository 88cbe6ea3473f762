--- Loops over tables that visit every element, on LuaJIT's snapshots 2.1.0-beta3 too.
--
-- The last of these (Debian 12 has one) compile `for k, v in pairs(t)`. Where compiling such a loop failed often enough, the
-- interpreter gives up on it, and every run of the loop that is under way at that moment ends at once: copies of nested tables
-- lose fields (https://github.com/LuaJIT/LuaJIT/issues/827). Calls of `next` are compiled wrongly as well: graphs of modules lose
-- edges, unless operands are not fused (-O-fuse). So there, and only there, the globals `pairs` and `next` become functions of Lua
-- that are never compiled, with the same results and the same errors.
-- @module tocha.bindings.iteration
local next, pairs = next, pairs
if not jit or jit.version ~= 'LuaJIT 2.1.0-beta3' then return end

local function refuse(name, t)
  error(("bad argument #1 to '%s' (table expected, got %s)"):format(name, type(t)), 3)
end

local function step(t, key)
  if type(t) ~= 'table' then refuse('next', t) end
  return next(t, key)
end
jit.off(step)
rawset(_G, 'next', step)

rawset(_G, 'pairs', function(t)
  if type(t) ~= 'table' and not (debug.getmetatable(t) or {}).__pairs then refuse('pairs', t) end
  local iterator, state, key = pairs(t)
  return iterator == next and step or iterator, state, key
end)
