-- Sets that are not pictures in folders: CIFAR's binary files, tables, texts, tensors; and contact sheets.
local torch = require 'tocha'
local data = require 'tocha.data'
local image = require 'tocha.image'
local files = dofile 'tests/lua/files.lua'
local write, says = files.write, files.says

local folder

-- n records whose labels are 0, 1, ... and whose pixels have the label's value, the last one 200.
local function records(n, head)
  local all = {}
  for k = 0, n - 1 do
    all[k + 1] = (head == 2 and '\7' or '') .. string.char(k) .. string.char(k):rep(3071) .. '\200'
  end
  return table.concat(all)
end

describe('Sets', function()
  before_each(function() folder = files.makeFolder() end)
  after_each(files.removeFolder)

  it('read CIFAR-10 from its folder and from its archive', function()
    assert(os.execute('mkdir ' .. folder .. '/cifar-10-batches-bin') == 0)
    for k = 1, 5 do write(('cifar-10-batches-bin/data_batch_%d.bin'):format(k), records(2, 1)) end
    write('cifar-10-batches-bin/test_batch.bin', records(3, 1))
    write('cifar-10-batches-bin/batches.meta.txt', 'airplane\nautomobile\nbird\n\n')
    local archive = folder .. '/cifar-10-binary.tar.gz'
    assert(os.execute(('cd %s && tar czf cifar-10-binary.tar.gz cifar-10-batches-bin'):format(folder)) == 0)
    for _, path in ipairs { folder .. '/cifar-10-batches-bin', archive } do
      local train, test = data.cifar10(path)
      assert.same({ 10, 3, 32, 32 }, train.data:size():totable())
      assert.same({ 1, 2, 1, 2, 1, 2, 1, 2, 1, 2 }, train.labels:totable())
      assert.same({ 1, 2, 3 }, test.labels:totable())
      assert.same({ 'airplane', 'automobile', 'bird' }, test.classes)
      assert.same({ 2, 2, 200 }, { test.data[3][1][1][1], test.data[3][3][32][31], test.data[3][3][32][32] })
    end
    write('cifar-10-batches-bin/test_batch.bin', records(4, 1))
    says('test_batch.bin has the label 3, but labels run from 0 to 2', data.cifar10, folder .. '/cifar-10-batches-bin')
    write('cifar-10-batches-bin/test_batch.bin', records(2, 1):sub(2))
    says('which is no multiple of 3073: it is truncated', data.cifar10, folder .. '/cifar-10-batches-bin')
    os.remove(folder .. '/cifar-10-batches-bin/test_batch.bin')
    says('test_batch.bin is not in it', data.cifar10, folder .. '/cifar-10-batches-bin')
  end)

  it('read CIFAR-100, whose fine labels count', function()
    write('train.bin', records(2, 2))
    write('test.bin', records(1, 2))
    write('fine_label_names.txt', 'apple\nbaby\n')
    local train, test = data.cifar100(folder)
    assert.same({ 1, 2 }, train.labels:totable())
    assert.same({ 1, 3, 32, 32 }, test.data:size():totable())
  end)

  it('read tables', function()
    local path = write('iris.csv', 'length,width,"kind, ""quoted"""\r\n1,2.5,setosa\r\n-3e1,4,"virginica"\r\n\r\n5,6,setosa\r\n')
    local set = data.fromCSV(path, { label = -1 })
    assert.same({ { 1, 2.5 }, { -30, 4 }, { 5, 6 } }, set.data:totable())
    assert.same({ 1, 2, 1 }, set.labels:totable())
    assert.same({ 'setosa', 'virginica' }, set.classes)
    assert.same({ 'length', 'width' }, set.columns)
    assert.same('kind, "quoted"', data.readCSV(path)[1][3])
    local goal = data.fromCSV(write('n.csv', '1;2\n3;4\n'), { separator = ';', target = 2 })
    assert.same({ { 1 }, { 3 } }, goal.data:totable())
    assert.same({ 2, 4 }, goal.target:totable())
    local numbered = data.fromCSV(write('k.csv', '1,10\n1,9\n1,10\n'), { label = 2 })
    assert.same({ '9', '10' }, numbered.classes)
    assert.same({ '10', '2', 'nan' }, data.fromCSV(write('k.csv', '1,nan\n1,10\n1,2\n'), { label = 2 }).classes)
    says('iris.csv:2: "setosa" in kind, "quoted" is no number', data.fromCSV, path)
    says('b.csv:3: 1 columns, but the first line has 2', data.fromCSV, write('b.csv', '1,2\n3,4\n5\n'))
    says('c.csv:2: a quote is not closed', data.fromCSV, write('c.csv', '1,2\n"3,4\n'))
    says('d.csv:1: "x" follows a closing quote', data.fromCSV, write('d.csv', '"1"x,2\n'))
    says('there is nothing in it', data.fromCSV, write('e.csv', ''))
    says('there is no column colour', data.fromCSV, path, { label = 'colour' })
    says('cannot read', data.fromCSV, folder .. '/none.csv')
  end)

  it('read texts', function()
    local set = data.fromText(write('t.txt', 'abca'))
    assert.same({ 1, 2, 3, 1 }, set.data:totable())
    assert.same({ 'a', 'b', 'c' }, set.symbols)
    local words = data.fromText(write('w.txt', 'to be, or not\nto be!'), { unit = 'word' })
    assert.same({ '!', ',', 'be', 'not', 'or', 'to' }, words.symbols)
    assert.same({ 6, 3, 2, 5, 4, 6, 3, 1 }, words.data:totable())
    assert.same({ 3, 1 }, data.fromText(write('u.txt', 'ca'), { symbols = set.symbols }).data:totable())
    says('"d" is not among the symbols', data.fromText, write('v.txt', 'ad'), { symbols = set.symbols })
    says('there is no text in it', data.fromText, write('e.txt', ''))
  end)

  it('are made of tensors, and loaded from memory', function()
    local set = data.fromTensors(torch.range(1, 7):view(7, 1), torch.LongTensor { 1, 2, 1, 2, 1, 2, 2 })
    local loader, seen = data.memoryLoader(set, { batch = 3, shuffle = true, seed = 4 }), {}
    assert.same({ 7, 3 }, { loader:size(), loader:steps() })
    for input, target in loader:batches(2) do
      for i = 1, input:size(1) do
        seen[#seen + 1] = input[i][1]
        assert.equal(set.labels[input[i][1]], target[i])
      end
    end
    local again, sorted = {}, { unpack(seen) }
    for input in loader:batches(2) do for i = 1, input:size(1) do again[#again + 1] = input[i][1] end end
    assert.same(seen, again)
    table.sort(sorted)
    assert.same({ 1, 2, 3, 4, 5, 6, 7 }, sorted)
    assert.same({ 2, 2 }, data.classCounts(data.few(set, 2)):totable())
    says('7 labels in one dimension', data.fromTensors, torch.rand(7, 1), torch.LongTensor { 1 })
    says('labels start at 1', data.fromTensors, torch.rand(2, 1), torch.LongTensor { 0, 1 })
  end)

  it('peek: a sheet of pictures as the network sees them', function()
    local set = { data = torch.ByteTensor(5, 3, 8, 8):fill(100), labels = torch.LongTensor { 1, 2, 1, 2, 1 },
      classes = { 'a', 'b' } }
    local path = folder .. '/sheet.png'
    data.DataLoader(set, { mean = .5, deviation = .25 }):peek(path, 3)
    local sheet = image.load(path, 3, 'byte')
    assert.same({ 3, 2 * 112 + 4, 2 * 100 + 4 }, sheet:size():totable()) -- pictures of 96, lines of 12, gaps of 4
    assert.equal(100, sheet[1][50][50])
    assert.equal(255, sheet[1][2][2])
    assert.equal(0, sheet:narrow(2, 101, 12):narrow(3, 5, 12):min()) -- a letter
  end)
end)
