#!/usr/bin/env python3
"""Writes sampler.lua: images at places of a grid, and the gradients, as torch.nn.functional.grid_sample gives them.

usage: make_sampler.py > sampler.lua
"""
import torch
import torch.nn.functional as F

def wave(*size):
    n = torch.Size(size).numel()
    return torch.sin(1.7 * torch.arange(1, n + 1, dtype=torch.float64)).reshape(size)

images = wave(2, 3, 4, 2).requires_grad_()              # (N,H,W,C)
grids = (1.2 * wave(2, 2, 3, 2)).requires_grad_()       # (y,x), some of them outside
y = F.grid_sample(images.permute(0, 3, 1, 2), grids.flip(3), mode="bilinear", padding_mode="zeros", align_corners=True)
y = y.permute(0, 2, 3, 1)
g = torch.cos(torch.arange(1, y.numel() + 1, dtype=torch.float64)).reshape(y.shape)
y.backward(g)
print("-- written by make_sampler.py\nreturn {")
for name, t in ("output", y), ("gradImages", images.grad), ("gradGrids", grids.grad):
    print("  %s = {%s}," % (name, ",".join("%.10g" % v for v in t.detach().reshape(-1))))
print("}")
