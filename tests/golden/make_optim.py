#!/usr/bin/env python3
"""Writes optim.lua: (x1, x2) after five steps on (x1^2 + 3 x2^2) / 2 from (1, 2), in double precision.

usage: make_optim.py > optim.lua
PyTorch's rules, but for Adam: Torch7 added epsilon before the bias correction, which is computed apart.
"""
import math
import torch
torch.set_default_dtype(torch.float64)
O = torch.optim

def run(make):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    opt = make([x])
    for _ in range(5):
        opt.zero_grad(); (0.5 * (x[0] ** 2 + 3 * x[1] ** 2)).backward(); opt.step()
    return x.tolist()

def torch7_adam(rate, epsilon, decay=0.0):
    x, m, v = [1.0, 2.0], [0.0, 0.0], [0.0, 0.0]
    for t in range(1, 6):
        g = [x[0] + decay * x[0], 3 * x[1] + decay * x[1]]
        for i in range(2):
            m[i] = 0.9 * m[i] + 0.1 * g[i]; v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
            x[i] -= rate * math.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t) * m[i] / (math.sqrt(v[i]) + epsilon)
    return x

rows = [
    ("sgd", "plain", "learningRate = 0.1", run(lambda p: O.SGD(p, 0.1))),
    ("sgd", "momentum and decay", "learningRate = 0.1, momentum = 0.9, dampening = 0, weightDecay = 0.1",
     run(lambda p: O.SGD(p, 0.1, 0.9, weight_decay=0.1))),
    ("sgd", "dampening", "learningRate = 0.1, momentum = 0.9, dampening = 0.5", run(lambda p: O.SGD(p, 0.1, 0.9, 0.5))),
    ("sgd", "nesterov", "learningRate = 0.1, momentum = 0.9, dampening = 0, nesterov = true",
     run(lambda p: O.SGD(p, 0.1, 0.9, nesterov=True))),
    ("adam", "of Torch7", "learningRate = 0.1, epsilon = 1e-3", torch7_adam(0.1, 1e-3)),
    ("adam", "with decay", "learningRate = 0.1, epsilon = 1e-3, weightDecay = 0.1", torch7_adam(0.1, 1e-3, 0.1)),
    ("adamw", "decoupled", "learningRate = 0.1, weightDecay = 0.1", run(lambda p: O.AdamW(p, 0.1, weight_decay=0.1))),
    ("rmsprop", "plain", "learningRate = 0.01, epsilon = 1e-3, weightDecay = 0.1",
     run(lambda p: O.RMSprop(p, 0.01, 0.99, 1e-3, weight_decay=0.1))),
    ("adagrad", "plain", "learningRate = 0.1", run(lambda p: O.Adagrad(p, 0.1, eps=1e-10))),
    ("adadelta", "plain", "weightDecay = 0.1", run(lambda p: O.Adadelta(p, 1, 0.9, 1e-6, weight_decay=0.1))),
    ("rprop", "plain", "stepsize = 0.1", run(lambda p: O.Rprop(p, 0.1))),
    ("asgd", "plain", "eta0 = 0.1, lambda = 1e-2", run(lambda p: O.ASGD(p, 0.1, 1e-2, 0.75, 1e6))),
    ("adamax", "plain", "learningRate = 0.1", run(lambda p: O.Adamax(p, 0.1, eps=1e-38))),
]
print("-- written by make_optim.py\nreturn {")
for method, label, config, x in rows:
    print('  { method = "%s", label = "%s", config = { %s }, x = { %.12g, %.12g } },' % (method, label, config, *x))
print("}")
