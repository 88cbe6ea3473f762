#!/usr/bin/env python3
"""Writes torch7.lua: layers on tables, containers, sparse inputs and more of Torch7's criterions, as make_nn.py does for the
others.

usage: make_torch7.py > torch7.lua
"""
import torch
import torch.nn.functional as F
from make_nn import pattern, write

same = lambda f: (f, [(3, 5)], [])
pair = [(3, 4), (3, 4)]

def depth_concat(x, w, b, v, c):
    return torch.cat([F.pad(F.conv2d(x, w, b), (0, 0, 1, 1)), F.conv2d(x, v, c)], 1)

def layer_normalization(x, gain, bias):
    d = x - x.mean(1, True)
    return d / (d.square().sum(1, True) + 1e-10).sqrt() * 5 ** 0.5 * gain + bias

def sparse(x, w, b): # rows {index, value}, both labels from 1
    return (w[:, x[:, 0].long() - 1] * x[:, 1]).sum(1) + b

def index_linear(keys, values, w, b):
    return (w[keys - 1] * values[:, None]).sum(0) + b

def simplex(n):
    """Corners of a regular simplex, one per class, as rows."""
    a = torch.zeros(n, n)
    for k in range(n - 1):
        a[k, k] = (1 - a[k, :k].square().sum()).sqrt()
        a[k + 1:, k] = (a[k, k] ** 2 - 1 - 1 / (n - 1)) / a[k, k]
    return a

labels = lambda *shape: pattern(shape, 1, "label5") + 1
hinge = lambda d, t: torch.where(t > 0, d, F.relu(1.5 - d))

