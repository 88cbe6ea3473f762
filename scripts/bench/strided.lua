--- What an operation on a view costs against the same on a contiguous tensor of the same sizes: a table of ratios for each type
-- and size, operations down and layouts across.
local torch = require 'tocha'
local Progress = require 'tocha.train.progress'

local BAR, NEAR = 3, 1.25 -- the bar; how near to what memory allows a time is that of memory
local ROOM = 1e9 -- bytes of views at a time
local help = [[
usage: luajit scripts/bench.lua strided [--threads N] [--types T,..] [--sizes N,..] [--layouts L,..]
                                        [--operations O,..] [--quick]

Prints how many times longer an operation on a view takes than on a contiguous tensor of the same sizes, for views of about
N x N elements: operations down, layouts across, a * where it is more than 3. The exit status is 1 if a counted ratio is above 3.
Not counted are
  (layout)  layouts that touch more than three times the cache lines that a contiguous tensor has;
  a number with a =: the same operation on contiguous tensors, as large as all the cache lines that it touches here, takes as
            long, within a quarter: the time is that of the lines, whatever the engine does.

  --threads N       threads of the engine (default 1; more: wall time)
  --types T,..      Float,Double
  --sizes N,..      64,1000,4000
  --layouts L,..    names from the first line of a table
  --operations O,.. names from the first column
  --quick           fewer and shorter measurements]]

-- -- the layouts: f(make, n) gives a view of about n * n elements; make(...) gives a tensor of these sizes ------------

local layouts = {
  { 'transp', function(make, n) return make(n, n):t() end },
  { 'col/2', function(make, n) return make(n, 2 * n)[{ {}, { 1, 2 * n, 2 } }] end },
  { 'col/3', function(make, n) return make(n, 3 * n)[{ {}, { 1, 3 * n, 3 } }] end },
  { '1 of 3', function(make, n) return make(n * n, 3):select(2, 2) end },
  { '(1 of 8)', function(make, n) return make(n, n, 8):select(3, 2) end },
  { 'narrow', function(make, n) return make(n, n + 7):narrow(2, 3, n) end },
  { 'narrow3', function(make, n) return make(math.floor(n * n / 3), 8):narrow(2, 3, 3) end },
  { 'row/2', function(make, n) return make(2 * n, n)[{ { 1, 2 * n, 2 } }] end },
  { 'mid', function(make, n) return make(n, 3, n):select(2, 2) end },
  { 'swap12', function(make, n) return make(math.floor(n / 8), 8, n):transpose(1, 2) end },
  { 'perm231', function(make, n) return make(16, math.floor(n / 4), math.floor(n / 4)):permute(2, 3, 1) end },
  { 'perm321', function(make, n) return make(16, math.floor(n / 4), math.floor(n / 4)):permute(3, 2, 1) end },
  { 'to nhwc', function(make, n) return make(16, 16, math.floor(n / 16), math.floor(n / 16)):permute(1, 3, 4, 2) end },
  { 'to nchw', function(make, n) return make(16, math.floor(n / 16), math.floor(n / 16), 16):permute(1, 4, 2, 3) end },
  { 'rev4', function(make, n) return make(8, math.floor(n / 8), math.floor(n / 8), 8):permute(4, 3, 2, 1) end },
  { 'expand', function(make, n) return make(n, 1):expand(n, n) end, true },
  { 'expand1', function(make, n) return make(1, n):expand(n, n) end, true },
}

-- -- the operations: f(v, u, c, r, b, y, i) of the view, another one like it, and contiguous tensors: operand, result, bytes;
-- y and i hold what folds give, whose memory would else be new, or not, as the collector comes ------------------------

