--- Threads, memory and build facts of the process.
-- @module tocha.bindings.process
local ffi = require 'ffi'
local C = require 'tocha.bindings.library'
local own = require 'tocha.bindings.own'

local terminal = require 'tocha.bindings.file'.isTerminal

local P = {}

function P.install(torch)
  --- Threads of the engine's pool, 1 to 256. Results do not depend on it.
  function torch.setnumthreads(n)
    local status = C.tch_set_threads(own.integer(n))
    if status ~= 0 then own.fail(status) end
  end

  --- Processors that this process may use.
  function torch.getnumcores() return C.tch_host_cores() end

  --- Whether an open file of Lua (io.stdout) is a terminal.
  function torch.isatty(file)
    local descriptor = file == io.stdin and 0 or file == io.stdout and 1 or file == io.stderr and 2
    return descriptor and terminal(descriptor) or false
  end

  --- Threads of the engine's pool.
  function torch.getnumthreads() return C.tch_threads() end

  --- Bytes: `used` by live tensors, `cached` for reuse, `peak` of both, `lua` in Lua's own heap.
  function torch.memstats()
    own.sweep()
    return { used = tonumber(C.tch_memory_used()), cached = tonumber(C.tch_memory_cached()),
             peak = tonumber(C.tch_memory_peak()), lua = collectgarbage('count') * 1024 }
  end

  --- Collects dropped tensors and gives cached memory back to the system.
  function torch.trim()
    own.collect()
    C.tch_memory_trim()
  end

  local operations, moved = ffi.new 'double[1]', ffi.new 'double[1]'
  local function work()
    C.tch_work_done(operations, moved)
    return operations[0], moved[0]
  end

  --- What f() computes: operations of products, convolutions, recurrent layers and attention by their definition (two for a
  -- multiply-add), and bytes that ops, copies and optimizer steps read and write, each operand once.
  -- @tparam function f
  -- @treturn number operations
  -- @treturn number bytes
  function torch.countWork(f)
    if type(f) ~= 'function' then own.raise 'countWork: a function is needed' end
    local operationsBefore, bytesBefore = work()
    C.tch_work_watch(true)
    local ok, message = pcall(f)
    C.tch_work_watch(false)
    if not ok then error(message, 0) end
    local operationsAfter, bytesAfter = work()
    return operationsAfter - operationsBefore, bytesAfter - bytesBefore
  end

  --- What runs here: instruction set, threads, LuaJIT, its heap, default type.
  function torch.config()
    return { cpu = ffi.string(C.tch_cpu_name()), threads = C.tch_threads(), luajit = jit.version, gc64 = ffi.abi('gc64'),
             abi = C.tch_abi(), default = torch.getdefaulttensortype() }
  end

  --- Torch7's switch for its own heap counting; the bindings always do it.
  function torch.setheaptracking(on) torch._heaptracking = on and true or false end
  torch._heaptracking = false

  torch.scope = own.scope
end

return P
