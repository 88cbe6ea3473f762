--- `require 'display'` for programs written for Torch7: what went to a web page becomes PNG files, one for each window, in the
-- working folder. No call ends a run: what cannot be drawn, and why, is told on standard error.
-- @module display
local torch = require 'torch'
local draw = require 'tocha.train.plot'
local image = require 'tocha.image'
local guard = require 'tocha.bindings.guard'

local display = {}
local windows = 0

local function tell(text) io.stderr:write('display: ', text, '\n') end

-- Draws to the window's file. Where it lies is told once.
local known = {}
local function show(win, kind, f)
  if win == nil then
    windows = windows + 1
    win = ('%s-%d'):format(kind, windows)
  end
  local path = ('display-%s.png'):format(tostring(win):gsub('[^%w_-]', '_'))
  local good, why = pcall(f, path)
  if not known[win] then
    tell(good and path or ('%s: nothing was drawn to %s: %s'):format(kind, path, guard.reason(why)))
    known[win] = true
  end
  return win
end

function display.configure() end

--- Shows a picture or several: image(x, {win =, title =, nperrow =}); gives the window, to be given again.
function display.image(x, options)
  options = options or {}
  return show(options.win, 'image', function(path)
    if not torch.isTensor(x) and type(x) ~= 'table' then
      error('a picture or a table of pictures is needed, not a ' .. type(x), 0)
    end
    local count = type(x) == 'table' and #x or x:dim() == 4 and x:size(1) or 6
    image.savePNG(path, image.toDisplayTensor { input = x, nrow = options.nperrow or math.ceil(math.sqrt(count)) })
  end)
end
display.images = display.image

--- Draws curves over the first column: plot(rows, {win =, title =, labels = {'x', 'y', ...}}).
function display.plot(rows, options)
  options = options or {}
  return show(options.win, 'plot', function(path)
    if torch.isTensor(rows) then rows = rows:totable() end
    if type(rows) ~= 'table' or type(rows[1]) ~= 'table' then
      error('rows of numbers are needed: a matrix or a table of tables', 0)
    end
    local labels, curves = options.labels or {}, {}
    for j = 2, #rows[1] do
      curves[j - 1] = { name = labels[j], x = {}, y = {} }
      for i, row in ipairs(rows) do
        curves[j - 1].x[i] = tonumber(row[1]) or i
        curves[j - 1].y[i] = tonumber(row[j]) or 0 / 0
      end
    end
    draw(path, curves, { title = options.title, xlabel = options.xlabel or labels[1], ylabel = options.ylabel })
  end)
end

--- Shows a text.
function display.text(text, options)
  io.write(tostring(text), '\n')
  return options and options.win or 'text'
end

function display.audio() tell 'sound is not played' end

return guard.functions('', display, tell)
