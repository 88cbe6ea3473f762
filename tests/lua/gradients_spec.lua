-- Every op with a gradient, against differences in double precision: first derivatives, and second ones where there is a
-- graph of the gradient. An op without a row here fails the last test.
local torch = require 'tocha'
local op = require 'tocha.bindings.op'
local ops, schema = op.ops, op.schema

local function double(...) return torch.DoubleTensor(...) end

-- Numbers from low to high in a scrambled order, none near another and none near 0, where many functions have a kink.
local function sample(low, high, ...)
  local x = double(...)
  local n, i = x:nElement(), 0
  x:apply(function()
    i = i + 1
    local v = low + (high - low) * (((i * 7919) % n + 0.5) / n)
    return math.abs(v) < 0.02 and v + 0.05 or v
  end)
  return x
end

local function longs(values) return torch.LongTensor(values) end

local rows = {}
local function row(name, inputs, fn, options)
  rows[name] = rows[name] or {}
  table.insert(rows[name], { inputs = inputs, fn = fn, options = options or {} })
end
local second = { second = true, eps = 1e-5, tolerance = 1e-4 }

-- -- scalar rows: one operand -------------------------------------------------------------------------------------

local domains = { sqrt = { 0.3, 2 }, rsqrt = { 0.3, 2 }, log = { 0.3, 2 }, log1p = { -0.5, 2 }, asin = { -0.8, 0.8 },
  acos = { -0.8, 0.8 }, reciprocal = { 0.3, 2 }, div_into = { 0.3, 2 }, pow_scalar = { 0.3, 2 }, tan = { -1, 1 },
  floor = { 0.1, 0.9 }, ceil = { 0.1, 0.9 }, round = { 0.1, 0.4 }, trunc = { 0.1, 0.9 }, frac = { 0.1, 0.9 },
  fmod_scalar = { 0.1, 0.6 }, remainder_scalar = { 0.1, 0.6 } }
local parameters = { pow_scalar = { 2.5 }, pow_base = { 1.7 }, clamp = { -0.9, 1.1 }, hardtanh = { -0.9, 1.1 },
  softplus = { 1.3, 20 }, leaky_relu = { 0.2 }, elu = { 0.7 }, softshrink = { 0.5 }, hardshrink = { 0.5 },
  threshold = { 0.4, -1 }, fmod_scalar = { 0.7 }, remainder_scalar = { 0.7 }, add_scalar = { 3 }, mul_scalar = { 3 },
  div_scalar = { 3 }, sub_from = { 3 }, div_into = { 3 } }
local flat = { sign = true, floor = true, ceil = true, round = true, trunc = true }

for name, s in pairs(schema) do
  if schema[name .. '_grad2'] then -- a UNARY row
    local domain, p = domains[name] or { -2, 2 }, parameters[name] or {}
    row(name, { sample(domain[1], domain[2], 3, 7) }, function(x) return ops[name](nil, x, p[1], p[2]) end,
      not flat[name] and second)
    rows[name .. '_grad'], rows[name .. '_grad2'] = {}, {} -- reached by the second derivatives
  end
end

-- -- scalar rows: two and three operands --------------------------------------------------------------------------

local inGraph = { add = true, sub = true, mul = true, div = true, pow = true, lerp = true }
for _, name in ipairs { 'add', 'sub', 'mul', 'div', 'pow', 'lerp', 'minimum', 'maximum', 'atan2', 'fmod', 'remainder',
  'square_error', 'abs_error', 'smooth_error', 'logit_error' } do
  local x, y = sample(0.3, 2, 4, 3), sample(0.5, 1.7, 3)
  if name == 'fmod' or name == 'remainder' then x, y = sample(0.1, 0.4, 4, 3), sample(0.5, 1.7, 3) end
  row(name, { x, y }, function(a, b) return ops[name](nil, a, b, 0.6) end, inGraph[name] and second)
end
row('bce_error', { sample(0.1, 0.9, 4, 3), sample(0.2, 0.8, 4, 3) }, function(a, b) return ops.bce_error(nil, a, b) end)
for _, name in ipairs { 'addcmul', 'addcdiv' } do
  row(name, { sample(-1, 1, 4, 3), sample(-1, 1, 3), sample(0.5, 2, 4, 1) },
    function(a, b, c) return ops[name](nil, a, b, c, 0.6) end)
end

-- -- shape --------------------------------------------------------------------------------------------------------

