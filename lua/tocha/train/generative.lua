--- What scripts that make pictures share: labels as numbers, ways between two points, views of what is learned.
-- @module tocha.train.generative
local torch = require 'tocha'
local data = require 'tocha.data'
local raise = require 'tocha.bindings.own'.raise

local generative = {}

--- Digits for a script that makes pictures: those of the folder options.data, or drawn by options.seed where that is ''. Of the
-- training set the first options.limit, all where that is 0.
-- @treturn table training set
-- @treturn table test set
-- @treturn tensor all pictures to train with, whatever the limit
function generative.digits(options)
  local trainSet, testSet
  if options.data ~= '' then trainSet, testSet = data.mnist(options.data)
  else trainSet, testSet = data.digits { seed = options.seed } end
  if trainSet.data:size(3) ~= 28 or trainSet.data:size(4) ~= 28 then raise(options.data .. ': images must be 28x28') end
  local all = trainSet.data
  if options.limit > 0 then trainSet = data.split(trainSet, math.max(1 - options.limit / all:size(1), 0)) end
  return trainSet, testSet, all
end

--- n labels, the classes by turns: 1, 2, ..., classes, 1, ...
function generative.inTurn(n, classes)
  return torch.range(0, n - 1):apply(function(k) return k % classes + 1 end):long()
end

--- Labels (N) of 1..classes as rows of 0 and a 1: FloatTensor (N,classes).
function generative.oneHot(labels, classes)
  return torch.zeros(labels:size(1), classes):float():scatter(2, labels:long():view(-1, 1), 1)
end

--- Labels as planes beside images: (N,C,H,W) becomes (N,C+classes,H,W); flat images (N,D) become (N,D+classes).
function generative.beside(images, labels, classes)
  local hot = generative.oneHot(labels, classes):typeAs(images)
  if images:dim() == 4 then
    hot = hot:view(-1, classes, 1, 1):expand(images:size(1), classes, images:size(3), images:size(4)):contiguous()
  end
  return torch.cat(images, hot, 2)
end

--- What a network makes of rows (N,...) in evaluation, a hundred at a time; afterwards it is in training again.
function generative.evaluate(net, rows)
  local made = {}
  net:evaluate()
  for first = 1, rows:size(1), 100 do
    made[#made + 1] = net:forward(rows:narrow(1, first, math.min(100, rows:size(1) - first + 1))):clone()
  end
  net:training()
  return torch.cat(made, 1)
end

--- Points on great circles from a to b (rows, N,D): (N,steps,D), ends included (Shoemake 1985). So their lengths are those of
-- normal noise all the way.
function generative.between(a, b, steps)
  local way = a.new(a:size(1), steps, a:size(2))
  for i = 1, a:size(1) do
    local angle = math.acos(math.min(math.max(a[i]:dot(b[i]) / (a[i]:norm() * b[i]:norm()), -1), 1))
    for k = 1, steps do
      local t, s = (k - 1) / math.max(steps - 1, 1), math.sin(angle)
      local from, to = 1 - t, t
      if s > 1e-6 then from, to = math.sin((1 - t) * angle) / s, math.sin(t * angle) / s end
      way[i][k]:copy(a[i]):mul(from):add(to, b[i])
    end
  end
  return way
end

--- Points (N,D) seen from where they lie widest: (N,2), the first two principal components.
function generative.principal(points)
  local x = points:double()
  x = x - x:mean(1):expandAs(x)
  if x:size(2) <= 2 then return x end
  local _, vectors = torch.symeig(torch.mm(x:t(), x), 'V')
  local last = vectors:size(2)
  return torch.mm(x, torch.cat(vectors:narrow(2, last, 1), vectors:narrow(2, last - 1, 1), 2))
end

return generative
