--- Plans of the engine: a network noted step by step, prepared once and run (tocha.h, plans). Values are numbers.
-- @module tocha.bindings.plan
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local plan = {}
local Plan = {}
Plan.__index = Plan

local made, value, sizes = ffi.new 'tch_plan *[1]', ffi.new 'int[1]', ffi.new 'int64_t[3]'
local geometry, box = ffi.new 'int64_t[8]', own.newBox()

--- An empty plan for inputs of c planes of h x w, or (`flat`) rows of c features. Its input is value 0.
function plan.new(c, h, w, flat)
  if C.tch_plan_new(c, h, w, flat, made) ~= 0 then own.fail() end
  return setmetatable({ handle = ffi.gc(made[0], C.tch_plan_free) }, Plan)
end

local function result(status)
  if status ~= 0 then own.fail(status) end
  return value[0]
end

-- {kernel, stride, pad, dilation}, each {vertical, horizontal}
local function window(g)
  for i = 1, 4 do
    geometry[2 * i - 2], geometry[2 * i - 1] = own.integer(g[i][1]), own.integer(g[i][2])
  end
  return geometry
end

--- Planes, height and width of a value, and whether it is a row of features.
function Plan:shape(x)
  local flat = C.tch_plan_shape(self.handle, x, sizes)
  return tonumber(sizes[0]), tonumber(sizes[1]), tonumber(sizes[2]), flat
end

function Plan:conv(x, weight, bias, g, groups)
  return result(C.tch_plan_conv(self.handle, x, weight, bias, window(g), groups, value))
end

function Plan:scale(x, scale, shift) return result(C.tch_plan_scale(self.handle, x, scale, shift, value)) end
function Plan:bound(x, low, high) return result(C.tch_plan_bound(self.handle, x, low, high, value)) end
function Plan:unary(x, name, a, b) return result(C.tch_plan_unary(self.handle, x, name, a or 0, b or 0, value)) end
function Plan:add(x, y) return result(C.tch_plan_add(self.handle, x, y, value)) end

function Plan:pool(x, average, g, up, include)
  return result(C.tch_plan_pool(self.handle, x, average, window(g), up, include, value))
end

function Plan:adaptive(x, average, h, w) return result(C.tch_plan_adaptive(self.handle, x, average, h, w, value)) end

--- Along planes.
function Plan:join(list) return result(C.tch_plan_join(self.handle, ffi.new('int32_t[?]', #list, list), #list, value)) end

function Plan:flatten(x) return result(C.tch_plan_flatten(self.handle, x, value)) end
function Plan:softmax(x, log) return result(C.tch_plan_softmax(self.handle, x, log, value)) end

--- Prepares the plan; `output` is the value that a run gives.
function Plan:prepare(output)
  if C.tch_plan_prepare(self.handle, output) ~= 0 then own.fail() end
end

--- The output for a batch; into a tensor, or a new one.
function Plan:run(input, output)
  box[0] = output
  local status = C.tch_plan_run(self.handle, input, box)
  if status ~= 0 then own.fail(status) end
  return output or own.wrap(box[0])
end

--- Bytes that the plan holds.
function Plan:bytes() return tonumber(C.tch_plan_bytes(self.handle)) end

return plan
