#!/usr/bin/env python3
"""Writes nn.lua: outputs and gradients of layers and criterions as PyTorch computes them in double precision.

usage: make_nn.py > nn.lua      (needs PyTorch; the tests need only the file)

A row: name, function of inputs and parameters, inputs (shape or (shape, kind)), shapes of parameters. All values follow
from `pattern`, which tests/lua/nn_golden.lua repeats: inputs have seeds 1, 2, ..., parameters 11, 12, ..., the
gradient of the output 31.
"""
import math
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)

def pattern(shape, seed, kind="any"):
    n = math.prod(shape)
    v = torch.tensor([math.sin(1.3 * i + 0.77 * seed) for i in range(1, n + 1)]).reshape(shape)
    if kind == "positive": v = v.abs() + 0.1
    if kind == "probability": v = 0.5 + 0.4 * v
    if kind == "sign": v = torch.where(v > 0, 1.0, -1.0)
    if kind.startswith("label"):
        v = torch.tensor([(7 * i + seed) % int(kind[5:]) for i in range(1, n + 1)]).reshape(shape)
    return v

same = lambda f: (f, [(3, 5)], [])
rows = {
    "Linear": (lambda x, w, b: F.linear(x, w, b), [(3, 5)], [(4, 5), (4,)]),
    "Linear vector": (lambda x, w, b: F.linear(x, w, b), [(5,)], [(4, 5), (4,)]),
    "Linear without bias": (lambda x, w: F.linear(x, w), [(3, 5)], [(4, 5)]),
    "Bilinear": (lambda x, y, w, b: F.bilinear(x, y, w, b), [(3, 2), (3, 4)], [(2, 2, 4), (2,)]),
    "CMul": (lambda x, w: x * w, [(3, 2, 4)], [(2, 4)]),
    "CAdd": (lambda x, b: x + b, [(3, 2, 4)], [(2, 4)]),
    "Add": (lambda x, b: x + b, [(3, 5)], [(5,)]),
    "Mul": (lambda x, w: x * w, [(3, 5)], [(1,)]),
    "SpatialConvolution": (lambda x, w, b: F.conv2d(x, w, b, (2, 1), (0, 1)), [(2, 2, 7, 6)], [(3, 2, 3, 2), (3,)]),
    "SpatialConvolution image": (lambda x, w, b: F.conv2d(x, w, b), [(2, 5, 4)], [(3, 2, 3, 3), (3,)]),
    "SpatialConvolution groups": (lambda x, w, b: F.conv2d(x, w, b, 1, 1, 1, 2), [(1, 4, 5, 3)],
        [(2, 2, 3, 3), (2,)]),
    "SpatialConvolutionMM": (lambda x, w, b: F.conv2d(x, w.view(3, 2, 3, 3), b), [(2, 2, 5, 4)], [(3, 18), (3,)]),
    "SpatialDilatedConvolution": (lambda x, w, b: F.conv2d(x, w, b, 1, 1, (2, 1)), [(1, 2, 7, 5)],
        [(2, 2, 3, 3), (2,)]),
    "SpatialFullConvolution": (lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, (0, 1)), [(2, 3, 3, 2)],
                               [(3, 2, 4, 3), (2,)]),
    "TemporalConvolution": (lambda x, w, b: F.conv1d(x.transpose(1, 2), w.view(4, 3, 2).transpose(1, 2), b,
                                                     2).transpose(1, 2),
                            [(2, 7, 2)], [(4, 6), (4,)]),
    "SpatialMaxPooling": (lambda x: F.max_pool2d(x, (2, 3), (2, 1), (0, 1)), [(2, 2, 5, 5)], []),
    "SpatialMaxPooling ceil": (lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True), [(2, 5, 7)], []),
    "SpatialDilatedMaxPooling": (lambda x: F.max_pool2d(x, 2, 1, 0, 2), [(1, 2, 5, 5)], []),
    "SpatialAveragePooling": (lambda x: F.avg_pool2d(x, (2, 3), (2, 1), (1, 1)), [(2, 2, 5, 5)], []),
    "SpatialAveragePooling exclude": (lambda x: F.avg_pool2d(x, 3, 2, 1, True, False), [(1, 2, 6, 5)], []),
    "SpatialAdaptiveMaxPooling": (lambda x: F.adaptive_max_pool2d(x, (3, 2)), [(2, 2, 7, 5)], []),
    "SpatialAdaptiveAveragePooling": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), [(2, 2, 7, 5)], []),
    "TemporalMaxPooling": (lambda x: F.max_pool1d(x.transpose(1, 2), 3, 2).transpose(1, 2), [(2, 7, 3)], []),
    "SpatialLogSoftMax": (lambda x: F.log_softmax(x, 1), [(2, 3, 2, 2)], []),
    "Tanh": same(torch.tanh), "Sigmoid": same(torch.sigmoid), "ReLU": same(F.relu),
    "ReLU6": same(lambda x: F.relu6(8 * x)),
    "LeakyReLU": same(lambda x: F.leaky_relu(x, 0.2)), "ELU": same(lambda x: F.elu(x, 1.5)),
    "Threshold": same(lambda x: F.threshold(x, 0.1, 0.3)), "HardTanh": same(lambda x: F.hardtanh(x, -0.5, 0.4)),
    "SoftPlus": same(lambda x: F.softplus(x, 2)), "SoftSign": same(F.softsign),
    "SoftShrink": same(lambda x: F.softshrink(x, 0.3)),
    "HardShrink": same(lambda x: F.hardshrink(x, 0.3)), "TanhShrink": same(F.tanhshrink),
    "LogSigmoid": same(F.logsigmoid),
    "SoftMax": same(lambda x: F.softmax(x, 1)), "SoftMin": same(lambda x: F.softmin(x, 1)),
    "LogSoftMax": same(lambda x: F.log_softmax(x, 1)),
    "LogSoftMax image": (lambda x: F.log_softmax(x, 0), [(3, 2, 2)], []),
    "SoftMax images": (lambda x: F.softmax(x, 1), [(2, 3, 2, 2)], []),
    "Exp": same(torch.exp), "Square": same(torch.square), "Abs": same(torch.abs), "GELU": same(F.gelu),
    "SiLU": same(F.silu),
    "SELU": same(F.selu), "Mish": same(F.mish), "HardSigmoid": same(lambda x: F.hardsigmoid(4 * x)),
    "Hardswish": same(lambda x: F.hardswish(4 * x)),
    "Log": (torch.log, [((3, 5), "positive")], []), "Sqrt": (torch.sqrt, [((3, 5), "positive")], []),
    "Power": (lambda x: x ** 1.7, [((3, 5), "positive")], []),
    "BatchNormalization": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(5, 3)], [(3,), (3,)]),
    "SpatialBatchNormalization": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(2, 3, 3, 2)],
        [(3,), (3,)]),
    "BatchNormalization evaluate": (lambda x, w, b: F.batch_norm(x, torch.zeros(3), torch.ones(3), w, b, False),
        [(5, 3)],
                                    [(3,), (3,)]),
    "LayerNorm": (lambda x, w, b: F.layer_norm(x, (5,), w, b), [(3, 5)], [(5,), (5,)]),
    "LookupTable": (lambda w: F.embedding(pattern((2, 3), 1, "label5"), w), [], [(5, 4)]),
    "Normalize": same(lambda x: F.normalize(x)), "CosineDistance": (F.cosine_similarity, [(3, 5), (3, 5)], []),
    "PairwiseDistance": (lambda a, b: (a - b).norm(2, 1), [(3, 5), (3, 5)], []),
    "MM": (lambda a, b: a.transpose(1, 2) @ b, [(2, 3, 4), (2, 3, 5)], []),
    "SpatialDepthWiseConvolution": (lambda x, w, b: F.conv2d(x, w.transpose(0, 1).reshape(6, 1, 3, 2),
                                                             b.t().reshape(6), 1, 0, 1, 2),
                                    [(2, 2, 5, 4)], [(3, 2, 3, 2), (3, 2)]),
    "SpatialZeroPadding": (lambda x: F.pad(x, (1, -1, 2, 0)), [(2, 2, 3, 4)], []),
    "SpatialReflectionPadding": (lambda x: F.pad(x, (1, 2, 2, 0), "reflect"), [(2, 2, 3, 4)], []),
    "SpatialReplicationPadding": (lambda x: F.pad(x, (1, 2, 2, 0), "replicate"), [(2, 2, 3, 4)], []),
    "SpatialUpSamplingNearest": (lambda x: F.interpolate(x, scale_factor=3), [(2, 2, 2, 3)], []),
    "SpatialUpSamplingBilinear": (lambda x: F.interpolate(x, (5, 7), mode="bilinear", align_corners=True),
        [(2, 2, 3, 4)], []),
    "PixelShuffle": (lambda x: F.pixel_shuffle(x, 2), [(2, 8, 2, 3)], []),
    "Cosine": (lambda x, w: F.cosine_similarity(x[:, None], w[None], 2), [(3, 5)], [(4, 5)]),
    "Euclidean": (lambda x, w: (x[:, :, None] - w[None]).norm(2, 1), [(3, 5)], [(5, 4)]),
    "WeightedEuclidean": (lambda x, w, c: (c * (x[:, :, None] - w[None])).norm(2, 1), [(3, 5)], [(5, 4), (5, 4)]),
    "PReLU": (lambda x, w: F.prelu(x, w), [(3, 5)], [(1,)]),
    "PReLU planes": (lambda x, w: F.prelu(x, w), [(2, 3, 2, 2)], [(3,)]),
    "RReLU evaluate": same(lambda x: F.rrelu(x, 0.1, 0.4)), "GatedLinearUnit": (F.glu, [(3, 6)], []),
    "CReLU": (lambda x: F.relu(torch.cat([x, -x], 1)), [(3, 5)], []),
    "GroupNorm": (lambda x, w, b: F.group_norm(x, 2, w, b), [(2, 4, 3, 2)], [(4,), (4,)]),
    "InstanceNorm": (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), [(2, 3, 3, 2)], [(3,), (3,)]),
    "RMSNorm": (lambda x, w: F.rms_norm(x, (5,), w, 1e-6), [(3, 5)], [(5,)]),
    "SpatialCrossMapLRN": (lambda x: F.local_response_norm(x, 3, 0.5, 0.75, 2), [(2, 5, 2, 2)], []),
    "View": (lambda x: x.view(3, 8), [(3, 2, 4)], []), "Reshape": (lambda x: x.reshape(3, 4, 2), [(3, 8)], []),
    "Flatten": (lambda x: x.flatten(1), [(3, 2, 4)], []),
    "Transpose": (lambda x: x.transpose(0, 2).transpose(1, 2), [(3, 2, 4)], []),
    "Narrow": (lambda x: x[:, 1:4], [(3, 5)], []), "Select": (lambda x: x[:, -2], [(3, 5)], []),
    "Replicate": (lambda x: x[:, None].expand(3, 4, 5), [(3, 5)], []),
    "Padding": (lambda x: F.pad(x, (2, 0), value=0.5), [(3, 5)], []),
    "Squeeze": (lambda x: x.squeeze(1), [(3, 1, 4)], []), "Unsqueeze": (lambda x: x.unsqueeze(1), [(3, 4)], []),
    "JoinTable": (lambda a, b: torch.cat([a, b], 1), [(3, 2), (3, 4)], []),
    "CAddTable": (lambda a, b, c: a + b + c, [(3, 4), (3, 4), (3, 4)], []),
    "CMulTable": (lambda a, b, c: a * b * c, [(3, 4), (3, 4), (3, 4)], []),
    "CSubTable": (lambda a, b: a - b, [(3, 4), (3, 4)], []), "CDivTable": (lambda a, b: a / b, [(3, 4), ((3, 4),
    "positive")], []),
    "CMaxTable": (torch.maximum, [(3, 4), (3, 4)], []), "CMinTable": (torch.minimum, [(3, 4), (3, 4)], []),
    "SelectTable": (lambda a, b: b * 1, [(3, 2), (3, 4)], []),
    "MV": (lambda m, v: (m @ v[:, :, None])[:, :, 0], [(2, 3, 4), (2, 4)], []),
    "DotProduct": (lambda a, b: (a * b).sum(1), [(3, 4), (3, 4)], []),
    "MixtureTable": (lambda g, a, b: g[:, :1] * a + g[:, 1:] * b, [(3, 2), (3, 4), (3, 4)], []),
    "Sum": (lambda x: x.sum(0), [(3, 5)], []), "Min": (lambda x: x.min(0)[0], [(3, 5)], []),
    "Max": (lambda x: x.max(1)[0], [(3, 5)], []), "Mean": (lambda x: x.mean(1), [(3, 5)], []),
    "MSECriterion": (F.mse_loss, [(3, 5), (3, 5)], []),
    "MSECriterion sum": (lambda x, t: F.mse_loss(x, t, reduction="sum"), [(3, 5), (3, 5)], []),
    "AbsCriterion": (F.l1_loss, [(3, 5), (3, 5)], []), "SmoothL1Criterion": (F.smooth_l1_loss, [(3, 5), (3, 5)], []),
    "HuberCriterion": (lambda x, t: F.huber_loss(x, t, delta=0.7), [(3, 5), (3, 5)], []),
    "BCECriterion": (F.binary_cross_entropy, [((3, 5), "probability"), ((3, 5), "probability")], []),
    "BCECriterion weights": (lambda x, t: F.binary_cross_entropy(x, t, pattern((5,), 21, "positive")),
                             [((3, 5), "probability"), ((3, 5), "probability")], []),
    "BCEWithLogitsCriterion": (F.binary_cross_entropy_with_logits, [(3, 5), ((3, 5), "probability")], []),
    "MultiLabelSoftMarginCriterion": (F.multilabel_soft_margin_loss, [(3, 5), ((3, 5), "probability")], []),
    "DistKLDivCriterion": (lambda x, t: F.kl_div(x, t, reduction="batchmean") / 5, [(3, 5), ((3, 5),
    "probability")], []),
    "ClassNLLCriterion": (F.nll_loss, [(4, 5), ((4,), "label5")], []),
    "ClassNLLCriterion sum": (lambda x, t: F.nll_loss(x, t, reduction="sum"), [(4, 5), ((4,), "label5")], []),
    "ClassNLLCriterion weights": (lambda x, t: F.nll_loss(x, t, pattern((5,), 21, "positive")), [(4, 5), ((4,),
    "label5")], []),
    "ClassNLLCriterion vector": (lambda x, t: F.nll_loss(x[None], t), [(5,), ((1,), "label5")], []),
    "ClassNLLCriterion ignore": (lambda x, t: F.nll_loss(x, t, ignore_index=2), [(4, 5), ((4,), "label5")], []),
    "SpatialClassNLLCriterion": (F.nll_loss, [(2, 3, 2, 2), ((2, 2, 2), "label3")], []),
    "CrossEntropyCriterion": (F.cross_entropy, [(4, 5), ((4,), "label5")], []),
    "CrossEntropyCriterion weights": (lambda x, t: F.cross_entropy(x, t, pattern((5,), 21, "positive")),
                                      [(4, 5), ((4,), "label5")], []),
    "MarginCriterion": (lambda x, t: F.relu(0.8 - t * x).mean(), [(3, 5), ((3, 5), "sign")], []),
    "SoftMarginCriterion": (F.soft_margin_loss, [(3, 5), ((3, 5), "sign")], []),
    "HingeEmbeddingCriterion": (F.hinge_embedding_loss, [(3, 5), ((3, 5), "sign")], []),
    "CosineEmbeddingCriterion": (lambda a, b, t: F.cosine_embedding_loss(a, b, t, 0.1), [(4, 5), (4, 5), ((4,),
    "sign")], []),
    "MarginRankingCriterion": (lambda a, b, t: F.margin_ranking_loss(a, b, t, 0.5), [(7,), (7,), ((7,), "sign")], []),
    "MultiMarginCriterion": (F.multi_margin_loss, [(4, 5), ((4,), "label5")], []),
    "MultiMarginCriterion square": (lambda x, t: F.multi_margin_loss(x, t, 2), [(4, 5), ((4,), "label5")], []),
}

