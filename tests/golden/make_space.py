#!/usr/bin/env python3
"""Writes space.lua: layers over sequences, images and volumes, as make_nn.py does for the others.

usage: make_space.py > space.lua
"""
import torch
import torch.nn.functional as F
from make_nn import pattern, write

connections = [(0, 0), (1, 0), (1, 2), (0, 1), (1, 1)] # from, to

def dense(w, rows, columns, transposed=False):
    """The kernels of a table of connections as one dense weight."""
    full = torch.zeros(rows, columns, *w.shape[1:])
    for k, (a, b) in enumerate(connections):
        at = (a, b) if transposed else (b, a)
        full = full.index_put(tuple(map(torch.tensor, at)), w[k], accumulate=True)
    return full

def local(x, w, b):
    columns = F.unfold(x, (2, 3), padding=(0, 1), stride=(1, 2)) # (N, C kH kW, places)
    y = torch.einsum("nkl,lok->nol", columns, w.reshape(9, 3, 12))
    return y.view(x.shape[0], 3, 3, 3) + b

def largest(x, k):
    places = x.topk(k, 1)[1].sort(1)[0]
    return x.gather(1, places)

def unpool(x, full, f, g):
    return g(x, f(pattern(full, 5), 2, return_indices=True)[1], 2)

kernel = pattern((3, 5), 21, "positive")

