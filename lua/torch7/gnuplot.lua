--- `require 'gnuplot'` for programs written for Torch7: draws PNG files, without gnuplot. Sets the global gnuplot.
--
-- A figure without a file of its own is written to gnuplot-N.png in the working folder. What cannot be drawn here (surfaces, raw
-- commands, other formats than PNG), and what is wrong with a call, is told once on standard error; no call ends a run.
-- @module gnuplot
local torch = require 'torch'
local draw = require 'tocha.train.plot'
local image = require 'tocha.image'
local guard = require 'tocha.bindings.guard'

local gnuplot = { _VERSION = 'tocha' }
local figures, current = {}, nil
local told = {}

local function tell(text)
  if told[text] then return end
  told[text] = true
  io.stderr:write('gnuplot: ', text, '\n')
end

-- An error within this file; gnuplot's functions tell it after their names.
local function refuse(text) error(text, 0) end

local function figure(n)
  n = n or current or 1
  if type(n) ~= 'number' then refuse('the number of a figure is needed, not a ' .. type(n)) end
  figures[n] = figures[n] or { path = ('gnuplot-%d.png'):format(n) }
  current = n
  return figures[n]
end

-- Writes the figure's file.
local function refresh(fig)
  if not fig.curves and not fig.picture then return end
  local good, why = pcall(function()
    if fig.picture then image.savePNG(fig.path, fig.picture) else draw(fig.path, fig.curves, fig) end
  end)
  if not good then refuse(('nothing was drawn to %s: %s'):format(fig.path, guard.reason(why))) end
  tell('figures are written to files: ' .. fig.path)
end

-- -- figures ------------------------------------------------------------------------------------------------------

local function fileFigure(name, n)
  if type(name) ~= 'string' then refuse('the name of a file is needed, not a ' .. type(name)) end
  local path = name
  if not name:lower():find '%.png$' then
    path = name:gsub('%.%a+$', '') .. '.png'
    tell(('%s becomes %s: only PNG is drawn'):format(name, path))
  end
  if n == nil then n = #figures + 1 end
  figures[n] = { path = path }
  current = n
  return n
end
for _, kind in ipairs { 'png', 'eps', 'svg', 'pdf' } do gnuplot[kind .. 'figure'] = fileFigure end

