#!/usr/bin/env python3
"""Writes penalty.lua: gradients, by the weights of critics, of the gradient penalty of Gulrajani et al. 2017.

usage: make_penalty.py > penalty.lua
Input and parameters are those of make_nn.py; tests/lua/nn_named_spec.lua has the same critics.
"""
import torch
import torch.nn.functional as F
from make_nn import numbers, pattern

leaky = lambda x: F.leaky_relu(x, 0.2)
image = (3, 2, 6, 6)
critics = {
    "Linear": ((3, 5), [(4, 5), (4,), (1, 4), (1,)], lambda x, w, b, v, c: F.linear(leaky(F.linear(x, w, b)), v, c)),
    "LayerNorm": ((3, 5), [(4, 5), (4,), (4,), (4,), (1, 4), (1,)], lambda x, w, b, g, s, v, c: F.linear(
        leaky(F.layer_norm(F.linear(x, w, b), (4,), g, s)), v, c)),
    "SpatialConvolution": (image, [(3, 2, 3, 3), (3,), (1, 3, 3, 3), (1,)], lambda x, w, b, v, c: F.conv2d(
        leaky(F.conv2d(x, w, b, 2, 1)), v, c)),
    "SpatialFullConvolution": (image, [(2, 3, 3, 3), (3,), (1, 3, 4, 4), (1,)], lambda x, w, b, v, c: F.conv2d(
        leaky(F.conv_transpose2d(x, w, b, 2)), v, c)),
    "InstanceNorm": (image, [(3, 2, 3, 3), (3,), (1, 3, 4, 4), (1,)], lambda x, w, b, v, c: F.conv2d(
        leaky(F.instance_norm(F.conv2d(x, w, b))), v, c)),
}

print("-- written by make_penalty.py\nreturn {")
for name, (size, shapes, critic) in critics.items():
    x = pattern(size, 1).requires_grad_()
    params = [pattern(s, 11 + i).requires_grad_() for i, s in enumerate(shapes)]
    g, = torch.autograd.grad(critic(x, *params).sum(), x, create_graph=True)
    penalty = (g.flatten(1).norm(dim=1) - 1).square().mean()
    grads = torch.autograd.grad(penalty, params, allow_unused=True)
    grads = [torch.zeros_like(p) if d is None else d for p, d in zip(params, grads)]
    print('  ["%s"] = { penalty = %.12g, grads = {%s} },' % (name, penalty.item(), ",\n    ".join(map(numbers, grads))))
print("}")
