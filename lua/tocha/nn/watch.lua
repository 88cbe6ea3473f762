--- Looks on while modules work.
-- @module tocha.nn.watch

--- Calls visit(module, output, input) after each forward call of one of the modules while f runs, in the order in which the calls
-- end. Errors of f pass on.
-- @tparam table modules a list; one that stands there twice counts once
return function(modules, visit, f)
  local own = {} -- a module's own updateOutput, or false where its class has it
  for _, module in ipairs(modules) do
    if own[module] == nil then
      own[module] = rawget(module, 'updateOutput') or false
      local plain = module.updateOutput
      module.updateOutput = function(self, input)
        local output = plain(self, input)
        visit(self, output, input)
        return output
      end
    end
  end
  local ok, message = pcall(f)
  for module, method in pairs(own) do module.updateOutput = method or nil end
  if not ok then error(message, 0) end
end
