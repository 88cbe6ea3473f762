--- What came before trepl: makes any Lua a th without its prompt.
-- @module env
require 'trepl'
