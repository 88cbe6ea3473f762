local Progress = require 'tocha.train.progress'
local schedule = require 'tocha.train.schedule'

describe('the progress bar', function()
  it('shows share, rate, time left and a note', function()
    local bar = Progress(200, { label = 'epoch 1/2', unit = 'images' })
    assert.equal('epoch 1/2 [======                  ]  25%  10 images/s  15s left  loss 0.5', bar:line(50, 'loss 0.5', 5))
    assert.matches('100%%  20 images/s  10s  $', bar:line(200, nil, 10))
  end)

  it('writes times as people say them', function()
    assert.same({ '42s', '3m05s', '2h07m', '--' }, { Progress.duration(42), Progress.duration(185), Progress.duration(7620),
      Progress.duration(1 / 0) })
  end)

  local function written(options)
    local path = os.tmpname()
    local stream = assert(io.open(path, 'w'))
    options.stream = stream
    local bar = Progress(3, options)
    for k = 1, 3 do bar:update(k, 'note ' .. k) end
    bar:finish()
    stream:close()
    local file = assert(io.open(path))
    local text = file:read '*a'
    file:close()
    os.remove(path)
    return text
  end

  it('draws over itself and goes away', function()
    local text = written {}
    assert.matches('^\r', text)
    assert.matches('100%%', text)
    assert.matches('\r +\r$', text)
    assert.falsy(text:find '\n')
  end)

  it('writes nothing when it is quiet', function() assert.equal('', written { quiet = true }) end)

  it('writes nothing where there is no terminal', function()
    local command = ([[LUA_PATH='%s' luajit -e "local bar = require('tocha.train.progress')(2) bar:update(1) bar:update(2)" 2>&1]])
      :format(package.path)
    local pipe = io.popen(command)
    local text = pipe:read '*a'
    pipe:close()
    assert.equal('', text)
  end)
end)

describe('the cosine schedule', function()
  it('rises over a tenth and falls to almost nothing', function()
    local total, last = 200, 0
    for step = 0, 19 do
      local f = schedule.cosine(step, total)
      assert.truthy(f > last and f <= 1)
      last = f
    end
    for step = 20, total - 1 do
      local f = schedule.cosine(step, total)
      assert.truthy(f < last + .03 and f > 0)
      last = f
    end
    assert.truthy(last < 1e-4)
  end)
end)
