--- How good made pictures are, as a classifier sees them.
-- @module tocha.train.score
local torch = require 'tocha'
require 'tocha.nn'
local checkpoint = require 'tocha.train.checkpoint'
local signed = require 'tocha.signed'
local raise = require 'tocha.bindings.own'.raise

local function plainly(path)
  local numbers = torch.getRNGState()
  local state = checkpoint.load(path)
  torch.setRNGState(numbers)
  return state.model, state.best and state.best.parameters
end

--- A classifier, ready for use: its last layer is linear, and the one before gives the features.
-- @param given path of a checkpoint of scripts/train.lua, or a network
-- @treturn Module
-- @treturn string what to call it
local function classifierOf(given)
  local name = type(given) == 'string' and given or torch.type(given)
  local net, best = given, nil
  if type(given) == 'string' then net, best = plainly(given) end
  if not torch.isTypeOf(net, 'nn.Sequential') or net:size() < 2 or not torch.isTypeOf(net:get(net:size()), 'nn.Linear') then
    raise(('generativeScore: %s holds no classifier that ends in a linear layer'):format(name))
  end
  if torch.isTensor(best) then net:getParameters():copy(best) end
  net:evaluate()
  return net, name
end

-- Probabilities (N,K) and features (N,D) of bytes, or floats from 0 to 255, (N,C,H,W).
local function look(net, images, normalize)
  local shares, features = {}, {}
  for first = 1, images:size(1), 100 do
    local x = normalize(images:narrow(1, first, math.min(100, images:size(1) - first + 1)))
    shares[#shares + 1] = torch.softmax(net:forward(x), 2)
    features[#features + 1] = net:get(net:size() - 1).output:double():clone():view(x:size(1), -1)
  end
  return torch.cat(shares, 1), torch.cat(features, 1)
end

local function moments(features)
  local n = features:size(1)
  local mean = features:mean(1)
  local off = features - mean:expandAs(features)
  return { mean = mean:view(-1), covariance = torch.mm(off:t(), off):div(math.max(n - 1, 1)) }
end

-- The root of a symmetric matrix that has no negative eigenvalue but by rounding.
local function root(matrix)
  local values, vectors = torch.symeig(matrix, 'V')
  values = values:clamp(0, math.huge):sqrt()
  return torch.mm(torch.cmul(vectors, values:view(1, -1):expandAs(vectors)), vectors:t())
end

--- |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) of two sets of features (N,D) (Dowson and Landau 1982; Heusel et al. 2017).
local function distance(a, b)
  local half = root(a.covariance)
  local between = root(torch.mm(torch.mm(half, b.covariance), half))
  local off = a.mean - b.mean
  return math.max(off:dot(off) + torch.trace(a.covariance) + torch.trace(b.covariance) - 2 * torch.trace(between), 0)
end

-- The network and what it sees of the reference, kept in the options while these are the same.
local function known(options)
  local seen = options.seen
  if seen and seen.classifier == options.classifier and seen.reference == options.reference then return seen end
  local net, name = classifierOf(options.classifier)
  local good, why, features = pcall(look, net, options.reference, options.normalize)
  if not good then
    raise(('generativeScore: %s cannot judge these pictures: %s'):format(name, tostring(why):gsub('^[^\n]-:%d+: ', '')))
  end
  options.seen = { classifier = options.classifier, reference = options.reference, net = net, moments = moments(features) }
  return options.seen
end

--- Loads the classifier and looks at the reference, so that what is wrong is said before a run.
-- @function generativeScore.prepare
-- @tparam table options as below
-- @treturn table the options
local function prepare(options)
  known(options)
  return options
end

--- Looks at made pictures with a classifier.
-- @function generativeScore
-- @tparam tensor samples (N,C,H,W): bytes, or floats from 0 to 255
-- @tparam table options
--
-- - classifier: a checkpoint of scripts/train.lua, or a network, nn.Sequential with a linear layer at its end
-- - reference: real pictures (M,C,H,W), the test set
-- - normalize(images): what the classifier sees (data.normalizer of its training set)
-- - confidence (.9): least probability of the likeliest class for a sample to count as confident
-- @treturn table confident: share of the samples; classes: share of each class among all samples, a table; least, most: of those;
-- distance: Frechet's between samples and reference in the space of the features before the last layer
local function score(samples, options)
  if not options or options.classifier == nil then raise 'generativeScore: options.classifier is missing' end
  if samples:dim() ~= 4 or samples:size(1) < 2 then raise 'generativeScore: samples are (N,C,H,W), at least two' end
  local seen = known(options)
  local shares, features = look(seen.net, samples, options.normalize)
  local top, class = shares:max(2)
  local n, count = samples:size(1), shares:size(2)
  local result = { confident = top:ge(options.confidence or .9):double():mean(), classes = {}, least = 1, most = 0,
                   distance = distance(moments(features), seen.moments) }
  for k = 1, count do
    local share = class:eq(k):double():sum() / n
    result.classes[k], result.least, result.most = share, math.min(result.least, share), math.max(result.most, share)
  end
  return result
end

score = signed('generativeScore', { 'samples', 'tensor',
  'options', { reference = 'tensor', normalize = 'function', confidence = 'number?' } }, score)

return setmetatable({ prepare = prepare }, { __call = function(_, ...) return score(...) end })
