-- The short version of `make fuzz FUZZ=decoders`: damaged files of every format end in a value or in a sentence.
local decoders = dofile 'tests/fuzz/decoders.lua'

describe('damaged files', function()
  it('end in values or in sentences', function()
    for case = 1, 600 do
      local name, wrong = decoders.run(case)
      assert.is_nil(wrong, ('%s, case %d'):format(name, case))
    end
  end)
end)
