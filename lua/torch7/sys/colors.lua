--- The escape sequences of a terminal's colours: red, Red (bold), _red (background), none.
-- @module sys.colors
return require 'tocha.prompt.colors'
