--- What th is made of, as a package: print, setprintlevel and require as th has them. Sets the global repl, which starts
-- th's prompt, and returns it.
-- @module trepl
require 'torch'
require 'paths'
require 'sys'
require 'xlua'
require 'dok'
require 'th.require'
require('tocha.prompt.show').install()

local function repl()
  local home = os.getenv 'HOME'
  return require 'tocha.prompt' { name = 'th', history = os.getenv 'TREPL_HISTORY' or home and home .. '/.luahistory' }
end
rawset(_G, 'repl', repl)
return repl
