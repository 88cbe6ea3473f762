--- Tables in text files (RFC 4180) and running text.
-- @module tocha.data.csv
local torch = require 'tocha'
local raise = require 'tocha.bindings.own'.raise

local csv = {}

local function contents(what, path)
  if type(path) ~= 'string' then raise(('%s: the path of a file is needed, not a %s'):format(what, type(path))) end
  local handle, why = io.open(path, 'rb')
  local text = handle and handle:read '*a'
  if handle then handle:close() end
  return text or raise('cannot read ' .. (why or path .. ': it is no file'))
end

-- The field that begins at a place, the place after it, and whether the line ends there.
local function field(text, at, separator, path, line)
  local value
  if text:sub(at, at) == '"' then
    local from, parts = at + 1, {}
    while true do
      local quote = text:find('"', from, true) or raise(('%s:%d: a quote is not closed'):format(path, line))
      parts[#parts + 1] = text:sub(from, quote - 1)
      at, from = quote + 1, quote + 2
      if text:sub(at, at) ~= '"' then break end
      parts[#parts + 1] = '"'
    end
    value = table.concat(parts)
  else
    local last = (text:find('[' .. separator .. '\r\n]', at) or #text + 1) - 1
    value, at = text:sub(at, last), last + 1
  end
  local after = text:sub(at, at)
  if after == separator then return value, at + 1, false end
  if after == '\r' and text:sub(at + 1, at + 1) == '\n' then return value, at + 2, true end
  if after == '\n' or after == '' or after == '\r' then return value, at + 1, true end
  raise(('%s:%d: %q follows a closing quote'):format(path, line, after))
end

--- The rows of a file as lists of texts; empty lines are left out.
-- @tparam string path
-- @tparam[opt=','] string separator one character
-- @treturn {{string,...},...}
-- @treturn {number,...} the lines on which they begin
function csv.readCSV(path, separator)
  separator = separator or ','
  if type(separator) ~= 'string' or #separator ~= 1 or separator:find '[%w%s"%]%^%%%-]' and separator ~= '\t' then
    raise 'readCSV: the separator is one character such as , ; or a tab'
  end
  local text, rows, lines, at, line = contents('readCSV', path):gsub('^\239\187\191', ''), {}, {}, 1, 1
  while at <= #text do
    local row, start, first, done, value = {}, at, line, false
    while not done do
      value, at, done = field(text, at, separator, path, line)
      row[#row + 1] = value
    end
    line = line + select(2, text:sub(start, at - 1):gsub('\n', ''))
    if #row > 1 or row[1] ~= '' then rows[#rows + 1], lines[#rows + 1] = row, first end
  end
  return rows, lines
end

local function isHeader(row)
  for _, value in ipairs(row) do
    if tonumber(value) then return false end
  end
  return true
end

local function columnOf(what, names, columns, path)
  if what == nil or what == false then return nil end
  if type(what) == 'number' then
    local k = what < 0 and columns + 1 + what or what
    if k >= 1 and k <= columns and k % 1 == 0 then return k end
  end
  for k, name in ipairs(names) do
    if name == what then return k end
  end
  raise(('%s: there is no column %s'):format(path, tostring(what)))
end

-- Labels of texts: whole numbers from 1 stay, all else is sorted.
local function classesOf(texts)
  local classes, numbers = {}, {}
  for _, text in ipairs(texts) do
    if not numbers[text] then classes[#classes + 1], numbers[text] = text, true end
  end
  local numeric = true
  for _, text in ipairs(classes) do
    local number = tonumber(text)
    numeric = numeric and number ~= nil and number == number
  end
  table.sort(classes, numeric and function(a, b) return tonumber(a) < tonumber(b) end or nil)
  for k, text in ipairs(classes) do numbers[text] = k end
  local labels = torch.LongTensor(#texts)
  for i, text in ipairs(texts) do labels[i] = numbers[text] end
  return labels, classes
end

--- A set from a table of numbers, a sample a line.
-- @tparam string path
-- @tparam[opt] table options label: the column of the class, a name or a number (below 0: from the last one); target: a column
-- of numbers to predict; separator (','); header: whether the first line holds names (if none of it is a number)
-- @treturn table set: data (N,D), labels and classes, target (N), columns: the names of the data's columns
function csv.fromCSV(path, options)
  options = options or {}
  local rows, lines = csv.readCSV(path, options.separator)
  if #rows == 0 then raise(path .. ': there is nothing in it') end
  local header, columns = options.header, #rows[1]
  if header == nil then header = isHeader(rows[1]) end
  local names, first = {}, header and 2 or 1
  for k = 1, columns do names[k] = header and rows[1][k] or ('column %d'):format(k) end
  local n = #rows - first + 1
  if n == 0 then raise(path .. ': there are only names in it') end
  local label, target = columnOf(options.label, names, columns, path), columnOf(options.target, names, columns, path)
  local kept, texts = {}, {}
  for k = 1, columns do
    if k ~= label and k ~= target then kept[#kept + 1] = k end
  end
  if #kept == 0 then raise(path .. ': no column is left for the data') end
  local set = { data = torch.Tensor(n, #kept), target = target and torch.Tensor(n) or nil, columns = {} }
  for j, k in ipairs(kept) do set.columns[j] = names[k] end
  local flat, goal = set.data:storage(), set.target and set.target:storage()
  for i = 1, n do
    local row, line = rows[first + i - 1], lines[first + i - 1]
    if #row ~= columns then raise(('%s:%d: %d columns, but the first line has %d'):format(path, line, #row, columns)) end
    local function numberAt(k)
      return tonumber(row[k]) or raise(('%s:%d: %q in %s is no number'):format(path, line, row[k], names[k]))
    end
    for j, k in ipairs(kept) do flat[(i - 1) * #kept + j] = numberAt(k) end
    if target then goal[i] = numberAt(target) end
    if label then texts[i] = row[label] end
  end
  if label then set.labels, set.classes = classesOf(texts) end
  return set
end

--- A text as numbers.
-- @tparam string path
-- @tparam[opt] table options unit: 'character' (bytes) or 'word' (between spaces; every mark of
-- punctuation is one); symbols: the list of an
-- earlier text, whose numbers are kept: what is not in it is an error
-- @treturn table set: data, a LongTensor (N) of 1..K, symbols: the K texts, sorted
function csv.fromText(path, options)
  options = options or {}
  local text, pieces = contents('fromText', path), {}
  local unit = options.unit or 'character'
  if unit == 'character' then for i = 1, #text do pieces[i] = text:sub(i, i) end
  elseif unit == 'word' then
    for piece in text:gsub('%p', ' %0 '):gmatch '%S+' do pieces[#pieces + 1] = piece end
  else raise(('fromText: unit is %s, but character or word is needed'):format(tostring(unit))) end
  if #pieces == 0 then raise(path .. ': there is no text in it') end
  local symbols, numbers = options.symbols, {}
  if not symbols then
    local labels
    labels, symbols = classesOf(pieces)
    return { data = labels, symbols = symbols }
  end
  for k, symbol in ipairs(symbols) do numbers[symbol] = k end
  local data = torch.LongTensor(#pieces)
  for i, piece in ipairs(pieces) do
    data[i] = numbers[piece] or raise(('%s: %q is not among the symbols'):format(path, piece))
  end
  return { data = data, symbols = symbols }
end

return csv