def local_mean(x, kernel=kernel):
    k = kernel / kernel.sum()
    if k.dim() == 1: k = k[:, None] * k[None]
    k, pad = k[None, None], (k.shape[0] // 2, k.shape[1] // 2)
    return F.conv2d(x.mean(1, True), k, padding=pad), F.conv2d(torch.ones_like(x[:1, :1]), k, padding=pad)

def subtract(x, kernel=kernel):
    mean, inside = local_mean(x, kernel)
    return x - mean / inside

def divide(x):
    squares, inside = local_mean(x * x)
    return x / F.threshold(squares.sqrt() / inside, 0.6, 0.7)

image, volume = (2, 2, 5, 5), (2, 2, 3, 4, 5)
rows = {
    "TemporalRowConvolution": (lambda x, w, b: F.conv1d(x.transpose(1, 2), w, b, 2, groups=3).transpose(1, 2),
                               [(2, 7, 3)], [(3, 1, 2), (3,)]),
    "TemporalRowConvolution features first": (lambda x, w, b: F.conv1d(x[None], w, b, 1, groups=3)[0], [(3, 5)],
                                              [(3, 1, 2), (3,)]),
    "TemporalSubSampling": (lambda x, w, b: x.unfold(1, 3, 2).sum(-1) * w + b, [(2, 7, 3)], [(3,), (3,)]),
    "TemporalDynamicKMaxPooling": (lambda x: largest(x, 3), [(2, 5, 3)], []),
    "VolumetricConvolution": (lambda x, w, b: F.conv3d(x, w, b, (1, 1, 2), (1, 1, 0)), [volume], [(3, 2, 2, 2, 3), (3,)]),
    "VolumetricConvolution volume": (lambda x, w, b: F.conv3d(x, w, b), [(2, 3, 4, 3)], [(2, 2, 2, 2, 2), (2,)]),
    "VolumetricDilatedConvolution": (lambda x, w, b: F.conv3d(x, w, b, 1, 0, (2, 3, 1)), [volume],
                                     [(2, 2, 2, 2, 2), (2,)]),
    "VolumetricFullConvolution": (lambda x, w, b: F.conv_transpose3d(x, w, b, (2, 2, 1), (1, 0, 1), (1, 1, 0)),
                                  [(2, 2, 2, 2, 3)], [(2, 3, 2, 2, 3), (3,)]),
    "SpatialConvolutionMap": (lambda x, w, b: F.conv2d(x, dense(w, 3, 2), b, (2, 1)), [(2, 2, 5, 4)], [(5, 2, 3), (3,)]),
    "SpatialFullConvolutionMap": (lambda x, w, b: F.conv_transpose2d(x, dense(w, 2, 3, True), b, (2, 1)), [(2, 2, 3, 3)],
                                  [(5, 2, 3), (3,)]),
    "SpatialConvolutionLocal": (local, [(2, 2, 4, 5)], [(3, 3, 3, 2, 2, 3), (3, 3, 3)]),
    "TemporalAdaptiveMaxPooling": (lambda x: F.adaptive_max_pool1d(x.transpose(1, 2), 3).transpose(1, 2), [(2, 7, 3)], []),
    "TemporalAdaptiveAveragePooling": (lambda x: F.adaptive_avg_pool1d(x.transpose(0, 1), 4).transpose(0, 1), [(7, 3)], []),
    "VolumetricAdaptiveMaxPooling": (lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)), [(2, 2, 3, 5, 7)], []),
    "VolumetricAdaptiveAveragePooling": (lambda x: F.adaptive_avg_pool3d(x, (2, 3, 2)), [(2, 3, 5, 7)], []),
    "VolumetricMaxPooling": (lambda x: F.max_pool3d(x, (2, 2, 3), (1, 1, 2), (1, 0, 1)), [volume], []),
    "VolumetricMaxPooling ceil": (lambda x: F.max_pool3d(x, 2, 2, ceil_mode=True), [(2, 3, 5, 3)], []),
    "VolumetricDilatedMaxPooling": (lambda x: F.max_pool3d(x, 2, 1, 0, (2, 3, 1)), [volume], []),
    "VolumetricAveragePooling": (lambda x: F.avg_pool3d(x, (2, 2, 3), (1, 1, 2)), [volume], []),
    "SpatialMaxUnpooling": (lambda x: unpool(x, (2, 2, 4, 6), F.max_pool2d, F.max_unpool2d), [(2, 2, 2, 3)], []),
    "VolumetricMaxUnpooling": (lambda x: unpool(x, (2, 4, 2, 6), F.max_pool3d, F.max_unpool3d), [(2, 2, 1, 3)], []),
    "SpatialFractionalMaxPooling": (
        lambda x: F.fractional_max_pool2d(x, (3, 2), (2, 3), _random_samples=pattern((2, 2, 2), 5, "probability")),
        [(2, 2, 7, 6)], []),
    "VolumetricFractionalMaxPooling": (
        lambda x: F.fractional_max_pool3d(x, (2, 2, 3), (2, 2, 1),
                                          _random_samples=pattern((1, 2, 3), 5, "probability").flip(-1)),
        [(1, 2, 5, 4, 5)], []),
    "SpatialLPPooling": (lambda x: (F.avg_pool2d(x * x, (2, 3), 1) * 6).sqrt(), [image], []),
    "SpatialLPPooling cubes": (lambda x: (F.avg_pool2d(x ** 3, 2, 2) * 4) ** (1 / 3), [((2, 2, 4, 5), "positive")], []),
    "FeatureLPPooling": (lambda x: (x.unfold(1, 3, 2) ** 4).sum(-1) ** 0.25, [(2, 7, 3)], []),
    "SpatialSubSampling": (lambda x, w, b: F.avg_pool2d(x, (2, 3), (2, 1)) * 6 * w[:, None, None] + b[:, None, None],
                           [image], [(2,), (2,)]),
    "UpSampling": (lambda x: F.interpolate(x, scale_factor=2), [(2, 2, 2, 1, 3)], []),
    "UpSampling linear": (lambda x: F.interpolate(x, (6, 9), mode="bilinear", align_corners=True), [(2, 2, 2, 3)], []),
    "UpSampling volumes": (lambda x: F.interpolate(x, (3, 5, 4), mode="trilinear", align_corners=True), [(2, 1, 2, 3, 2)],
                           []),
    "VolumetricReplicationPadding": (lambda x: F.pad(x, (1, 2, 0, 1, 1, 0), "replicate"), [(2, 1, 2, 3, 2)], []),
    "SpatialSubtractiveNormalization": (subtract, [image], []),
    "SpatialSubtractiveNormalization vector": (lambda x: subtract(x, pattern((3,), 21, "positive")), [image], []),
    "SpatialDivisiveNormalization": (divide, [image], []),
    "SpatialContrastiveNormalization": (lambda x: divide(subtract(x)), [image], []),
    "VolumetricBatchNormalization": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(2, 3, 2, 1, 2)],
                                     [(3,), (3,)]),
    "SpatialSoftMax": (lambda x: F.softmax(x, 1), [(2, 3, 2, 2)], []),
    "SpatialDropout evaluate": (lambda x: x * 0.7, [image], []),
    "VolumetricDropout evaluate": (lambda x: x * 0.7, [volume], []),
}

if __name__ == "__main__":
    write(rows, "make_space.py")