-- views, flats: how often an operation passes over the elements of a view, and of a contiguous tensor; nil: not by memory alone.
local operations = {}
local function operation(name, run, writes, views, flats)
  operations[#operations + 1] = { name = name, run = run, writes = writes, views = views, flats = flats }
end
operation('v:fill(x)', function(v) v:fill(1) end, true, 1, 0)
operation('v:add(x)', function(v) v:add(1) end, true, 2, 0)
operation('v:mul(x)', function(v) v:mul(-1) end, true, 2, 0)
operation('v:cmax(x)', function(v) v:cmax(2) end, true, 2, 0)
operation('v:add(c)', function(v, _, c) v:add(c) end, true, 2, 1)
operation('v:add(u)', function(v, u) v:add(u) end, true, 3, 0)
operation('v:cmul(u)', function(v, u) v:cmul(u) end, true, 3, 0)
operation('v:copy(c)', function(v, _, c) v:copy(c) end, true, 1, 1)
operation('v:copy(u)', function(v, u) v:copy(u) end, true, 2, 0)
operation('r:copy(v)', function(v, _, _, r) r:copy(v) end, false, 1, 1)
operation('r=v+x', function(v, _, _, r) torch.add(r, v, 1) end, false, 1, 1)
operation('r=v+c', function(v, _, c, r) torch.add(r, v, c) end, false, 1, 2)
operation('r=v+u', function(v, u, _, r) torch.add(r, v, u) end, false, 2, 1)
operation('r=v*u', function(v, u, _, r) torch.cmul(r, v, u) end, false, 2, 1)
operation('c+=v', function(v, _, c) c:add(1e-9, v) end, false, 1, 2)
operation('r=exp v', function(v, _, _, r) torch.exp(r, v) end)
operation('r=relu v', function(v, _, _, r) torch.clamp(r, v, 0, 1e9) end)
operation('b=v>x', function(v, _, _, _, b) torch.gt(b, v, 3) end, false, 1, 0.25)
operation('b=v>u', function(v, u, _, _, b) torch.gt(b, v, u) end, false, 2, 0.25)
for _, name in ipairs { 'sum', 'mean', 'prod', 'max', 'min', 'norm' } do
  operation(name, function(v) v[name](v) end, false, 1, 0)
end
for _, name in ipairs { 'sum', 'mean', 'prod', 'max', 'min', 'var' } do
  local places = name == 'max' or name == 'min'
  for d = 1, 4 do
    operation(name .. ' ' .. d, places and function(v, _, _, _, _, y, i) torch[name](y, i, v, d) end
      or function(v, _, _, _, _, y) torch[name](y, v, d) end, false, 1, 0)
    operations[#operations].dim = d
  end
end
operation('norm 1', function(v, _, _, _, _, y) torch.norm(y, v, 2, 1) end, false, 1, 0)
operations[#operations].dim = 1
operation('cumsum 1', function(v, _, _, r) torch.cumsum(r, v, 1) end)

-- -- measuring --------------------------------------------------------------------------------------------------------

-- Ratio of the least times of two functions, measured in turns; `clock` gives seconds.
local function ratio(clock, f, g, slice, rounds)
  local function time(h, n)
    local start = clock()
    for _ = 1, n do h() end
    return (clock() - start) / n
  end
  local function calls(h) -- that take about `slice` seconds
    local n = 1
    while time(h, n) * n < slice / 4 do n = n * 2 end
    return math.max(1, math.ceil(slice / time(h, n)))
  end
  local nf, ng, best_f, best_g = calls(f), calls(g), math.huge, math.huge
  for round = 1, 3 * rounds do -- more, while the machine may have disturbed the first ones
    best_f, best_g = math.min(best_f, time(f, nf)), math.min(best_g, time(g, ng))
    if round >= rounds and best_f / best_g < BAR then break end
  end
  return best_f / best_g
end

-- How many times more cache lines a view touches than a contiguous tensor.
local function spread(view)
  local width = 64 / view:elementSize()
  local storage = view:storage()
  local lines = math.ceil(#storage / width)
  local touched = torch.ByteTensor(lines * width):zero()
  torch.ByteTensor(touched:storage(), view:storageOffset(), view:size(), view:stride()):fill(1)
  return touched:view(lines, width):max(2):sum() * width / view:nElement()
end

-- The ratio that the cache lines of an operation alone would give: contiguous tensors with as many, against the flat ones. What is
-- folded along a dimension gets longer there.
local function bound(clock, work, case, options)
  local more = (work.views * spread(case.view) + work.flats) / (work.views + work.flats)
  local size, n = case.flat:size(), math.floor(case.flat:nElement() * more)
  if work.dim then size[work.dim] = math.floor(size[work.dim] * more) else size = torch.LongStorage { n } end
  local function make() return case.flat.new(size):fill(1) end
  local v = make()
  local u, c, r, b
  if not work.dim then u, c, r, b = make(), make(), make(), v:gt(3) end
  local least = ratio(clock, function() work.run(v, u, c, r, b, case.fold, case.place) end,
    function() work.run(case.flat, case.flat2, case.operand, case.result, case.bytes, case.fold,
      case.place) end, options.slice, options.rounds)
  v, u, c, r, b = nil, nil, nil, nil, nil
  if n > 1e7 then torch.trim() end -- gigabytes
  return least
end

local function wanted(list, name)
  if not list then return true end
  for word in list:gmatch '[^,]+' do if name == word then return true end end
  return false
end

-- The ratios of some layouts' cases, operation by operation, as text of their columns; how many were counted. Those above the bar
-- are listed in `above`.
local function measure(title, cases, options, clock, above, step)
  local count = 0
  for i, o in ipairs(operations) do if wanted(options.operations, o.name) then
    for _, k in ipairs(cases) do
      local text = ('%8s'):format '-'
      if not (o.writes and k.reads) and (o.dim or 1) <= k.view:dim() then
        local r = ratio(clock, function() o.run(k.view, k.other, k.operand, k.result, k.bytes, k.fold, k.place) end,
          function() o.run(k.flat, k.flat2, k.operand, k.result, k.bytes, k.fold, k.place) end, options.slice, options.rounds)
        if o.writes then k.view:copy(k.operand) k.flat:copy(k.operand) end
        local mark = r > BAR and '*' or ' '
        if k.layout:sub(1, 1) ~= '(' then
          count = count + 1
          local least = r > BAR and o.views and bound(clock, o, k, options)
          if least and r <= NEAR * least then mark = '='
          elseif r > BAR then
            above[#above + 1] = ('%s  %s  %s  %.2f%s'):format(title, k.layout, o.name, r,
              least and (' (its lines alone: %.2f)'):format(least) or '')
          end
        end
        text = ('%7.2f%s'):format(r, mark)
      end
      k.text[i] = text
      step(k.layout .. ' ' .. o.name)
    end
  end end
  return count
end

-- One table; returns how many ratios were taken and a list of those above the bar. Layouts are made until their tensors fill ROOM
-- bytes, and measured before others: at 4000 x 4000 all of them would be 10 GB.
local function sheet(type, n, options, clock)
  local T, title, columns, total = torch[type .. 'Tensor'], ('%s %d'):format(type, n), {}, 0
  local function make(...) return T(...):random(1, 9):div(8) end
  local pools = {}
  local function flat(name, size) -- contiguous tensors serve all layouts with as many elements
    local elements = 1
    for d = 1, #size do elements = elements * size[d] end
    local key = name .. ' ' .. elements
    pools[key] = pools[key] or (name == 'bytes' and make(elements):gt(.5) or make(elements))
    return pools[key]:view(size)
  end
  for _, l in ipairs(layouts) do if wanted(options.layouts, l[1]) then columns[#columns + 1] = l end end
  for _, o in ipairs(operations) do if wanted(options.operations, o.name) then total = total + #columns end end
  local bar, done, count, above, cases, bytes = Progress(total, { label = title, unit = 'ratios' }), 0, 0, {}, {}, 0
  local texts = {}
  for c, l in ipairs(columns) do
    do -- so that nothing but the list holds a case
      local v = l[2](make, n)
      local case = { layout = l[1], view = v, other = l[2](make, n), reads = l[3], text = {},
        fold = T(), place = torch.LongTensor() }
      for _, name in ipairs { 'flat', 'flat2', 'operand', 'result', 'bytes' } do case[name] = flat(name, v:size()) end
      cases[#cases + 1], texts[c], bytes = case, case.text, bytes + 2 * #v:storage() * v:elementSize()
    end
    if bytes > ROOM or c == #columns then
      count = count + measure(title, cases, options, clock, above, function(note)
        done = done + 1
        bar:update(done, note)
      end)
      cases, bytes = {}, 0
      torch.trim() -- the next ones ask for other sizes
    end
  end
  bar:finish()
  io.write(('%-10s'):format(title))
  for _, l in ipairs(columns) do io.write(('%8s'):format(l[1])) end
  print()
  for i, o in ipairs(operations) do
    local line, some = { ('%-10s'):format(o.name) }, false
    for c in ipairs(columns) do
      line[#line + 1] = texts[c][i]
      some = some or (texts[c][i] and texts[c][i]:find '%d')
    end
    if some then print(table.concat(line)) end
  end
  io.stdout:flush()
  return count, above
end

local function read(words)
  local options, i = { threads = '1', types = 'Float,Double', sizes = '64,1000,4000' }, 1
  while words[i] do
    local name = words[i]:match '^%-%-(%a+)$'
    if name == 'help' then return nil, help
    elseif name == 'quick' then options.quick = true
    elseif name == 'threads' or name == 'types' or name == 'sizes' or name == 'layouts' or name == 'operations' then
      i = i + 1
      if not words[i] then return nil, 'bench: --' .. name .. ' wants a value' end
      options[name] = words[i]
    else return nil, ('bench: unknown option %s (strided --help tells more)'):format(words[i]) end
    i = i + 1
  end
  for number in (options.sizes .. ',' .. options.threads):gmatch '[^,]+' do
    if not (tonumber(number) and tonumber(number) >= 1) then return nil, ('bench: %s is no count'):format(number) end
  end
  for type in options.types:gmatch '[^,]+' do
    if type ~= 'Float' and type ~= 'Double' then return nil, ('bench: %s is neither Float nor Double'):format(type) end
  end
  local known = { layouts = {}, operations = {} }
  for _, l in ipairs(layouts) do known.layouts[l[1]] = true end
  for _, o in ipairs(operations) do known.operations[o.name] = true end
  for list, names in pairs(known) do
    for name in (options[list] or ''):gmatch '[^,]+' do
      if not names[name] then return nil, ('bench: %s is none of the %s (see a table, or --help)'):format(name, list) end
    end
  end
  options.threads = math.floor(tonumber(options.threads))
  options.slice, options.rounds = options.quick and 0.001 or 0.003, options.quick and 2 or 4
  return options
end

--- Prints all tables. words: the command line behind `strided`. Returns the exit status.
return function(words)
  local options, message = read(words)
  if not options then
    local out = message == help and io.stdout or io.stderr
    out:write(message, '\n')
    return message == help and 0 or 2
  end
  torch.setnumthreads(options.threads)
  local timer = torch.Timer()
  local clock = options.threads == 1 and os.clock or function() return timer:time().real end
  local total, worst = 0, {}
  for type in options.types:gmatch '[^,]+' do
    for n in options.sizes:gmatch '[^,]+' do
      local count, above = sheet(type, tonumber(n), options, clock)
      total = total + count
      for _, a in ipairs(above) do worst[#worst + 1] = a end
    end
  end
  print(('%d of %d above %g'):format(#worst, total, BAR))
  for _, a in ipairs(worst) do print('  ' .. a) end
  return #worst == 0 and 0 or 1
end
