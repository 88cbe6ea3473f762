--- A prompt of its own, with torch, nn and optim as globals; what is typed is kept in ~/.tocha_history.
-- @module tocha.prompt.start
local torch = require 'tocha'
rawset(_G, 'torch', torch)
rawset(_G, 'nn', require 'tocha.nn')
rawset(_G, 'optim', require 'tocha.optim')
require('tocha.prompt.show').install()
if require('tocha.bindings.file').isTerminal(0) then
  local facts = torch.config()
  io.write(('tocha on %s, %s. ? tells what the prompt can do, ? torch.max what a function does.\n'):format(facts.luajit, facts.cpu))
end
local home = os.getenv 'HOME'
require 'tocha.prompt' { history = home and home .. '/.tocha_history' }