def numbers(t):
    return "{" + ",".join("%.10g" % v for v in t.detach().reshape(-1).tolist()) + "}"

def run(name, f, inputs, params):
    specs = [s if isinstance(s[0], tuple) else (s, "any") for s in inputs]
    xs = [pattern(s, i + 1, k) for i, (s, k) in enumerate(specs)]
    ps = [pattern(s, i + 11) for i, s in enumerate(params)]
    leaves = xs[:-1] if "Criterion" in name else xs # the last input of a criterion is its target
    for t in leaves + ps: t.requires_grad_()
    y = f(*xs, *ps)
    grads = torch.autograd.grad(y, leaves + ps, pattern(y.shape, 31) if y.dim() else None, allow_unused=True)
    grads = [torch.zeros_like(t) if g is None else g for t, g in zip(leaves + ps, grads)]
    n = len(leaves)
    return y, grads[:n], grads[n:]

def write(rows, script):
    print("-- written by %s\nreturn {" % script)
    for name, row in rows.items():
        y, gi, gp = run(name, *row)
        print('  ["%s"] = { output = %s,\n    gradInput = {%s},\n    gradParams = {%s} },' % (
            name, numbers(y), ", ".join(map(numbers, gi)), ", ".join(map(numbers, gp))))
    print("}")

if __name__ == "__main__":
    write(rows, "make_nn.py")
