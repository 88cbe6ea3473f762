-- What wrong calls of optimizers, pictures, training and learning to act say, word by word, at the line of the call; and that they
-- leave their arguments as they were.
local torch = require 'tocha'
local optim = require 'tocha.optim'
local image = require 'tocha.image'
local nn = require 'tocha.nn'
local rl = require 'tocha.rl'
local train = require 'tocha.train'

local x = torch.FloatTensor { 1, 2, 3 }
local picture = torch.FloatTensor(3, 4, 4):fill(.5)
local config, state = { learningRate = 0.1 }, {}
local function feval(y) return 1, y:clone() end
local function with(field, value) return { learningRate = 0.1, [field] = value } end

-- Each call stands on one line.
local cases = {
  optim = {
    { 'optim.sgd: the function is nil, but a function is needed', function() optim.sgd(nil, x) end },
    { 'optim.adam: x is nil, but a tensor is needed', function() optim.adam(feval, nil) end },
    { 'optim.nag: config is 0.1, but a table is needed', function() optim.nag(feval, x, 0.1) end },
    { 'optim.rprop: state is a tensor, but a table is needed', function() optim.rprop(feval, x, config, x) end },
    { 'optim.sgd: learningRate is a table, but a number is needed', function() optim.sgd(feval, x, with('learningRate', {})) end },
    { 'optim.sgd: momentum is a string, but a number is needed', function() optim.sgd(feval, x, with('momentum', 'x')) end },
    { 'optim.sgd: learningRates is a FloatTensor of 2, but x is a FloatTensor of 3',
      function() optim.sgd(feval, x, with('learningRates', torch.FloatTensor(2))) end },
    { 'optim.sgd: weightDecays is 3, but a tensor is needed', function() optim.sgd(feval, x, with('weightDecays', 3)) end },
    { 'optim.adam: the state m is a DoubleTensor of 3, but x is a FloatTensor of 3',
      function() optim.adam(feval, x, config, { m = torch.DoubleTensor(3) }) end },
    { 'optim.adamax: t is a boolean, but a number is needed', function() optim.adamax(feval, x, config, { t = true }) end },
    { 'optim.asgd: the function must give the value and its gradient, a FloatTensor of 3; the gradient is nil',
      function() optim.asgd(function() return 1 end, x, config, state) end },
    { 'rmsprop: the gradient is a DoubleTensor of 3, but x is a FloatTensor of 3',
      function() optim.rmsprop(function() return 1, x:double() end, x, config, state) end },
    { 'optim.lbfgs: the function must give a number; the value is nil',
      function() optim.lbfgs(function() end, x, config, state) end },
    { 'optim.lbfgs: lineSearch is a boolean, but a function is needed',
      function() optim.lbfgs(feval, x, with('lineSearch', true)) end },
    { 'optim.cg: the function must give the value and its gradient, a FloatTensor of 3; the gradient is a FloatTensor of 1',
      function() optim.cg(function() return 1, torch.FloatTensor(1) end, x, config) end },
    { 'optim.lswolfe: d is nil, but a tensor is needed', function() optim.lswolfe(feval, x, 1, nil, 1, x, 1) end },
    { 'optim.FistaLS: g is nil, but a function is needed', function() optim.FistaLS(feval, nil, feval, x) end },
    { 'optim.de: popsize is a table, but a number is needed', function() optim.de(feval, x, with('popsize', {})) end },
    { 'optim.cmaes: the function must give a number; the value is a string', function() optim.cmaes(tostring, x, config) end },
    { 'optim.checkgrad: eps is a string, but a number is needed', function() optim.checkgrad(feval, x, 'x') end },
    { 'optim.Adam: params is 3, but a table is needed', function() optim.Adam(3) end },
    { 'optim.SGD: config is 0.1, but a table is needed', function() optim.SGD({ x }, 0.1) end },
    { 'optim.SGD: the saved state is nil, but a table is needed', function() optim.SGD { x }:load() end },
    { 'optim.clipGradNorm: maxNorm is nil, but a number is needed', function() optim.clipGradNorm { x } end },
    { 'optim.penalize: params is nil, but a table is needed', function() optim.penalize(nil, 1) end },
    { 'optim.Average: model is a tensor, but a module is needed', function() optim.Average(x) end },
    { 'ConfusionMatrix: classes is 0, but a whole number above 0 is needed', function() optim.ConfusionMatrix(0) end },
    { 'ConfusionMatrix:add: the target is nil, but a class or a vector of scores is needed',
      function() optim.ConfusionMatrix(2):add(x) end },
    { 'ConfusionMatrix:batchAdd: the predictions is a table, but a tensor is needed',
      function() optim.ConfusionMatrix(2):batchAdd({}, x) end },
    { 'optim.Logger: filename is 3, but a string is needed', function() optim.Logger(3) end },
  },
  train = {
    { 'metrics: scores is nil, but a tensor is needed', function() train.Metrics.new(2):add(nil, x) end },
    { 'metrics: there is no class 3', function() train.Metrics.new(2):rocArea(3) end },
    { 'metrics: loader is nil, but a table is needed', function() train.Metrics.of(nn.Linear(3, 2), nil, 2) end },
    { 'Progress: total is nil, but a number is needed', function() train.Progress() end },
    { 'Progress: done is a string, but a number is needed', function() train.Progress(3):line('x') end },
    { 'plot: path is nil, but a string is needed', function() train.plot(nil, { { y = { 1, 2 } } }) end },
    { 'plot: y[2] of curve 1 is a table, but a number is needed', function() train.plot('x.png', { { y = { 1, {} } } }) end },
    { 'plot: style is 3, but a string is needed', function() train.plot('x.png', { { y = { 1, 2 }, style = 3 } }) end },
    { 'plot: title is a table, but a string is needed', function() train.plot('x.png', { { y = { 1, 2 } } }, { title = {} }) end },
    { 'fit: options is nil, but a table is needed', function() train.fit() end },
    { 'fit: criterion.backward is nil, but a function is needed',
      function() train.fit { net = nn.Linear(3, 2), criterion = {}, loader = {}, epochs = 1, rate = 1 } end },
    { 'search.run: f is nil, but a function is needed', function() train.search.run {} end },
    { 'search.table: number is nil, but a number is needed', function() train.search.table { {} } end },
    { 'checkpoint.save: state is nil, but a table is needed', function() train.checkpoint.save 'x.t7' end },
  },
  rl = {
    { 'Vector:reset: seed is a table, but a whole number is needed', function() rl.Vector(2, 'Catch'):reset {} end },
    { 'Pendulum-v1: the state speed is nil, but a finite number is needed',
      function() rl.make('Pendulum'):restore { angle = 1 } end },
    { 'Taxi-v4: the state row is 9, but a whole number from 0 to 4 is needed',
      function() rl.make('Taxi'):restore { row = 9, column = 1, passenger = 1, goal = 1 } end },
    { 'FrozenLake-v1: there is no such state', function() rl.make('FrozenLake'):restore { at = 17 } end },
    { 'TicTacToe:match: second is nil, but a function is needed', function() rl.make('TicTacToe'):match(print) end },
    { 'Replay: observations is nil, but a space (rl.Discrete or rl.Box) is needed',
      function() rl.Replay(3, nil, rl.Discrete(2), { gamma = 1 }) end },
    { 'Replay:add: reward is nil, but a tensor is needed',
      function() rl.Replay(3, rl.Discrete(2), rl.Discrete(2), { gamma = 1 }):add { observation = x, action = x } end },
    { 'sac: act wants the observations of all environments, not a nil',
      function() rl.agent('sac', rl.Vector(1, 'Pendulum'), { replay = 4 }):act() end },
    { 'ppo: the policy is a tensor, but a table is needed', function() rl.agent('ppo', rl.Vector(1, 'Catch')):adopt(x) end },
    { 'evaluate: agent is a table, but an agent (a table with a method act) is needed', function() rl.evaluate({}, {}, 1) end },
    { 'build: hidden is 3, but a table of sizes is needed', function() rl.network.build(rl.Discrete(2), 3, 1) end },
    { 'GaussianNoise: n is nil, but a whole number above 0 is needed', function() rl.noise.GaussianNoise() end },
  },
  image = {
    { 'hflip: a picture is a tensor, not a number', function() image.hflip(3) end },
    { 'vflip: the destination is a string, but a tensor is needed', function() image.vflip('x', picture) end },
    { 'rgb2hsl: the picture is nil, but a tensor is needed', function() image.rgb2hsl() end },
    { 'rgb2y: the destination is 3, but a tensor is needed', function() image.rgb2y(3, picture) end },
    { 'scale: a picture is HxW or CxHxW, not a tensor of 1 dimensions', function() image.scale(x, 2, 2) end },
    { 'crop: the first column is nil, but a number is needed', function() image.crop(picture, picture) end },
    { 'crop: the last row is a string, but a number is needed', function() image.crop(picture, 0, 0, 1, 'x') end },
    { 'rotate: the angle is a table, but a number is needed', function() image.rotate(picture, {}) end },
    { 'translate: y is nil, but a number is needed', function() image.translate(picture, 1) end },
    { 'warp: the field is nil, but a tensor is needed', function() image.warp(picture) end },
    { 'affinetransform: the translation is 3, but a table of numbers is needed',
      function() image.affinetransform(picture, torch.eye(2), nil, 3) end },
    { 'affinetransform: the value is a string, but a number is needed',
      function() image.affinetransform(picture, torch.eye(2), nil, nil, 'pad', 'x') end },
    { 'polar: the destination is a table, but a tensor is needed', function() image.polar({}, picture) end },
    { 'gaussian: sigma is a string, but a number is needed', function() image.gaussian { sigma = 'x' } end },
    { 'gaussianpyramid: scales is 3, but a table of numbers is needed', function() image.gaussianpyramid(picture, 3) end },
    { 'erode: the kernel is a boolean, but a tensor is needed', function() image.erode(picture[1], true) end },
    { 'lcn: the kernel is a table, but a tensor is needed', function() image.lcn(picture[1], {}) end },
    { 'minmax: options is nil, but a table is needed', function() image.minmax() end },
    { 'minmax: tensor is nil, but a tensor is needed', function() image.minmax {} end },
    { 'toDisplayTensor: padding is a string, but a number is needed',
      function() image.toDisplayTensor { input = picture, padding = 'x' } end },
    { 'toDisplayTensor: picture 2 is a number, not a tensor', function() image.toDisplayTensor { picture, 3 } end },
    { 'drawText: size is a table, but a number is needed', function() image.drawText(picture, 'x', 1, 1, { size = {} }) end },
    { 'drawRect: color is 3, but a colour (a table of red, green and blue) is needed',
      function() image.drawRect(picture, 1, 1, 2, 2, { color = 3, inplace = true }) end },
    { 'drawRect: x2 is a string, but a number is needed', function() image.drawRect(picture, 1, 1, 'x', 2) end },
    { 'image: the quality is a string, but a number is needed', function() image.compressJPG(picture, 'x') end },
    { 'image: the path of a file is needed, not a number', function() image.savePNG(3, picture) end },
  },
}

describe('a wrong call says', function()
  for family, list in pairs(cases) do
    it('what is wrong in ' .. family, function()
      for _, case in ipairs(list) do
        local good, message = pcall(case[2])
        assert.is_false(good, case[1])
        local line = debug.getinfo(case[2], 'S').linedefined
        assert.equal(('tests/lua/sentences_spec.lua:%d: %s'):format(line, case[1]), message)
        assert.same({ 1, 2, 3 }, x:totable())
        assert.same({ learningRate = 0.1 }, config)
        assert.same({}, state)
        assert.is_true(picture:eq(.5):all())
      end
    end)
  end
end)
