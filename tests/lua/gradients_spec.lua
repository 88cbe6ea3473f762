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

-- -- sums of rows ------------------------------------------------------------------------------------------------

local bags, ends = longs { 2, 1, 4, 2, 2 }, longs { 3, 3, 5 }
row('bag', { sample(-2, 2, 3, 4):t(), sample(-2, 2, 5) }, function(w, x) return ops.bag(nil, w, bags, x, ends, 1) end, second)
row('bag_weight_grad', { sample(-2, 2, 3, 2), sample(-2, 2, 5) },
  function(g, x) return ops.bag_weight_grad(nil, g, bags, x, ends, 4, 1) end, second)
row('bag_value_grad', { sample(-2, 2, 3, 2), sample(-2, 2, 4, 2) },
  function(g, w) return ops.bag_value_grad(nil, g, w, bags, ends, 1) end, second)

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
row('linear_relu', { m(3, 4), m(5, 4), m(5) }, function(x, w, b) return ops.linear_relu(nil, x, w, b) end, second)
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

-- -- linear algebra: matrices made well-conditioned, and symmetric where only a triangle is read ----------------------

local function regular(x) return x + torch.eye(x:size(1)):double():mul(3) end
local function positive(x) return x * x:t() + torch.eye(x:size(1)):double() end
local function spread(x) -- symmetric, with eigenvalues apart
  return x + x:t() + torch.diag(torch.range(0, 2 * x:size(1) - 2, 2):double())
end
local m4, b42 = m(4, 4), sample(-2, 2, 4, 2)
row('inverse', { m4 }, function(x) return ops.inverse(nil, regular(x)) end, second)
row('gesv', { b42, m4 }, function(b, a) return (ops.gesv(nil, nil, b, regular(a))) end, second)
row('gesv', { sample(-2, 2, 4), m4 }, function(b, a) return (ops.gesv(nil, nil, b, regular(a))) end)
row('gels', { sample(-2, 2, 5, 2), m(5, 3) }, function(b, a) return (ops.gels(nil, nil, b, a)) end)
for i = 0, 7 do
  local upper, trans, unit = i % 2 == 0, math.floor(i / 2) % 2 == 0, i >= 4
  row('trtrs', { b42, m4 }, function(b, a) return ops.trtrs(nil, b, regular(a), upper, trans, unit) end, second)
end
for _, upper in ipairs { true, false } do
  row('potrf', { m4 }, function(x) return ops.potrf(nil, positive(x), upper) end, second)
  row('potrs', { b42, m4 }, function(b, u) return ops.potrs(nil, b, regular(u), upper) end, second)
  row('potri', { m4 }, function(u) return ops.potri(nil, regular(u), upper) end, second)
  row('symeig', { m4 }, function(x) return (ops.symeig(nil, nil, spread(x), true, upper)) end, second)
  -- vectors up to their sign
  row('symeig', { m4 }, function(x) return torch.square((select(2, ops.symeig(nil, nil, spread(x), true, upper)))) end, second)
end
for _, shape in ipairs { { 5, 3 }, { 3, 5 }, { 4, 4 } } do
  local x = sample(-1, 1, shape[1], shape[2])
  for i = 1, math.min(shape[1], shape[2]) do x[i][i] = 3 * i end -- singular values apart
  row('svd', { x }, function(a) return (select(2, ops.svd(nil, nil, nil, a))) end, second)
  row('svd', { x }, function(a)
    local u, s, v = ops.svd(nil, nil, nil, a)
    return torch.cmul(u, torch.cos(s):view(1, -1):expandAs(u)) * v:t() + (torch.square(v) * torch.square(u):t()):t()
  end)
end
row('qr', { m(5, 3) }, function(a) local q, r = ops.qr(nil, nil, a) return q * torch.cos(r) end, second)
row('qr', { m4 }, function(a) return (select(2, ops.qr(nil, nil, regular(a)))) end)

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
-- three examples of other lengths: labels 2 2, 1 3 and none, the blank is 4
row('ctc', { sample(-3, -0.2, 5, 3, 4) }, function(x)
  return (ops.ctc(nil, nil, x, longs { { 2, 2 }, { 1, 3 }, { 0, 0 } }, longs { 5, 4, 3 }, longs { 2, 2, 0 }, 4, 1))
end)
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

-- -- recurrent layers: outputs and last states together ------------------------------------------------------------

local function joined(...)
  local parts = {}
  for i, t in ipairs { ... } do parts[i] = torch.view(t, -1) end
  return torch.cat(parts, 1)
end
for case = 1, 4 do
  local reverse, lengths, units = case % 2 == 0, case > 2 and longs { 3, 1, 2 } or nil, case == 1 and 19 or 4
  local function weights(gates)
    return m(3, 3, 2), m(gates * units, 2), m(gates * units, units), m(gates * units), m(gates * units), m(3, units)
  end
  for _, relu in ipairs { false, true } do
    row('rnn', { weights(1) }, function(x, w, u, b, d, h)
      local y, last = ops.rnn(nil, nil, nil, x, w, u, b, d, h, lengths, relu, reverse)
      return joined(y, last)
    end)
  end
  row('gru', { weights(3) }, function(x, w, u, b, d, h)
    local y, last = ops.gru(nil, nil, nil, x, w, u, b, d, h, lengths, reverse)
    return joined(y, last)
  end)
  local inputs = { weights(4) }
  inputs[7] = m(3, units)
  row('lstm', inputs, function(x, w, u, b, d, h, c)
    local y, last, _, cell = ops.lstm(nil, nil, nil, nil, x, w, u, b, d, h, lengths, c, reverse)
    return joined(y, last, cell)
  end)
end

-- -- attention: more queries than a block, all kinds of masks -------------------------------------------------------

local sight = torch.ByteTensor(35, 5):fill(1):bernoulli(0.7)
sight:select(2, 2):fill(1)
for _, allowed in ipairs { false, sight, m(2, 1, 35, 5) } do
  row('attention', { m(2, 35, 6), m(2, 5, 6), m(2, 5, 4) }, function(q, k, v)
    return (ops.attention(nil, nil, q, k, v, allowed or nil, 2, false, 0.9))
  end)
end
row('attention', { m(1, 4, 3), m(1, 2, 3), m(1, 2, 2) }, function(q, k, v)
  return (ops.attention(nil, nil, q, k, v, torch.ByteTensor(4, 2):zero(), 1)) -- nothing is seen: 0, and no gradient
end)
for _, causal in ipairs { false, true } do
  row('self_attention', { m(2, 5, 18) }, function(qkv) return (ops.self_attention(nil, nil, qkv, nil, 2, causal)) end)
end
row('self_attention', { m(1, 35, 6) }, function(qkv) return (ops.self_attention(nil, nil, qkv, nil, 1, true)) end)

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
