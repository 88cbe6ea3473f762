--- The loop around a classifier: epochs of batches, a schedule of rates, validation, best and last checkpoint, early stopping,
-- curves.
--
--     local history = train.fit { net = net, criterion = nn.CrossEntropyCriterion(), loader = loader, valid = validLoader,
--                                 epochs = 20, optim = 'adam', rate = 1e-3, patience = 5, save = 'flowers.t7' }
--
-- @module tocha.train.fit
local torch = require 'tocha'
local optim = require 'tocha.optim'
local Progress = require 'tocha.train.progress'
local Metrics = require 'tocha.train.metrics'
local checkpoint = require 'tocha.train.checkpoint'
local plot = require 'tocha.train.plot'
local check = require 'tocha.kinds'.check
local raise = require 'tocha.bindings.own'.raise

local batched = { size = 'function', steps = 'function', batches = 'function' }
local known = { net = 'module', criterion = { forward = 'function', backward = 'function' }, loader = batched,
                valid = { batches = 'function' }, classes = 'any', epochs = 'number', optim = 'string?', config = 'table?',
                rate = 'number', schedule = 'function?', patience = 'number?', save = 'string?', plot = 'string?', quiet = 'any',
                resume = 'string?', note = 'table?', prepare = 'function?', forward = 'function?', limit = 'number?',
                keep = 'function?' }

-- One pass over the loader.
local function epochOf(o, run, epoch)
  local net, criterion, loader = o.net, o.criterion, o.loader
  net:training()
  local bar = Progress(loader:size(), { label = ('epoch %d/%d'):format(epoch, o.epochs), unit = 'images', quiet = o.quiet })
  local steps, k, loss, right, seen = loader:steps(), 0, 0, 0, 0
  for input, target in loader:batches(epoch) do
    local wanted = target
    if o.prepare then input, wanted = o.prepare(input, target) end
    local function feval()
      run.gradients:zero()
      local output = net:forward(input)
      local err = criterion:forward(output, wanted)
      net:backward(input, criterion:backward(output, wanted))
      return err, run.gradients
    end
    run.config.learningRate = o.rate * o.schedule((epoch - 1) * steps + k, o.epochs * steps)
    local _, errs = optim[o.optim](feval, run.parameters, run.config, run.optimState)
    if errs[1] ~= errs[1] then raise(('fit: the loss is no number in epoch %d: a lower rate may help'):format(epoch)) end
    local _, guess = net.output:max(2)
    k, run.step = k + 1, run.step + 1
    seen, loss = seen + input:size(1), loss + errs[1] * input:size(1)
    right = right + guess:view(-1):eq(target):sum()
    bar:update(seen, ('loss %.4f  accuracy %.2f%%'):format(loss / seen, 100 * right / seen))
    if o.limit and k >= o.limit then break end
  end
  bar:finish()
  return loss / seen, 100 * right / seen
end

local function draw(path, history)
  plot.figure(path, {
    { title = 'Loss', xlabel = 'epoch', ylabel = 'training loss', curves = { { name = 'train', y = history.loss } } },
    { title = 'Accuracy', xlabel = 'epoch', ylabel = 'percent', curves = { { name = 'train', y = history.train },
      { name = 'validation', y = history.valid } } },
  })
end

local function begin(o)
  check('fit', 'options', 'table', o)
  for name in pairs(o) do
    if not known[name] then raise(('fit: there is no option %s'):format(tostring(name))) end
  end
  for _, name in ipairs { 'net', 'criterion', 'loader', 'epochs', 'rate' } do
    if o[name] == nil then raise(('fit: %s is missing'):format(name)) end
  end
  check('fit', 'options', { epochs = 'number', rate = 'number' }, o)
  check('fit', 'options', known, o)
  o.schedule, o.optim = o.schedule or function() return 1 end, o.optim or 'adam'
  if not optim[o.optim] then raise(('fit: there is no optimizer %s'):format(tostring(o.optim))) end
  local saved = o.resume and checkpoint.load(o.resume)
  if saved then o.net = saved.model end
  local run = saved or { epoch = 0, step = 0, optimState = {}, history = { loss = {}, train = {}, valid = {}, seconds = {} },
                         best = { score = -math.huge } }
  run.parameters, run.gradients = o.net:getParameters()
  run.history.cpu = run.history.cpu or {} -- older checkpoints have none
  run.config = {}
  for key, value in pairs(o.config or {}) do run.config[key] = value end
  return run
end

local function save(o, run, path)
  local whole = { model = o.net, epoch = run.epoch, step = run.step, optimState = run.optimState, history = run.history,
                  best = run.best }
  for key, value in pairs(o.note or {}) do whole[key] = value end
  checkpoint.save(path, whole)
end

--- Trains a network that gives scores (N,K).
-- @tparam table o
--
-- - net, criterion, loader: a DataLoader, or what has its size(), steps() and batches(epoch)
-- - epochs, rate: the peak of the rate; schedule(step, steps): its factor (1); optim ('adam') and its config
-- - valid: a loader; classes: names. patience: epochs without a better validation accuracy after which to stop
-- - prepare(input, target): what the network and the criterion see (mixup)
-- - forward(input): scores for validation (net:forward)
-- - save: path of the last checkpoint, the best one gets `-best` before its suffix; resume: path of a checkpoint to go on from;
--   note: a table whose fields are saved along
-- - keep(net): called with a copy of the network whenever it is the best so far on the validation, instead of a file for the best
-- - plot: path of a PNG with the curves; quiet; limit: at most so many batches an epoch
-- @treturn table history: lists loss, train, valid (percent), seconds, cpu (processor seconds of all threads, validation
-- included)
-- @treturn table best: score, epoch, of the validation; the network has those parameters in the end
-- @treturn module the network (another one than o.net if the run was resumed)
return function(o)
  local run = begin(o)
  local history, best = run.history, run.best
  for epoch = run.epoch + 1, o.epochs do
    if o.patience and best.epoch and epoch - 1 - best.epoch >= o.patience then break end
    local timer = torch.Timer()
    history.loss[epoch], history.train[epoch] = epochOf(o, run, epoch)
    history.seconds[epoch], run.epoch = timer:time().real, epoch
    if o.valid then
      local score = 100 * Metrics.of(o.net, o.valid, o.classes, o.forward):accuracy()
      history.valid[epoch] = score
      if score > best.score then best.score, best.epoch, best.net = score, epoch, o.net:clearState():clone() end
      if o.keep and best.epoch == epoch then o.keep(best.net) end
    end
    local used = timer:time()
    history.cpu[epoch] = used.user + used.sys
    if not o.quiet then
      print(('epoch %d: loss %.4f, accuracy %.2f%% train%s, %.1f s'):format(epoch, history.loss[epoch], history.train[epoch],
        o.valid and (', %.2f%% validation'):format(history.valid[epoch]) or '', history.seconds[epoch]))
    end
    if o.save and best.epoch == epoch and not o.keep then
      checkpoint.save(o.save:gsub('(%.?[^./]*)$', '-best%1', 1), { model = best.net, epoch = epoch })
    end
    if o.save then save(o, run, o.save) end
    if o.plot then draw(o.plot, history) end
  end
  return history, best, best.net or o.net
end