--- Makes a figure the current one, a new one without a number.
function gnuplot.figure(n)
  figure(n or #figures + 1)
  return current
end

--- Writes the current figure to a file.
function gnuplot.figprint(name)
  local from = figure()
  local to = fileFigure(name, '(print)')
  local copy = { path = figures[to].path }
  for key, value in pairs(from) do if key ~= 'path' then copy[key] = value end end
  figures[to] = nil
  for n, fig in pairs(figures) do if fig == from then current = n end end
  refresh(copy)
end

function gnuplot.plotflush(n) refresh(figure(n)) end

function gnuplot.close(n)
  n = n or current
  local fig = n and figures[n]
  if fig then figures[n] = nil end
  if n == current then current = nil end
  if fig then refresh(fig) end
end

function gnuplot.closeall()
  for n in pairs(figures) do gnuplot.close(n) end
  figures, current = {}, nil
end

for _, name in ipairs { 'title', 'xlabel', 'ylabel', 'logscale' } do
  gnuplot[name] = function(value)
    local fig = figure()
    fig[name] = value
    refresh(fig)
  end
end

for _, name in ipairs { 'grid', 'movelegend', 'axis', 'setterm', 'setgnuplotexe', 'zlabel' } do gnuplot[name] = function() end end
function gnuplot.raw(command) tell('commands for the program are not carried out: ' .. tostring(command)) end

-- -- curves -------------------------------------------------------------------------------------------------------

local function numbers(values)
  if torch.isTensor(values) then return values:dim() == 1 and values:totable() or values:contiguous():view(-1):totable() end
  return type(values) == 'table' and values or nil
end

-- {['name',] [x,] y [, 'style']}; a matrix has x in its first column.
local function curve(list)
  local strings, vectors, first = {}, {}, type(list[1]) == 'string'
  for i = 1, table.maxn(list) do
    local value = list[i]
    if type(value) == 'string' then strings[#strings + 1] = value
    elseif torch.isTensor(value) and value:dim() == 2 and value:size(2) >= 2 then
      for j = 1, 2 do vectors[#vectors + 1] = numbers(value:select(2, j)) end
    elseif numbers(value) then vectors[#vectors + 1] = numbers(value) end
  end
  local style = strings[first and 2 or 1]
  local result = { name = first and strings[1] or nil, y = vectors[2] or vectors[1], x = vectors[2] and vectors[1] or nil }
  if style == '|' then result.style = '+' elseif style and style:find '^[-+.~]+$' then result.style = style end
  if not result.y then refuse 'a curve has no numbers' end
  return result
end

--- Draws curves: plot(y), plot(x, y, 'style'), plot('name', x, y), plot({...}, {...}), plot({{...}, {...}}).
function gnuplot.plot(...)
  local list = { ... }
  if #list == 0 then refuse 'at least a vector is needed' end
  if type(list[1]) == 'table' and type(list[1][1]) == 'table' then list = list[1] end
  local fig, curves = figure(), {}
  if type(list[1]) == 'table' and type(list[1][1]) ~= 'number' then
    for i, one in ipairs(list) do curves[i] = curve(one) end
  else
    curves[1] = curve(list)
  end
  fig.curves, fig.picture = curves, nil
  refresh(fig)
end

function gnuplot.bar(...)
  local list = { ... }
  list[#list + 1] = '|'
  gnuplot.plot(list)
end

-- A histogram as text, `height` lines high, a column for each bin.
local function histogramText(h, height)
  height = height or 10
  local least, most, lines = h[h.min], h[h.max], {}
  lines[1] = ('nsamples: min:(bin:%d/#%d/center:%.2f) max:(bin:%d/#%d/center:%.2f)'):format(h.min, least.nb, least.val, h.max,
    most.nb, most.val)
  for line = height, 1, -1 do
    local level, columns = most.nb * (line - .5) / height, {}
    for i, bin in ipairs(h) do columns[i] = bin.nb >= level and bin.nb > 0 and '|' or ' ' end
    lines[#lines + 1] = ('%8.1e:%s'):format(level, table.concat(columns))
  end
  lines[#lines + 1] = ('centers  %.2f to %.2f'):format(h[1].val, h[#h].val)
  return table.concat(lines, '\n')
end

--- histc(tensor, bins, min, max, raw): counts of a tensor's values in bins.
-- @tparam torch.Tensor tensor
-- @tparam[opt=72] number bins
-- @tparam[opt] number min
-- @tparam[opt] number max
-- @tparam[opt] boolean raw
-- @treturn table {val = centre, nb = count} of each bin; `bins`, `binwidth`, `raw` (the counts as a tensor), `min` and `max` (the
-- bins of the least and the greatest count); tostring draws it. With `raw` the tensor of counts alone.
local function histc(tensor, bins, min, max, raw)
  if not torch.isTensor(tensor) then refuse('a tensor is needed, not a ' .. type(tensor)) end
  bins, min, max = bins or 72, min or tensor:min(), max or tensor:max()
  local counts = torch.histc(tensor:double(), bins, min, max)
  if raw then return counts end
  local h = setmetatable({ raw = counts, bins = bins, binwidth = (max - min) / bins }, { __tostring = histogramText })
  h.min, h.max = select(2, counts:min(1))[1], select(2, counts:max(1))[1]
  for i = 1, bins do h[i] = { val = min + (i - .5) * h.binwidth, nb = counts[i] } end
  return h
end
gnuplot.histc = histc

--- Counts of a tensor's values in bins (100), drawn; gives what histc gives.
function gnuplot.hist(tensor, bins, min, max)
  local h, centres = histc(tensor, bins or 100, min, max), {}
  for i, bin in ipairs(h) do centres[i] = bin.val end
  gnuplot.bar(torch.Tensor(centres), h.raw)
  return h
end

--- Draws a matrix as a picture, its smallest number black.
function gnuplot.imagesc(x)
  if not torch.isTensor(x) or x:dim() ~= 2 then refuse 'a matrix is needed' end
  local fig = figure()
  fig.curves, fig.picture = nil, image.toDisplayTensor { input = x }
  refresh(fig)
end

for _, name in ipairs { 'splot', 'scatter3' } do
  gnuplot[name] = function() tell(name .. ': nothing was drawn, for there are no surfaces here') end
end

guard.functions('', gnuplot, tell)
rawset(_G, 'gnuplot', gnuplot)
return gnuplot
