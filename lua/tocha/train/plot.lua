--- Plots of curves as PNG, without any other program.
--
--     local plot = require 'tocha.train.plot'
--     plot('loss.png', { { name = 'train', y = losses }, { name = 'test', x = steps, y = others, style = '+' } },
--       { title = 'learning', xlabel = 'epoch', ylabel = 'loss' })
--     plot.figure('both.png', { { curves = ..., title = ... }, { curves = ... } })   -- side by side
--
-- A style with '-' or '~' draws lines, with '+' crosses, with '.' dots; without one it is '-'.
-- @module tocha.train.plot
local Canvas = require 'tocha.train.canvas'
local kinds = require 'tocha.kinds'
local raise = require 'tocha.bindings.own'.raise

local plot = {}
local black, grey, pale = { 40, 40, 40 }, { 120, 120, 120 }, { 228, 228, 228 }
local colours = { { 31, 98, 180 }, { 214, 82, 22 }, { 38, 140, 66 }, { 150, 62, 160 }, { 170, 130, 10 }, { 30, 150, 160 },
                  { 200, 40, 90 }, { 110, 90, 70 }, { 120, 170, 40 }, { 90, 90, 110 } }
local panelWidth, panelHeight = 560, 400
local margin = { left = 70, right = 18, top = 34, bottom = 52 }
local small, large = 1.35, 1.7 -- units of the font

-- -- scales -------------------------------------------------------------------------------------------------------

local function finite(v) return type(v) == 'number' and v == v and v > -math.huge and v < math.huge end

-- Smallest and largest finite value over all curves; a line of one value, but for rounding, gets room.
local function range(curves, field, usable)
  local low, high = math.huge, -math.huge
  for _, curve in ipairs(curves) do
    for i = 1, #curve.y do
      local v = curve[field] and curve[field][i] or field == 'x' and i
      if finite(v) and usable(v) then low, high = math.min(low, v), math.max(high, v) end
    end
  end
  if low > high then return 0, 1 end
  local size = math.max(math.abs(low), math.abs(high))
  if high - low <= size * 1e-9 then
    local room = size > 0 and size * .1 or 1
    return low - room, high + room
  end
  return low, high
end

