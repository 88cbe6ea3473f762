--- What layers and criterions take: the words for what they were given instead, at the caller's line and behind the name of the
-- module. One of the library's functions of tape operations (see
-- derive.lua) takes one tensor unless it is declared here to take something else.
-- @module tocha.nn.takes
local torch = require 'tocha'
local need = require 'tocha.bindings.module'.need
local own = require 'tocha.bindings.own'

local raise = own.raise

local takes = {}

--- The value, which must be a tensor.
takes.tensor = need

local function refuse(wanted, value) raise(('%s is wanted, but a %s was given'):format(wanted, torch.type(value))) end

--- The value, which must be a table.
function takes.table(value)
  if type(value) ~= 'table' then refuse('a table of tensors', value) end
  return value
end

--- The value, which must be a table, or a tensor, whose entries are its parts along the first dimension.
function takes.entries(value)
  if type(value) ~= 'table' and not torch.isTensor(value) then refuse('a table of tensors', value) end
  return value
end

--- The value, which must be a table of tensors, of `least` at least.
function takes.tensors(value, least)
  local wanted = least > 1 and ('a table of %d tensors'):format(least) or 'a table of tensors'
  if type(value) ~= 'table' then refuse(wanted, value) end
  for i = 1, math.max(#value, least) do
    local entry = value[i]
    if not torch.isTensor(entry) then
      raise(('%s is wanted, but entry %d of the one that was given is a %s'):format(wanted, i, torch.type(entry)))
    end
  end
  return value
end

--- The target of a criterion, which must be a tensor.
function takes.target(value)
  if not torch.isTensor(value) then raise(('a tensor is wanted as the target, but a %s was given'):format(torch.type(value))) end
  return value
end

-- -- declarations ---------------------------------------------------------------------------------------------------

local checks = setmetatable({}, { __mode = 'k' }) -- by function

--- Declares that the input of a function is a table of tensors, of `least` at least; returns the function. Two or more are found
-- by their numbers, so that a tensor of as many parts serves too.
function takes.list(least, fn)
  checks[fn] = function(input)
    if least > 1 and torch.isTensor(input) and input:dim() > 1 then return end
    takes.tensors(input, least)
  end
  return fn
end

local function nothing() end

--- Declares that a function looks at its input itself; returns the function.
function takes.anything(fn)
  checks[fn] = nothing
  return fn
end

--- What raises unless an input is as the function wants it. Functions of scripts look themselves.
function takes.check(fn)
  local check = checks[fn]
  if not check then
    check = own.isOwn(debug.getinfo(fn, 'S').source) and need or nothing
    checks[fn] = check
  end
  return check
end

return takes
