--- What the package unsup had in C, through the door to Torch7.
local files = require 'tests.lua.files'

describe('libunsup', function()
  it('shrinks the elements of a tensor in place', function()
    local output = files.th([[
      local unsup = require 'libunsup'
      assert(unsup == _G.unsup)
      local x = torch.Tensor { -3, -1, -0.5, 0, 0.5, 2 }
      assert(x:shrinkage(1) == x and x:equal(torch.Tensor { -2, 0, 0, 0, 0, 1 }))
      local every = torch.FloatTensor { { 3, 9 }, { -3, 9 } }
      every:select(2, 1):shrinkage(0.5)
      assert(every:equal(torch.FloatTensor { { 2.5, 9 }, { -2.5, 9 } }) and every:shrinkage(0) == every)
      for _, lambda in ipairs { -1, 0 / 0, 'a' } do
        local good, why = pcall(x.shrinkage, x, lambda)
        assert(not good and why:find(debug.getinfo(1, 'S').short_src, 1, true) == 1 and why:find 'shrinkage: lambda is', why)
      end
      print 'done']], '-l torch')
    assert.equal('done\t\n', output)
  end)
end)
