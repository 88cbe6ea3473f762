-- scripts/rl.lua: runs, goes on from a checkpoint, says what is wrong.
local torch = require 'tocha'
require 'tocha.rl'
local files = dofile 'tests/lua/files.lua'

local folder

local function rl(words) return files.script(folder, 'rl', words) end
local function fails(pattern, words) files.refuses(folder, 'rl', pattern, words) end

describe('scripts/rl.lua', function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute('mkdir ' .. folder) == 0)
  end)
  teardown(function() os.execute('rm -r ' .. folder) end)

  it('learns, reports, draws, films and goes on with the very numbers', function()
    local words = '--env Taxi --algo sarsa --test 5 --episodes 3 '
    local output, err, code = rl(words .. '--steps 2000 --evaluate 500 --film a.gif --save whole.t7')
    assert.equal('', err)
    assert.equal(0, code)
    assert.matches('^sarsa in Taxi%-v4: .*rate=0.5 ', output)
    assert.matches('\nstep 2000: %-[%d.]+ exploring, %-[%d.]+ in 3 episodes', output)
    assert.matches('\nsarsa in Taxi%-v4: %-[%d.]+ over 5 episodes', output)
    assert.equal('GIF89a', io.open(folder .. '/a.gif'):read(6))
    assert.equal('\137PNG', io.open(folder .. '/rl.png'):read(4))
    local whole = torch.load(folder .. '/whole.t7')
    assert.same({ 500, 1000, 1500, 2000 }, whole.history.steps)
    files.killed(folder, 'rl', '#state.history.steps == 3', words .. '--steps 2000 --evaluate 500 --save part.t7 --quiet')
    assert.same({ 500, 1000 }, torch.load(folder .. '/part.t7').history.steps)
    rl '--resume part.t7 --quiet'
    local part = torch.load(folder .. '/part.t7')
    assert.same(whole.history, part.history)
    assert.is_true(whole.agent:snapshot():equal(part.agent:snapshot()))
    fails('%-%-algo cannot be another than in part.t7, where it is sarsa', '--resume part.t7 --algo dqn')
    fails('%-%-set cannot be another than in part.t7', '--resume part.t7 --set rate=1')
    fails('%-%-env cannot be another than in part.t7, where it is Taxi', '--resume part.t7 --env Catch')
  end)

  it('says what is wrong', function()
    fails('rl.lua: there is no environment Pong; there are CartPole', '--env Pong')
    fails('there is no algorithm trpo; there are', '--algo trpo')
    fails('sac: the actions of CartPole%-v1 are 1..2; sac needs numbers', '--algo sac')
    fails('dqn: there is no constant speed', '--set speed=3')
    fails('dqn: batch is 0, but it must be a whole number from 1', '--set batch=0')
    fails('%-%-set wants name=value, not "speed"', '--set speed')
    fails('%-%-steps wants a whole number from 0, not 0.5', '--steps 0.5')
    fails('cannot read none.t7', '--resume none.t7')
    torch.save(folder .. '/foreign.t7', { kind = 'tocha checkpoint 1', rng = torch.getRNGState(), script = 'rl', options = {} })
    fails('foreign.t7 is no checkpoint of this script: its field %w+ is no', '--resume foreign.t7')
  end)
end)
