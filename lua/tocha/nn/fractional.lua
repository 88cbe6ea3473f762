--- Fractional max pooling (Graham 2014, "pseudorandom"): windows of one size at steps that vary, so that the output has
-- a size, or a ratio of the input's, that is given.
-- @module tocha.nn.fractional
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local batch = require 'tocha.nn.example'.batch
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

-- First elements (from 0) of `out` windows of size `pool` in `n` elements, for samples (M, 1): (M, out). The last window
-- ends where the elements end.
local function starts(samples, n, out, pool)
  local first = torch.Tensor():typeAs(samples):resize(samples:size(1), out):fill(n - pool)
  if out > 1 then
    local alpha = (n - pool) / (out - 1)
    local steps = torch.range(0, out - 2):typeAs(samples):view(1, -1):expand(samples:size(1), out - 1)
    local base = samples:expand(samples:size(1), out - 1)
    first:narrow(2, 1, out - 1):copy(torch.floor((steps + base):mul(alpha)) - torch.floor(torch.mul(base, alpha)))
  end
  return first
end

-- Positions (M, out..., pool...) in planes of the sizes `n`, from 1.
local function positions(samples, n, out, pool)
  local dims, total = #n, nil
  for d = 1, dims do
    local stride = 1
    for later = d + 1, dims do stride = stride * n[later] end
    local size = { samples:size(1) }
    for i = 1, 2 * dims do size[i + 1] = 1 end
    size[d + 1] = out[d]
    local first = starts(samples:narrow(2, d, 1), n[d], out[d], pool[d]):view(torch.LongStorage(size))
    size[1], size[d + 1], size[dims + d + 1] = 1, 1, pool[d]
    local inside = torch.range(0, pool[d] - 1):typeAs(samples):view(torch.LongStorage(size))
    local term = F.mul(F.add(first, inside), torch.Tensor { stride }:typeAs(samples))
    total = total and F.add(total, term) or term
  end
  return total:long():add(1)
end

-- name, directions as the constructor and the random samples have them, and as the sizes have them: as in Torch7,
-- volumes are (N, C, H, W, T) here
for _, row in ipairs {
  { 'nn.SpatialFractionalMaxPooling', { 'W', 'H' }, { 'H', 'W' } },
  { 'nn.VolumetricFractionalMaxPooling', { 'T', 'W', 'H' }, { 'H', 'W', 'T' } },
} do
  local name, given, order = unpack(row)
  local dims = #given
  local class, parent = torch.class(name, 'nn.Module', nn)
  local column = {} -- direction -> column of the random samples
  for i, d in ipairs(given) do column[d] = i end

  -- (window sizes..., output sizes... or ratios...): (poolSizeW, poolSizeH, outW, outH) and so on
  function class:__init(...)
    parent.__init(self)
    local args, sizes = { ... }, true
    if #args ~= 2 * dims then raise(('%s: %d numbers are needed'):format(name, 2 * dims)) end
    for i = 1, 2 * dims do check(name, ('argument %d'):format(i), 'number', args[i]) end
    for i = 1, dims do sizes = sizes and args[dims + i] >= 1 end
    for i, d in ipairs(given) do
      local value = args[dims + i]
      if args[i] < 2 then raise(('%s: windows have 2 elements or more, not %s'):format(name, tostring(args[i]))) end
      if not sizes and not (value > 0 and value < 1) then
        raise(('%s: sizes from 1 or ratios between 0 and 1 are wanted, not %s'):format(name, tostring(value)))
      end
      self['poolSize' .. d] = args[i]
      self[(sizes and 'out' or 'ratio') .. d] = value
    end
    self.newRandomPool = false
  end

  --- Keeps the windows of the next pass for all that follow (or no longer, with false).
  function class:fixPoolingRegions(fixed)
    self.newRandomPool = fixed == nil or fixed
    return self
  end

  -- One random number per plane and direction: (N, C, dims)
  local function draw(self, x)
    local samples = self.randomSamples
    local fits = samples and samples:size(1) == x:size(1) and samples:size(2) == x:size(2)
    if not fits or not self.newRandomPool then
      self.randomSamples = x.new(x:size(1), x:size(2), dims):uniform()
    end
    return self.randomSamples:view(-1, dims)
  end

  derive(class, function(self, input)
    local x, back = batch(input, dims + 1, dims == 2 and '(N, C, H, W)' or '(N, C, H, W, T)')
    local samples, n, out, pool, columns = draw(self, x), {}, {}, {}, {}
    local elements, windows, size = 1, 1, { x:size(1), x:size(2) }
    for i, d in ipairs(order) do
      n[i], pool[i] = x:size(i + 2), self['poolSize' .. d]
      out[i] = self['out' .. d] or math.floor(n[i] * self['ratio' .. d])
      if out[i] < 1 or out[i] + pool[i] - 1 > n[i] then
        raise(('%d windows of %d elements do not fit into %d'):format(out[i], pool[i], n[i]))
      end
      columns[i] = column[d]
      elements, windows, size[i + 2] = elements * n[i], windows * pool[i], out[i]
    end
    local index = positions(samples:index(2, torch.LongTensor(columns)), n, out, pool)
    local planes = F.reshape(x, { -1, elements })
    local seen = F.gather(planes, index:view(planes:size(1), -1), 2, 1)
    local best, place = F.max(F.reshape(seen, { planes:size(1), -1, windows }), 3, false, 1)
    self.indices = index:view(place:size(1), place:size(2), windows):gather(3, place:view(place:size(1), -1, 1))
      :view(torch.LongStorage(size))
    return back(F.reshape(best, size))
  end)

  function class:clearState()
    self.randomSamples, self.indices = nil, nil
    return parent.clearState(self)
  end

  function class:__tostring__()
    local sizes, pools = {}, {}
    for i, d in ipairs(given) do
      sizes[i], pools[i] = tostring(self['out' .. d] or self['ratio' .. d]), self['poolSize' .. d]
    end
    return ('%s(%s, %s)'):format(torch.type(self), table.concat(sizes, 'x'), table.concat(pools, ','))
  end
end
