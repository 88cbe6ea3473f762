--- The two halves of a variational autoencoder (Kingma and Welling 2014): dense, or convolutions of 28x28 pictures.
--
-- The encoder gives means and logarithms of variances side by side, (N,2*latent); the decoder logits of pixels, (N,784). Both get
-- flat pictures or codes with `classes` numbers beside them that tell the class.
-- @module tocha.models.vae
require 'tocha'
local nn = require 'tocha.nn'

local vae = { mlp = {}, conv = {} }
local pixels = 28 * 28

--- o: hidden, latent, classes.
function vae.mlp.encoder(o)
  return nn.Sequential():add(nn.Linear(pixels + o.classes, o.hidden)):add(nn.ReLU(true))
    :add(nn.Linear(o.hidden, 2 * o.latent))
end

function vae.mlp.decoder(o)
  return nn.Sequential():add(nn.Linear(o.latent + o.classes, o.hidden)):add(nn.ReLU(true)):add(nn.Linear(o.hidden, pixels))
end

-- Two convolutions with stride 2, beside them what tells the class.
function vae.conv.encoder(o)
  local eye = nn.Sequential():add(nn.Narrow(2, 1, pixels)):add(nn.View(-1, 1, 28, 28))
    :add(nn.SpatialConvolution(1, 16, 4, 4, 2, 2, 1, 1)):add(nn.ReLU(true))
    :add(nn.SpatialConvolution(16, 32, 4, 4, 2, 2, 1, 1)):add(nn.ReLU(true)):add(nn.View(-1, 32 * 7 * 7))
  local both = eye
  if o.classes > 0 then
    both = nn.Sequential():add(nn.ConcatTable():add(eye):add(nn.Narrow(2, pixels + 1, o.classes))):add(nn.JoinTable(2))
  end
  return nn.Sequential():add(both):add(nn.Linear(32 * 7 * 7 + o.classes, o.hidden)):add(nn.ReLU(true))
    :add(nn.Linear(o.hidden, 2 * o.latent))
end

function vae.conv.decoder(o)
  return nn.Sequential():add(nn.Linear(o.latent + o.classes, o.hidden)):add(nn.ReLU(true))
    :add(nn.Linear(o.hidden, 32 * 7 * 7)):add(nn.ReLU(true)):add(nn.View(-1, 32, 7, 7))
    :add(nn.SpatialFullConvolution(32, 16, 4, 4, 2, 2, 1, 1)):add(nn.ReLU(true))
    :add(nn.SpatialFullConvolution(16, 1, 4, 4, 2, 2, 1, 1)):add(nn.View(-1, pixels))
end

return vae
