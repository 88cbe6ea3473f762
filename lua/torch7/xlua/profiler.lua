--- xlua.Profiler: times of named parts of a program: `p:start 'load'`, ..., `p:lap 'load'`, `p:printAll()`.
-- @module xlua.profiler
local torch = require 'torch'

local Profiler = {}
Profiler.__index = Profiler

local function new() return setmetatable({ list = {}, events = {} }, Profiler) end

local function event(self, name)
  if not self.events[name] then
    self.events[name] = { name = name, real = 0, cpu = 0 }
    table.insert(self.list, self.events[name])
  end
  return self.events[name]
end

--- Begins to time a part; `fps` also counts how often in a second.
function Profiler:start(name, fps)
  local e = event(self, name)
  e.timer, e.fps = torch.Timer(), fps == 'fps' or fps == true
end

--- Ends a part: its seconds, divided.
function Profiler:lap(name, divider)
  local e = self.events[name]
  if not e or not e.timer then return nil end
  local time = e.timer:time()
  e.real, e.cpu = time.real / (divider or 1), time.user / (divider or 1)
  return e.real, e.cpu
end

local function reading(field)
  return function(self, name, divider)
    local e = self.events[name]
    return e and e[field] / (divider or 1)
  end
end
Profiler.real, Profiler.cpu = reading 'real', reading 'cpu'

function Profiler:setColor(name, color) event(self, name).color = color end

--- A part's times in one line.
function Profiler:format(name)
  local e = self.events[name]
  if not e then return '' end
  local rate = e.fps and e.real > 0 and (' (%.3f fps)'):format(1 / e.real) or ''
  return ('%s: real %.5fs cpu %.5fs%s'):format(e.name, e.real, e.cpu, rate)
end

function Profiler:print(name) print(self:format(name)) end

--- The lines of all parts.
function Profiler:formatAll()
  local lines = {}
  for i, e in ipairs(self.list) do lines[i] = self:format(e.name) end
  return table.concat(lines, '\n')
end

function Profiler:printAll() print(self:formatAll()) end
Profiler.displayAll = Profiler.printAll

return setmetatable(Profiler, { __call = new })
