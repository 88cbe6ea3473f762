--- Functions whose arguments are checked by kind before they run, so that a wrong one gets a sentence at the caller's line.
-- @module tocha.signed
local check = require 'tocha.kinds'.check

--- f behind a check of its arguments.
-- @tparam string op the name that messages begin with
-- @tparam table list name, kind, name, kind ...: a kind of the table above, with ? at its end where nil is fine, or a table of the
-- kinds of options by name
-- @tparam function f
return function(op, list, f)
  return function(...)
    for k = 1, #list, 2 do check(op, list[k], list[k + 1], (select((k + 1) / 2, ...))) end
    return f(...)
  end
end