local x23, x234 = sample(-2, 2, 2, 3), sample(-2, 2, 2, 3, 4)
row('expand', { sample(-2, 2, 3, 1) }, function(x) return ops.expand(nil, x, { 2, 3, 4 }) end, second)
row('permute', { x234 }, function(x) return ops.permute(nil, x, { 3, 1, 2 }) end, second)
row('reshape', { x234 }, function(x) return ops.reshape(nil, x:transpose(1, 2), { 4, -1 }) end, second)
row('slice', { x234 }, function(x) return ops.slice(nil, x, 3, 1, 2, 2) end, second)
row('unslice', { x23 }, function(x) return ops.unslice(nil, x, 2, 1, 2, 7) end, second)
row('select', { x234 }, function(x) return ops.select(nil, x, 2, 1) end, second)
row('unfold', { sample(-2, 2, 3, 7) }, function(x) return ops.unfold(nil, x, 2, 3, 2) end, second)
row('fold', { sample(-2, 2, 2, 3, 3) }, function(x) return ops.fold(nil, x, 2, 2, 7) end, second)
row('clone', { x23:t() }, function(x) return ops.clone(nil, x) end, second)
row('cast', { x23 }, function(x) return ops.cast(nil, x, 6) end, second)
row('cat', { x23, sample(-1, 1, 2, 2) }, function(a, b) return ops.cat(nil, { a, b }, 2) end, second)
row('stack', { x23, sample(-1, 1, 2, 3) }, function(a, b) return ops.stack(nil, { a, b }, 2) end, second)
row('pad', { x23 }, function(x) return ops.pad(nil, x, { 1, 0 }, { 2, 1 }, 5) end, second)
row('pad_edge', { sample(-2, 2, 4, 5) }, function(x) return ops.pad_edge(nil, x, { 1, 2 }, { 2, 1 }, 0) end)
row('crop', { sample(-2, 2, 4, 5) }, function(x) return ops.crop(nil, x, { 1, 0 }, { 1, 2 }) end, second)
row('flip', { x234 }, function(x) return ops.flip(nil, x, { 1, 3 }) end, second)
row('roll', { x234 }, function(x) return ops.roll(nil, x, { 1, -2 }, { 2, 3 }) end, second)
row('tile', { x23 }, function(x) return ops.tile(nil, x, { 2, 1, 3 }) end, second)
row('tril', { sample(-2, 2, 4, 4) }, function(x) return ops.tril(nil, x, 1) end, second)
row('triu', { sample(-2, 2, 4, 4) }, function(x) return ops.triu(nil, x, -1) end, second)

-- -- reductions ---------------------------------------------------------------------------------------------------

