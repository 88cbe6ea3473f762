--- Gradients: x:requiresGrad(), loss:backward(), torch.grad, torch.noGrad, functions written in Lua, torch.gradcheck's base.
-- @module tocha.bindings.autograd
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'
local M = require 'tocha.bindings.class'

local raise, fail, isTensor = own.raise, own.fail, own.isTensor
local wrap, readTensors = own.wrap, own.readTensors
local box, sumBox, passBox, nodeBox = own.newBox(), own.newBox(), ffi.new('tch_pass *[1]'), ffi.new('tch_node *[1]')
local Tensor = M.tensor
local A = {}

local function check(status) if status ~= 0 then fail(status) end end

-- -- tensors of the tape ------------------------------------------------------------------------------------------

--- x:requiresGrad(true) makes x a leaf whose gradient is collected in x.grad and returns x; x:requiresGrad() asks whether x has
-- a gradient to get.
function Tensor:requiresGrad(on)
  if on == nil then return C.tch_needs_grad(self) end
  check(C.tch_requires_grad(self, on and true or false))
  return self
end

--- Whether x was made by the user and not by a recorded op.
function Tensor:isLeaf() return C.tch_is_leaf(self) end

--- The same elements without history.
function Tensor:detach()
  check(C.tch_detach(self, box))
  return wrap(box[0])
end

--- A leaf on the elements of a parameter, whose gradient is added into `grad`.
function A.parameter(tensor, grad)
  check(C.tch_parameter(tensor, grad, box))
  return wrap(box[0])
end

M.properties.grad = function(tensor) return own.borrow(C.tch_grad(tensor)) end
M.setters.grad = function(tensor, grad)
  if grad ~= nil and not isTensor(grad) then raise('grad: a tensor or nil is needed') end
  check(C.tch_set_grad(tensor, grad))
end

--- Whether an op on x would be recorded now.
function A.recorded(x) return isTensor(x) and C.tch_needs_grad(x) and C.tch_grad_enabled() end

-- -- modes --------------------------------------------------------------------------------------------------------

local function restore(on, ok, ...)
  C.tch_set_grad_enabled(on)
  if not ok then error((...), 0) end
  return ...
end

local function withMode(on)
  return function(fn, ...)
    if type(fn) ~= 'function' then raise('a function is needed') end
    local before = C.tch_grad_enabled()
    C.tch_set_grad_enabled(on)
    return restore(before, pcall(fn, ...))
  end
end

-- -- host nodes: functions in Lua ---------------------------------------------------------------------------------

local functions, nextId = {}, 0 -- id -> {backward, nin, nout}

-- Forgets the functions of nodes that the engine has released.
local function sweep()
  local id = tonumber(C.tch_host_released())
  while id ~= 0 do
    functions[id] = nil
    id = tonumber(C.tch_host_released())
  end
end

--- Puts fresh outputs on the tape as the result of a function of the inputs.
-- backward(gradOutputs, wants) gets the gradients of the outputs (nil entries: zero) and wants(i), which tells whether input i
-- needs one; it returns a table of gradients of the inputs. release(), where there is one, is called after a pass that does not
-- retain the graph; the node has no gradient from then on.
-- @treturn boolean whether it was recorded
function A.hostNode(name, inputs, outputs, backward, release)
  sweep()
  if not C.tch_grad_enabled() then return false end
  local any = false
  for i = 1, #inputs do any = any or C.tch_needs_grad(inputs[i]) end
  if not any then return false end
  nextId = nextId + 1
  local ins, nin = readTensors(inputs, 1)
  local outs, nout = readTensors(outputs, 2)
  check(C.tch_host_node(nextId, name, ins, nin, outs, nout))
  functions[nextId] = { backward = backward, release = release, name = name, nin = nin, nout = nout }
  return true
end

-- Computes one host node's input gradients, with gradients on if `record`, and gives them to the pass.
local function runHost(pass, node, record, retain)
  local id = tonumber(C.tch_node_host_id(node))
  local entry = functions[id]
  if not entry then raise('backward: the Lua function of this graph is gone') end
  local grads = {}
  for o = 1, entry.nout do
    box[0] = nil
    check(C.tch_pass_grad(pass, o - 1, box))
    grads[o] = wrap(box[0])
  end
  local before = C.tch_grad_enabled()
  C.tch_set_grad_enabled(record)
  local given = restore(before, pcall(entry.backward, grads, function(i) return C.tch_pass_wants(pass, i - 1) end))
  if type(given) ~= 'table' then
    raise(('%s: backward must return a table of gradients, not a %s'):format(entry.name, type(given)))
  end
  for i = 1, entry.nin do
    local grad = given[i]
    if grad ~= nil and not isTensor(grad) then
      raise(('%s: gradient %d is a %s, not a tensor'):format(entry.name, i, type(grad)))
    end
    if C.tch_pass_wants(pass, i - 1) then check(C.tch_pass_give(pass, i - 1, grad)) end
  end
  if entry.release and not retain then
    functions[id] = nil
    entry.release()
  end
end

local function stepThrough(pass, flags)
  local record, retain = bit.band(flags, C.TCH_CREATE_GRAPH) ~= 0, bit.band(flags, C.TCH_RETAIN_GRAPH) ~= 0
  while true do
    nodeBox[0] = nil
    check(C.tch_pass_run(pass, nodeBox))
    if nodeBox[0] == nil then return end
    runHost(pass, nodeBox[0], record, retain)
  end
end

-- -- passes -------------------------------------------------------------------------------------------------------

