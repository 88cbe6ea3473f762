--- Numbers of a training run as a text file and as a picture (Torch7's optim.Logger).
--
-- One column per name, one row per add, tab-separated, written at once. plot() draws the columns into FILE.png; a
-- picture or a folder that cannot be made is noted once and never stops the run.
-- @module tocha.optim.logger
local torch = require 'tocha'
local optim = require 'tocha.optim'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

local Logger = torch.class('optim.Logger', optim)

local function note(self, sentence)
  if self.warned then return end
  self.warned = true
  io.stderr:write('Logger: ', sentence, '\n')
end

-- Makes the folder of a file, and those above it, where LuaFileSystem is there to do so.
local function makeFolder(path)
  local found, lfs = pcall(require, 'lfs')
  for slash in (found and path or ''):gmatch '().[/\\]' do lfs.mkdir(path:sub(1, slash)) end
end

--- @tparam[opt] string filename none: standard output; its folder is made
-- @tparam[opt] boolean timestamp appends the time to the file's name
Logger.__init = signed('optim.Logger', { 'self', 'optim.Logger', 'filename', 'string?' }, function(self, filename, timestamp)
  self.name, self.file = filename or 'stdout', io.stdout
  if filename then
    local path = timestamp and filename .. '-' .. os.date('%Y_%m_%d_%X') or filename
    makeFolder(path)
    local file, reason = io.open(path, 'w')
    if file then self.file = file else note(self, ('%s; the log goes to standard output'):format(reason)) end
    self.picture = filename .. '.png'
  end
  self.names, self.idx, self.symbols, self.styles = {}, {}, {}, {}
  self.defaultStyle, self.showPlot, self.logscale = '+', true, false
end)

local function column(self, key, name)
  self.names[key], self.idx[name], self.symbols[key] = name, key, {}
  self.styles[key] = self.styles[key] or { self.defaultStyle }
  self.file:write(name, '\t')
end

local function headline(self)
  self.file:write('\n')
  self.file:flush()
end

--- Names the columns; add then takes lists in this order.
Logger.setNames = signed('Logger:setNames', { 'self', 'optim.Logger', 'names', 'names' }, function(self, names)
  for key, name in ipairs(names) do column(self, key, name) end
  headline(self)
  return self
end)

-- The keys of the columns in the order of the file.
local function keys(self)
  if self.order then return self.order end
  local order = {}
  for key in pairs(self.names) do order[#order + 1] = key end
  table.sort(order, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == 'number'
  end)
  self.order = order
  return order
end

--- Adds a row: a list if names were set, otherwise a table {name = number or string}; the first row fixes the columns.
Logger.add = signed('Logger:add', { 'self', 'optim.Logger', 'row', 'table' }, function(self, row)
  if next(self.names) == nil then
    local names = {}
    for name in pairs(row) do names[#names + 1] = name end
    table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
    for _, name in ipairs(names) do column(self, name, tostring(name)) end
    headline(self)
  end
  for _, key in ipairs(keys(self)) do
    local value = row[key]
    if type(value) ~= 'number' and type(value) ~= 'string' then
      raise(('Logger:add: column %s is a %s, not a number or a string'):format(self.names[key], type(value)))
    end
    self.file:write(type(value) == 'number' and ('%11.4e'):format(value) or value, '\t')
    table.insert(self.symbols[key], value)
  end
  headline(self)
end)

--- Line styles per column, as in gnuplot ('-', '+', '.', '~', '+-'), one or a list.
Logger.style = signed('Logger:style', { 'self', 'optim.Logger', 'styles', 'table' }, function(self, styles)
  for key, style in pairs(styles) do
    if type(style) ~= 'string' and type(style) ~= 'table' then
      raise(('Logger:style: the style of %s is a %s, not a string or a list of strings'):format(tostring(key), type(style)))
    end
    self.styles[key] = type(style) == 'string' and { style } or style
  end
  return self
end)

function Logger:setlogscale(on) self.logscale = on end

function Logger:display(on) self.showPlot = on end

local function curve(self, key)
  local x, y = {}, {}
  for i, value in ipairs(self.symbols[key]) do
    if type(value) == 'number' then x[#x + 1], y[#y + 1] = i, value end
  end
  return #y > 1 and { name = self.names[key], x = x, y = y, style = self.styles[key][1] } or nil
end

--- Draws the named columns, all without names, into FILE.png; returns the file's name, or nil.
function Logger:plot(...)
  local wanted, curves = { ... }, {}
  for i, name in ipairs(wanted) do wanted[i] = self.idx[name] end
  for _, key in ipairs(#wanted > 0 and wanted or keys(self)) do curves[#curves + 1] = curve(self, key) end
  if #curves == 0 or not self.picture then return end
  local ok, reason = pcall(function()
    require('tocha.train.plot')(self.picture, curves, { title = self.name, logscale = self.logscale })
  end)
  if ok then return self.picture end
  note(self, 'no picture was drawn: ' .. tostring(reason):match('^[^\n]*'))
end