-- Round values within low..high, at most about n of them, 1, 2 or 5 times a power of ten and at least `least` apart.
local function ticks(low, high, n, least)
  local step = 10 ^ math.floor(math.log10((high - low) / n))
  for _, factor in ipairs { 1, 2, 5, 10, 20, 50 } do
    if (high - low) / (step * factor) <= n and step * factor >= (least or 0) then
      step = step * factor
      break
    end
  end
  local list = {}
  for k = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do list[#list + 1] = k * step end
  return list
end

local function label(value, list)
  local step = list[2] and math.abs(list[2] - list[1]) or math.abs(value)
  if value ~= 0 and (math.abs(value) >= 1e6 or step < 1e-5) then return ('%.2g'):format(value) end
  local places = step > 0 and math.max(0, math.ceil(-math.log10(step) - 1e-9)) or 0
  return ('%%.%df'):format(math.min(places, 6)):format(value == 0 and 0 or value)
end

-- Whether x counts something: whole numbers only.
local function counts(curves)
  for _, curve in ipairs(curves) do
    for i = 1, curve.x and #curve.x or 0 do
      if curve.x[i] % 1 ~= 0 then return false end
    end
  end
  return true
end

-- Powers of ten.
local function decades(low, high)
  local list, step = {}, math.max(1, math.ceil((high - low) / 8))
  for k = math.ceil(low), math.floor(high), step do list[#list + 1] = k end
  return #list > 1 and list or { low, high }
end

-- -- a panel ------------------------------------------------------------------------------------------------------

local function axes(canvas, at, options)
  local left, top, right, bottom = at.left, at.top, at.right, at.bottom
  local xs = ticks(at.x1, at.x2, 7, at.whole and 1 or 0)
  local ys = options.logscale and decades(at.y1, at.y2) or ticks(at.y1, at.y2, 7)
  for _, v in ipairs(xs) do
    local x, text = math.floor(at.toX(v)) + .5, label(v, xs)
    canvas:line({ x, top, x, bottom }, pale)
    canvas:line({ x, bottom, x, bottom + 4 }, black)
    local width = Canvas.textWidth(text, small)
    canvas:text(math.min(x - width / 2, right + margin.right - width - 2), bottom + 9, text, black, small)
  end
  for _, v in ipairs(ys) do
    local y = math.floor(bottom - (v - at.y1) / (at.y2 - at.y1) * (bottom - top)) + .5
    local text = options.logscale and ('%.3g'):format(10 ^ v) or label(v, ys)
    canvas:line({ left, y, right, y }, pale)
    canvas:line({ left - 4, y, left, y }, black)
    canvas:text(left - 8 - Canvas.textWidth(text, small), y - 3 * small, text, black, small)
  end
  canvas:line({ left + .5, top, left + .5, bottom + .5, right, bottom + .5 }, black)
  local title, xlabel, ylabel = options.title, options.xlabel, options.ylabel
  local middle = (left + right) / 2
  if title then canvas:text(middle - Canvas.textWidth(title, large) / 2, at.y + 11, title, black, large) end
  if xlabel then canvas:text(middle - Canvas.textWidth(xlabel, small) / 2, bottom + 28, xlabel, grey, small) end
  if ylabel then
    canvas:text(at.x + 10, (top + bottom) / 2 + Canvas.textWidth(ylabel, small) / 2, ylabel, grey, small, true)
  end
end

local function drawCurve(canvas, at, curve, colour)
  local style, run = curve.style or '-', {}
  local lines = style:find '[-~]' ~= nil
  local function finish()
    if lines and #run > 2 then canvas:line(run, colour, 1.8) end
    if #run == 2 and lines then canvas:dot(run[1], run[2], colour) end
    run = {}
  end
  for i = 1, #curve.y do
    local x, y = at.toX(curve.x and curve.x[i] or i), at.toY(curve.y[i])
    if finite(x) and finite(y) then
      run[#run + 1], run[#run + 2] = x, y
      if style:find '+' then
        canvas:line({ x - 3, y, x + 3, y }, colour)
        canvas:line({ x, y - 3, x, y + 3 }, colour)
      elseif style:find '%.' then canvas:dot(x, y, colour, 2) end
    else finish() end
  end
  finish()
end

-- The corner in which fewest points of the curves lie.
local function corner(at, curves, width, height)
  local best, least = nil, math.huge
  for _, spot in ipairs { { at.right - width - 8, at.top + 6 }, { at.right - width - 8, at.bottom - height - 8 },
                          { at.left + 10, at.top + 6 }, { at.left + 10, at.bottom - height - 8 } } do
    local hits = 0
    for _, curve in ipairs(curves) do
      local px, py
      for i = 1, #curve.y do
        local x, y = at.toX(curve.x and curve.x[i] or i), at.toY(curve.y[i])
        for t = px and .1 or 1, 1, .1 do -- along the line to this point
          local u, v = px and px + t * (x - px) or x, py and py + t * (y - py) or y
          if u > spot[1] - 8 and u < spot[1] + width + 8 and v > spot[2] - 8 and v < spot[2] + height + 8 then hits = hits + 1 end
        end
        px, py = x, y
      end
    end
    if hits < least then best, least = spot, hits end
  end
  return best[1], best[2]
end

local function legend(canvas, at, curves)
  local width, n = 0, 0
  for _, curve in ipairs(curves) do
    if curve.name then width, n = math.max(width, Canvas.textWidth(curve.name, small)), n + 1 end
  end
  if n == 0 then return end
  local x, y = corner(at, curves, width + 40, n * 16 + 6)
  canvas:fill(x, y, width + 40, n * 16 + 6, { 255, 255, 255 }, .85)
  for k, curve in ipairs(curves) do
    if curve.name then
      local colour, dots = colours[(k - 1) % #colours + 1], (curve.style or '-'):find '^[.+]+$'
      if dots then canvas:dot(x + 16, y + 11, colour, 3) else canvas:line({ x + 6, y + 11, x + 26, y + 11 }, colour, 2) end
      canvas:text(x + 33, y + 11 - 3 * small, curve.name, black, small)
      y = y + 16
    end
  end
end

local function panel(canvas, x, y, curves, options)
  local log = options.logscale
  local at = { x = x, y = y, left = x + margin.left, top = y + margin.top, right = x + panelWidth - margin.right,
               bottom = y + panelHeight - margin.bottom }
  at.x1, at.x2 = range(curves, 'x', finite)
  at.whole = counts(curves)
  local low, high = range(curves, 'y', function(v) return not log or v > 0 end)
  if log then low, high = math.log10(math.max(low, 1e-300)), math.log10(math.max(high, 1e-299)) end
  local room = (high - low) * .04
  at.y1, at.y2 = low - room, high + room
  function at.toX(v) return at.left + (v - at.x1) / (at.x2 - at.x1) * (at.right - at.left) end
  function at.toY(v)
    if log then v = v > 0 and math.log10(v) or 0 / 0 end
    return at.bottom - (v - at.y1) / (at.y2 - at.y1) * (at.bottom - at.top)
  end
  axes(canvas, at, options)
  for k, curve in ipairs(curves) do drawCurve(canvas, at, curve, colours[(k - 1) % #colours + 1]) end
  legend(canvas, at, curves)
end

local labels = { title = 'name?', xlabel = 'name?', ylabel = 'name?' }

local function numbers(k, name, list)
  for i = 1, #list do
    if type(list[i]) ~= 'number' then
      raise(('plot: %s[%d] of curve %d is a %s, but a number is needed'):format(name, i, k, type(list[i])))
    end
  end
end

local function check(curves)
  if type(curves) ~= 'table' or #curves == 0 then raise('plot: a list of curves is needed') end
  for k, curve in ipairs(curves) do
    if type(curve) ~= 'table' or type(curve.y) ~= 'table' then raise(('plot: curve %d has no list y'):format(k)) end
    kinds.check('plot', ('curve %d'):format(k), { x = 'table?', name = 'name?', style = 'string?' }, curve)
    numbers(k, 'y', curve.y)
    if curve.x then numbers(k, 'x', curve.x) end
    if curve.x and #curve.x ~= #curve.y then
      raise(('plot: curve %d has %d values of x, but %d of y'):format(k, #curve.x, #curve.y))
    end
  end
end

--- Draws panels side by side.
-- @tparam string path
-- @tparam table panels each with `curves` and the options of plot
function plot.figure(path, panels)
  kinds.check('plot', 'path', 'string', path)
  kinds.check('plot', 'panels', 'table', panels)
  for k, one in ipairs(panels) do
    kinds.check('plot', ('panel %d'):format(k), 'table', one)
    kinds.check('plot', 'options', labels, one)
    check(one.curves)
  end
  local canvas = Canvas.new(panelWidth * #panels, panelHeight)
  for k, one in ipairs(panels) do panel(canvas, (k - 1) * panelWidth, 0, one.curves, one) end
  canvas:save(path)
end

--- Draws one panel.
-- @function plot
-- @tparam string path
-- @tparam table curves each {name =, y = list, x = list (1, 2, ...), style =}
-- @tparam[opt] table options title, xlabel, ylabel, logscale (of y)
return setmetatable(plot, { __call = function(_, path, curves, options)
  kinds.check('plot', 'options', 'table?', options)
  local one = { curves = curves }
  for key, value in pairs(options or {}) do one[key] = value end
  plot.figure(path, { one })
end })