local function flagsOf(options)
  local flags = 0
  if options then
    if type(options) ~= 'table' then raise('options are a table such as {retainGraph = true}') end
    if options.createGraph then flags = flags + C.TCH_CREATE_GRAPH end
    if options.retainGraph or (options.createGraph and options.retainGraph ~= false) then
      flags = flags + C.TCH_RETAIN_GRAPH
    end
    if options.allowUnused then flags = flags + C.TCH_ALLOW_UNUSED end
    if options.offTape then flags = flags + C.TCH_OFF_TAPE end
  end
  return flags
end

local function newPass(ys, gys, xs, flags)
  local y, ny = readTensors(ys, 1)
  local g, ng = readTensors(gys, 2)
  if gys and ng > ny then raise(('%d gradients for %d tensors'):format(ng, ny)) end
  if gys and ng < ny then
    local padded = ffi.new('tch_tensor *[?]', ny)
    for i = 0, ng - 1 do padded[i] = g[i] end
    g = padded
  end
  local x, nx = nil, 0
  if xs then x, nx = readTensors(xs, 3) end
  check(C.tch_pass_new(y, g, ny, x, nx, flags, passBox))
  return ffi.gc(passBox[0], C.tch_pass_free), nx
end

local function finish(pass)
  C.tch_pass_free(ffi.gc(pass, nil))
end

--- Adds the gradients of a tensor to the leaves it was made from.
-- @tparam[opt] tensor grad gradient of the tensor; without it the tensor must have one element
-- @tparam[opt] table options retainGraph, createGraph
function Tensor:backward(grad, options)
  if type(grad) == 'table' and options == nil then grad, options = nil, grad end
  if grad ~= nil and not isTensor(grad) then raise('backward: the gradient is not a tensor') end
  local flags = flagsOf(options)
  if next(functions) == nil then
    check(C.tch_backward(self, grad, flags))
    return
  end
  local pass = newPass({ self }, grad and { grad }, nil, flags)
  stepThrough(pass, flags)
  finish(pass)
  sweep()
end

-- Adds scale times a gradient, whose reference it takes (NULL: none), to a tensor.
local function addTo(into, grad, scale)
  if grad == nil then return end
  sumBox[0] = into
  local status = C.tch_add(into, grad, scale, sumBox)
  C.tch_tensor_release(grad)
  check(status)
end

--- Gradients of tensors towards others, without touching their `grad`.
-- @tparam tensor|{tensor,...} ys
-- @tparam tensor|{tensor,...} xs
-- @tparam[opt] table options gradOutputs ({tensor,...}), retainGraph, createGraph, allowUnused; into: tensors, by the index
-- of their x, to which `scale` times the gradient is added at once instead of being given
-- @treturn tensor|{tensor,...} as xs was given
function A.grad(ys, xs, options)
  local flags, single = flagsOf(options), isTensor(xs)
  if single then xs = { xs } end
  if isTensor(ys) then ys = { ys } end
  if type(xs) ~= 'table' or type(ys) ~= 'table' then raise('grad: tensors or tables of tensors are needed') end
  local gys = options and options.gradOutputs
  if isTensor(gys) then gys = { gys } end
  local pass, nx = newPass(ys, gys, xs, flags)
  stepThrough(pass, flags)
  local result, into = {}, options and options.into
  for i = 1, nx do
    box[0] = nil
    check(C.tch_pass_result(pass, i - 1, box))
    if into and into[i] then addTo(into[i], box[0], options.scale) else result[i] = wrap(box[0]) end
  end
  finish(pass)
  sweep()
  if single then return result[1] end
  return result
end

A.sweep = sweep

-- -- functions of the user ------------------------------------------------------------------------------------------

local function tensorsOf(what, list, n)
  for i = 1, n do
    if not isTensor(list[i]) then raise(('%s: result %d is a %s, not a tensor'):format(what, i, type(list[i]))) end
  end
end

--- A differentiable function written in Lua. `methods.forward(context, ...)` computes tensors from its arguments off the tape;
-- `methods.backward(context, gradOutput...)` returns the gradient of every tensor among the arguments, in order (nil where there
-- is none). What backward needs is kept in the table `context`; for second derivatives backward is written in tape operations
-- on `context.inputs`, the tensors that went in.
-- @treturn function
function A.Function(name, methods)
  if type(name) ~= 'string' or type(methods) ~= 'table' or not methods.forward or not methods.backward then
    raise('Function: a name and a table with forward and backward are needed')
  end
  local off = withMode(false)
  return function(...)
    local context, inputs = {}, {}
    for i = 1, select('#', ...) do
      local value = select(i, ...)
      if isTensor(value) then inputs[#inputs + 1] = value end
    end
    context.inputs = inputs
    local outputs = { off(methods.forward, context, ...) }
    tensorsOf(name, outputs, math.max(1, #outputs))
    -- What goes on the tape are aliases: a context that kept its result would otherwise own its own node.
    local plain = {}
    for o, y in ipairs(outputs) do plain[o], outputs[o] = y:detach(), y:detach() end
    A.hostNode(name, inputs, outputs, function(grads)
      for o = 1, #plain do grads[o] = grads[o] or plain[o]:clone():zero() end
      return { methods.backward(context, unpack(grads, 1, #plain)) }
    end)
    return unpack(outputs)
  end
end

function A.install(torch)
  torch.grad, torch.Function = A.grad, A.Function
  --- `noGrad(f, ...)`: calls f with gradients off, `enableGrad(f, ...)` with gradients on; returns what f returns.
  torch.noGrad, torch.enableGrad = withMode(false), withMode(true)
  --- Whether calls are recorded.
  function torch.isGradEnabled() return C.tch_grad_enabled() end
  --- Sets the gradient mode of this Lua state and returns the one before.
  function torch.setGradEnabled(on)
    local before = C.tch_grad_enabled()
    C.tch_set_grad_enabled(on and true or false)
    return before
  end
end

return A