for _, dims in ipairs { { }, { 2 }, { 1, 3 }, { 3 } } do
  for _, name in ipairs { 'sum', 'mean', 'logsumexp' } do
    row(name, { x234 }, function(x) return ops[name](nil, x, dims, #dims == 1) end, second)
  end
  row('prod', { sample(0.5, 1.5, 2, 3, 4) }, function(x) return ops.prod(nil, x, dims, false) end)
  row('norm', { x234 }, function(x) return ops.norm(nil, x, 2, dims, false) end, second)
  row('norm', { x234 }, function(x) return ops.norm(nil, x, 3, dims, true) end, second)
  row('var', { x234 }, function(x) return ops.var(nil, x, dims, true, false) end, second)
  row('std', { x234 }, function(x) return ops.std(nil, x, dims, false, false) end, second)
end
row('prod', { double { { 0, 2, 3 }, { 0, 0, 4 } } }, function(x) return ops.prod(nil, x, { 2 }, false) end)
for _, name in ipairs { 'max_all', 'min_all' } do row(name, { x234 }, function(x) return ops[name](nil, x) end) end
for _, name in ipairs { 'max', 'min' } do
  row(name, { x234 }, function(x) return (ops[name](nil, nil, x, 2, false)) end)
end
row('sort', { x234 }, function(x) return (ops.sort(nil, nil, x, 2, true)) end)
row('topk', { x234 }, function(x) return (ops.topk(nil, nil, x, 2, 3, true)) end)
for _, name in ipairs { 'median', 'mode' } do
  row(name, { x234 }, function(x) return (ops[name](nil, nil, x, 2)) end)
end
row('kthvalue', { x234 }, function(x) return (ops.kthvalue(nil, nil, x, 2, 3)) end)
row('cumsum', { x234 }, function(x) return ops.cumsum(nil, x, 2) end, second)
row('cumprod', { sample(0.5, 1.5, 2, 3, 4) }, function(x) return ops.cumprod(nil, x, 2) end)

-- -- by index and mask --------------------------------------------------------------------------------------------

local place, grid = longs { 3, 1, 3 }, longs { { 3, 1 }, { 2, 2 }, { 1, 3 } }
local mask = torch.ByteTensor { { 1, 0, 1 }, { 0, 0, 1 } }
local x45 = sample(-2, 2, 4, 5)
row('index_select', { x45 }, function(x) return ops.index_select(nil, x, place, 1, 1) end, second)
row('index_add', { x45, sample(-1, 1, 3, 5) }, function(x, s) return ops.index_add(nil, x, place, s, 1, 1, 0.5) end, second)
row('index_copy', { x45, sample(-1, 1, 2, 5) }, function(x, s) return ops.index_copy(nil, x, longs { 4, 1 }, s, 1, 1) end, second)
row('index_fill', { x45 }, function(x) return ops.index_fill(nil, x, place, 2, 1, 7) end, second)
row('embedding', { x45 }, function(w) return ops.embedding(nil, w, longs { { 1, 3 }, { 3, 2 } }, 1) end, second)
row('gather', { sample(-2, 2, 3, 4) }, function(x) return ops.gather(nil, x, grid, 2, 1) end, second)
row('scatter', { sample(-2, 2, 3, 4), sample(-1, 1, 3, 1) },
  function(x, s) return ops.scatter(nil, x, longs { { 3 }, { 2 }, { 1 } }, s, 2, 1) end, second)
row('scatter_add', { sample(-2, 2, 3, 4), sample(-1, 1, 3, 3) },
  function(x, s) return ops.scatter_add(nil, x, grid, s, 2, 1) end, second)
row('scatter_fill', { sample(-2, 2, 3, 4) }, function(x) return ops.scatter_fill(nil, x, grid, 2, 1, 5) end, second)
row('masked_fill', { x23 }, function(x) return ops.masked_fill(nil, x, mask, 5) end, second)
row('masked_select', { x23 }, function(x) return ops.masked_select(nil, x, mask) end, second)
row('masked_copy', { x23, sample(-1, 1, 5) }, function(x, s) return ops.masked_copy(nil, x, mask, s) end, second)
row('where', { x23, sample(-1, 1, 3) }, function(x, y) return ops.where(nil, mask, x, y) end, second)

-- -- products, convolution, pooling -------------------------------------------------------------------------------

local function m(...) return sample(-1, 1, ...) end
row('matmul', { m(2, 3, 4), m(4, 2) }, function(a, b) return ops.matmul(nil, a, b, 0.5) end, second)
row('mm', { m(3, 4), m(2, 4):t() }, function(a, b) return ops.mm(nil, a, b) end, second)
row('mv', { m(3, 4), m(4) }, function(a, b) return ops.mv(nil, a, b) end, second)
row('dot', { m(5), m(5):mul(2) }, function(a, b) return ops.dot(nil, a, b) end, second)
row('bmm', { m(2, 3, 4), m(2, 4, 2) }, function(a, b) return ops.bmm(nil, a, b) end, second)
row('outer', { m(3), m(4) }, function(a, b) return ops.outer(nil, a, b) end, second)
row('addmm', { m(3, 2), m(3, 4), m(4, 2) }, function(c, a, b) return ops.addmm(nil, c, a, b, 0.3, 2) end, second)
row('addmv', { m(3), m(3, 4), m(4) }, function(c, a, b) return ops.addmv(nil, c, a, b, 0.3, 2) end, second)
row('addr', { m(3, 4), m(3), m(4) }, function(c, a, b) return ops.addr(nil, c, a, b, 0.3, 2) end, second)
row('addbmm', { m(3, 2), m(2, 3, 4), m(2, 4, 2) }, function(c, a, b) return ops.addbmm(nil, c, a, b, 0.3, 2) end, second)
row('baddbmm', { m(2, 3, 2), m(2, 3, 4), m(2, 4, 2) }, function(c, a, b) return ops.baddbmm(nil, c, a, b, 0.3, 2) end, second)
row('linear', { m(3, 4), m(2, 4), m(2) }, function(x, w, b) return ops.linear(nil, x, w, b) end, second)
row('conv2d', { m(2, 4, 6, 5), m(6, 2, 3, 2), m(6) },
  function(x, w, b) return ops.conv2d(nil, x, w, b, { 2, 1 }, { 1, 0 }, { 1, 2 }, 2) end, second)
row('conv_transpose2d', { m(2, 4, 3, 4), m(4, 3, 3, 2), m(6) },
  function(x, w, b) return ops.conv_transpose2d(nil, x, w, b, { 2, 1 }, { 1, 0 }, { 1, 2 }, 2, { 1, 0 }) end, second)
row('max_pool2d', { sample(-2, 2, 1, 2, 6, 5) },
  function(x) return (ops.max_pool2d(nil, nil, x, { 3, 2 }, { 2, 1 }, { 1, 0 }, { 1, 2 }, true)) end)
row('adaptive_max_pool2d', { sample(-2, 2, 1, 2, 6, 5) },
  function(x) return (ops.adaptive_max_pool2d(nil, nil, x, { 4, 2 })) end)
row('avg_pool2d', { m(1, 2, 6, 5) }, function(x)
  return ops.avg_pool2d(nil, x, { 3, 2 }, { 2, 1 }, { 1, 0 }, true, false)
end, second)
row('adaptive_avg_pool2d', { m(1, 2, 6, 5) }, function(x) return ops.adaptive_avg_pool2d(nil, x, { 4, 2 }) end)

-- -- softmax, normalisation, losses, noise ------------------------------------------------------------------------

for _, name in ipairs { 'softmax', 'log_softmax' } do
  for d = 1, 3 do row(name, { x234 }, function(x) return ops[name](nil, x, d) end, second) end
end
row('batch_norm', { m(4, 3, 5), sample(0.5, 1.5, 3), m(3) },
  function(x, w, b) return (ops.batch_norm(nil, nil, nil, x, w, b)) end, second)
row('batch_norm', { m(4, 3), sample(0.5, 1.5, 3), m(3) },
  function(x, w, b) return (ops.batch_norm(nil, nil, nil, x, w, b)) end, second)
row('batch_norm', { m(4, 3, 5), sample(0.5, 1.5, 3), m(3) }, function(x, w, b)
  return (ops.batch_norm(nil, nil, nil, x, w, b, torch.zeros(3):double(), torch.ones(3):double():mul(2), false))
end, second)
row('layer_norm', { m(4, 3, 5), sample(0.5, 1.5, 5), m(5) },
  function(x, w, b) return (ops.layer_norm(nil, nil, nil, x, w, b, 1)) end, second)
row('layer_norm', { m(4, 3, 5), sample(0.5, 1.5, 3, 5) },
  function(x, w) return (ops.layer_norm(nil, nil, nil, x, w, nil, 2)) end, second)
local classes, heavy = longs { 2, 1, 3, 2 }, double { 0.5, 1, 2 }
for reduction = 0, 2 do
  row('nll', { m(4, 3) }, function(x) return ops.nll(nil, x, classes, heavy, 1, -100, reduction) end, reduction > 0 and second)
  row('cross_entropy', { m(4, 3) }, function(x) return (ops.cross_entropy(nil, nil, x, classes, heavy, 1, 3, reduction)) end)
  row('mse', { m(4, 3), sample(-2, 2, 4, 3) }, function(x, t) return ops.mse(nil, x, t, reduction) end, second)
  row('abs_loss', { m(4, 3), sample(-2, 2, 4, 3) }, function(x, t) return ops.abs_loss(nil, x, t, reduction) end)
  row('smooth_l1', { m(4, 3), sample(-3, 3, 4, 3) }, function(x, t) return ops.smooth_l1(nil, x, t, reduction, 0.7) end)
  row('bce', { sample(0.1, 0.9, 4, 3), sample(0.2, 0.8, 4, 3) }, function(x, t) return ops.bce(nil, x, t, heavy, reduction) end)
  row('bce_with_logits', { m(4, 3), sample(0.2, 0.8, 4, 3) },
    function(x, t) return ops.bce_with_logits(nil, x, t, heavy, reduction) end)
end
row('dropout', { m(4, 5) }, function(x)
  torch.manualSeed(3) -- the same mask each time
  return (ops.dropout(nil, nil, x, 0.4))
end, second)

-- Reached by the second derivatives of the ops whose gradients they are.
for _, name in ipairs { 'conv2d_input_grad', 'conv2d_weight_grad', 'max_pool2d_grad', 'max_pool2d_take', 'avg_pool2d_grad',
  'pad_edge_grad' } do rows[name] = rows[name] or {} end

describe('the gradient of', function()
  local names = {}
  for name in pairs(rows) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    for i, r in ipairs(rows[name]) do
      it(name .. (#rows[name] > 1 and ', case ' .. i or ''), function()
        local good, where = torch.gradcheck(r.fn, r.inputs, r.options or {})
        assert(good, where)
      end)
    end
  end

  it('every op is checked', function()
    local missing = {}
    for name, s in pairs(schema) do
      local plain = not s.outputs:gsub('%S+~', ''):find '%S' or not s.inputs:gsub('%S+[~!]', ''):find '%S'
      if not plain and not rows[name] then missing[#missing + 1] = name end
    end
    table.sort(missing)
    assert.equal('', table.concat(missing, ' '))
  end)
end)
