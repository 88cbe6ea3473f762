--- Max unpooling: elements go where a max pooling took its elements from, zeros elsewhere (Zeiler and Fergus 2014).
-- @module tocha.nn.unpooling
local torch = require 'tocha'
local nn = require 'tocha.nn'
local derive = require 'tocha.nn.derive'
local F = require 'tocha.nn.functional'
local raise = require 'tocha.bindings.own'.raise

-- name, type of the pooling, its directions, the fields of the size it saw
for _, row in ipairs {
  { 'nn.SpatialMaxUnpooling', 'nn.SpatialMaxPooling', { 'H', 'W' }, { 'iheight', 'iwidth' } },
  { 'nn.VolumetricMaxUnpooling', 'nn.VolumetricMaxPooling', { 'T', 'H', 'W' }, { 'itime', 'iheight', 'iwidth' } },
} do
  local name, pooling, directions, fields = unpack(row)
  local class, parent = torch.class(name, 'nn.Module', nn)

  -- (poolingModule): a pooling whose windows do not overlap
  function class:__init(module)
    parent.__init(self)
    if torch.type(module) ~= pooling then
      raise(('%s: a %s is wanted, but a %s was given'):format(name, pooling, torch.type(module)))
    end
    for _, d in ipairs(directions) do
      if module['k' .. d] ~= module['d' .. d] then
        raise(('%s: windows of %s overlap: the kernel must be the stride'):format(name, tostring(module)))
      end
    end
    self.pooling = module
  end

  derive(class, function(self, input)
    local indices = self.pooling.indices
    if not indices then raise('the pooling has not been run: its forward comes first') end
    if not indices:isSameSizeAs(input) then
      raise(('the input is %s, but the pooling gave %s'):format(table.concat(input:size():totable(), 'x'),
        table.concat(indices:size():totable(), 'x')))
    end
    local size, count, planes = input:size():totable(), 1, 1
    for d = 1, #size - #fields do planes = planes * size[d] end
    for i, field in ipairs(fields) do
      size[#size - #fields + i] = self.pooling[field]
      count = count * self.pooling[field]
    end
    local empty = input.new(planes, count):zero()
    return F.reshape(F.scatter(empty, indices:view(planes, -1), F.reshape(input, { planes, -1 }), 2, 1), size)
  end)

  function class:__tostring__() return torch.type(self) .. ' associated to ' .. tostring(self.pooling) end
end
