--- JPEG files decoded to planes of bytes, beside libjpeg-turbo's own tjbench, which decodes them to pixels.
local torch = require 'tocha'
local image = require 'tocha.image'
local measure = require 'bench.measure'

local help = [[
usage: luajit scripts/bench.lua jpeg FILE ...

Millions of pixels a second in decoding each file from memory, and tjbench's (Debian: libjpeg-turbo-progs) for the same file. The
two take turns; the best of each counts.]]

local turns, seconds = 40, .02 -- short, so that other programs leave some turns alone

local function tjbench(path)
  local quoted = path:gsub("'", "'\\''")
  local pipe = io.popen(("tjbench '%s' -nowrite -quiet -warmup .005 -benchtime %g 2>/dev/null"):format(quoted, seconds))
  local text = pipe:read '*a'
  pipe:close()
  return tonumber(text:match '([%d.]+)%s*$') or 0
end

local function read(path)
  local file, why = io.open(path, 'rb')
  if not file then return nil, why end
  local bytes = file:read '*a'
  file:close()
  if not bytes then return nil, path .. ': cannot be read' end
  return torch.ByteTensor(torch.ByteStorage():string(bytes))
end

-- Decodes into memory that is used again, as tjbench does.
local function rate(bytes)
  local pixels = 0
  local function step()
    local picture = image.decompressJPG(bytes, nil, 'byte')
    pixels = picture:size(2) * picture:size(3)
    picture:free()
  end
  return pixels / measure.least(step, seconds, measure.now) * 1e-6, pixels
end

--- Prints a line for each file; the exit status.
return function(files)
  if #files == 0 or files[1] == '--help' or files[1] == '-h' then
    print(help)
    return #files == 0 and 2 or 0
  end
  print(('%-40s %8s %8s %6s'):format('Mpixel/s', 'tocha', 'tjbench', 'ratio'))
  for _, path in ipairs(files) do
    local bytes, why = read(path)
    if not bytes then
      io.stderr:write('bench: ', why, '\n')
      return 1
    end
    local own, peer = 0, 0
    for _ = 1, turns do
      own, peer = math.max(own, (rate(bytes))), math.max(peer, tjbench(path))
    end
    print(('%-40s %8.1f %8s %6s'):format(path, own, peer > 0 and ('%.1f'):format(peer) or '-',
      peer > 0 and ('%.2f'):format(own / peer) or '-'))
  end
  return 0
end
