-- The short version of `make fuzz`: random calls of every public function crash nothing, and every refusal is a sentence.
local torch = require 'tocha'
local calls = dofile 'tests/fuzz/calls.lua'

describe('random calls', function()
  it('end in results or in sentences', function()
    local list = calls.list()
    for case = 1, 3000 do
      local name, wrong = calls.run(list, case)
      assert.is_nil(wrong, ('%s (luajit tests/fuzz/run.lua --case %d)'):format(name, case))
    end
    assert.is_true(torch.isGradEnabled())
  end)
end)