rows = {
    "Identity": same(lambda x: x), "Contiguous": same(lambda x: x), "Copy": same(lambda x: x),
    "AddConstant": same(lambda x: x + 3), "MulConstant": same(lambda x: x * 3),
    "Clamp": same(lambda x: x.clamp(-0.5, 0.4)), "Dropout evaluate": same(lambda x: x),
    "WhiteNoise evaluate": same(lambda x: x),
    "Constant": (lambda x: pattern((3, 5), 21) + x, [(3, 5)], []),
    "Collapse": (lambda x: x.view(3, 8), [(3, 2, 4)], []),
    "Convert": (lambda x: x.permute(1, 2, 3, 0), [(2, 3, 2, 2)], []),
    "Convert features": (lambda x: x.permute(1, 0, 2).reshape(2, 6), [(3, 2, 2)], []),
    "MaskedSelect": (lambda x: x[pattern((3, 5), 21) > 0], [(3, 5)], []),
    "Index": (lambda x: x[:, labels(3) - 1], [(4, 5)], []),
    "OneHot": (lambda w, b: F.linear(F.one_hot(labels(3) - 1, 5).double(), w, b), [], [(2, 5), (2,)]),
    "Bottle": (F.linear, [(2, 3, 4)], [(2, 4), (2,)]),
    "Decorator": (F.linear, [(3, 5)], [(4, 5), (4,)]), "GPU": (F.linear, [(3, 5)], [(4, 5), (4,)]),
    "NaN": (F.linear, [(3, 5)], [(4, 5), (4,)]), "Profile": (F.linear, [(3, 5)], [(4, 5), (4,)]),
    "DontCast": (F.linear, [(3, 5)], [(4, 5), (4,)]),
    "Sequential": (lambda x, w, b: torch.tanh(F.linear(x, w, b)), [(3, 5)], [(4, 5), (4,)]),
    "Concat": (lambda x, w, b, v, c: torch.cat([F.linear(x, w, b), F.linear(x, v, c)], 1), [(3, 5)],
               [(4, 5), (4,), (2, 5), (2,)]),
    "DepthConcat": (depth_concat, [(2, 2, 5, 3)], [(1, 2, 3, 1), (1,), (2, 2, 1, 1), (2,)]),
    "ConcatTable": (lambda x, w, b, v, c: F.linear(x, w, b) * F.linear(x, v, c), [(3, 5)], [(4, 5), (4,), (4, 5), (4,)]),
    "ParallelTable": (lambda x, y, w, b, v, c: F.linear(x, w, b) * F.linear(y, v, c), [(3, 5), (3, 2)],
                      [(4, 5), (4,), (4, 2), (4,)]),
    "Parallel": (lambda x, w, b, v, c: torch.cat([F.linear(x[:, 0], w, b), F.linear(x[:, 1], v, c)], 1), [(3, 2, 5)],
                 [(4, 5), (4,), (2, 5), (2,)]),
    "MapTable": (lambda x, y, w, b: torch.cat([F.linear(x, w, b), F.linear(y, w, b)], 1), [(3, 5), (3, 5)],
                 [(4, 5), (4,)]),
    "SplitTable": (lambda x: x[:, 0] * x[:, 1], [(3, 2, 4)], []),
    "NarrowTable": (lambda a, b, c: b * c, pair + [(3, 4)], []), "FlattenTable": (lambda a, b: a * b, pair, []),
    "ZipTable": (lambda a, b: a * a + b * b, pair, []),
    "ZipTableOneToMany": (lambda a, b, c: a * b + a * c, pair + [(3, 4)], []),
    "CAddTensorTable": (lambda a, b, c: (a + b) * (a + c), pair + [(3, 4)], []),
    "Maxout": (lambda x, w, b: F.linear(x, w, b).view(-1, 3, 4).amax(1), [(3, 5)], [(12, 5), (12,)]),
    "LayerNormalization": (layer_normalization, [(3, 5)], [(5,), (5,)]),
    "WeightNorm": (lambda x, v, g, b: F.linear(x, v * (g / (v.square().sum(1) + 1e-4).sqrt())[:, None], b), [(3, 5)],
                   [(4, 5), (4,), (4,)]),
    "WeightNorm of columns": (lambda x, v, g: F.linear(x, (v * (g / (v.square().sum(1) + 1e-4).sqrt())[:, None]).t()),
                              [(3, 5)], [(5, 4), (5,)]),
    "LinearWeightNorm": (lambda x, v, g, b: F.linear(x, v * g / v.norm(2, 1, True), b), [(3, 5)], [(4, 5), (4, 1), (4,)]),
    "PartialLinear": (lambda x, w, b: F.linear(x, w[[3, 1]], b[0, [3, 1]]), [(3, 5)], [(4, 5), (1, 4)]),
    "SparseLinear": (lambda w, b: sparse(labels(4, 2), w, b), [], [(3, 5), (3,)]),
    "IndexLinear": (lambda w, b: index_linear(labels(4), pattern((4,), 2, "label4") + 1, w, b), [], [(5, 3), (3,)]),

    "WeightedMSECriterion": (lambda x, t: (pattern((3, 5), 21, "positive") * (x - t) ** 2).mean(), [(3, 5), (3, 5)], []),
    "L1Cost": same(lambda x: x.abs().sum()),
    "L1HingeEmbeddingCriterion": (lambda a, b, t: hinge((a - b).abs().sum(1), t).sum(), [(4, 2), (4, 2), ((4,), "sign")],
                                  []),
    "MultiLabelMarginCriterion": (lambda x, t: F.multilabel_margin_loss(x, t - 1), [(2, 5), ((2, 5), "label6")], []),
    "ClassSimplexCriterion": (lambda x, t: F.mse_loss(x, simplex(5)[t]), [(4, 5), ((4,), "label5")], []),
    "DistanceRatioCriterion": (lambda a, b, t: (a + torch.logsumexp(torch.stack([-a, -b]), 0)).mean(),
                               [(4,), (4,), (4,)], []),
    "SpatialAutoCropMSECriterion": (lambda x, t: F.mse_loss(x, t[:, :, 1:4, 0:3]), [(2, 2, 3, 3), (2, 2, 6, 4)], []),
    "ModuleCriterion": (lambda x, t: F.mse_loss(x.square(), t.tanh()), [(3, 5), (3, 5)], []),
    "MultiCriterion": (lambda x, t: F.mse_loss(x, t) + 0.3 * F.l1_loss(x, t), [(3, 5), (3, 5)], []),
    "ParallelCriterion": (lambda a, b, t: F.mse_loss(a, t) + 0.3 * F.l1_loss(b, t), [(3, 5), (3, 5), (3, 5)], []),
}

if __name__ == "__main__":
    write(rows, "make_torch7.py")
