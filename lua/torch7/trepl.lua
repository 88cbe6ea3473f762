--- What th is made of, as a package: print, setprintlevel and require as th has them. Sets the global repl, which starts
-- th's prompt, and returns it.
-- @module trepl
require 'torch'
require 'paths'
require 'sys'
require 'xlua'
require 'dok'
require 'th.require'
require('th.print').install()

local function repl() return require 'th.prompt' () end
rawset(_G, 'repl', repl)
return repl
