#!/usr/bin/env python3
"""Writes linalg.lua: results and gradients of linear algebra as PyTorch computes them in double precision.

usage: make_linalg.py > linalg.lua      (needs PyTorch; the test needs only the file)

A row: name, function of the inputs, shapes of the inputs. Values follow from `pattern`, which tests/lua/linalg_spec.lua
repeats (inputs have seeds 1, 2, ..., the gradient of the result 31), and so do the matrices made of them. What is known up to
signs (vectors) is squared.
"""
import math
import torch
L = torch.linalg
torch.set_default_dtype(torch.float64)

def pattern(shape, seed):
    n = math.prod(shape)
    return torch.tensor([math.sin(1.3 * i + 0.77 * seed) for i in range(1, n + 1)]).reshape(shape)

def regular(x): return x + 3 * torch.eye(len(x))
def positive(x): return x @ x.t() + torch.eye(len(x))
def full(x): return x + 2 * torch.eye(*x.shape) * torch.arange(1.0, x.shape[1] + 1)
def spread(x): return x + x.t() + torch.diag(2.0 * torch.arange(len(x)))

rows = {
    "inverse": (lambda a: L.inv(regular(a)), [(4, 4)]),
    "gesv": (lambda b, a: L.solve(regular(a), b), [(4, 2), (4, 4)]),
    "gels": (lambda b, a: L.lstsq(full(a), b).solution, [(5, 2), (5, 3)]),
    "gels wide": (lambda b, a: L.lstsq(full(a), b, driver="gelsy").solution, [(3, 2), (3, 5)]),
    "trtrs": (lambda b, a: L.solve_triangular(regular(a), b, upper=True), [(4, 2), (4, 4)]),
    "trtrs L T": (lambda b, a: L.solve_triangular(regular(a).t(), b, upper=True), [(4, 2), (4, 4)]),
    "trtrs unit": (lambda b, a: L.solve_triangular(a, b, upper=True, unitriangular=True), [(4, 2), (4, 4)]),
    "potrf": (lambda a: L.cholesky(positive(a)).t(), [(4, 4)]),
    "potrf L": (lambda a: L.cholesky(positive(a)), [(4, 4)]),
    "potrs": (lambda b, a: torch.cholesky_solve(b, regular(a).triu(), upper=True), [(4, 2), (4, 4)]),
    "potri": (lambda a: torch.cholesky_inverse(regular(a).triu(), upper=True), [(4, 4)]),
    "qr": (lambda a: (lambda q, r: q @ r.abs() * 2 + q ** 2 @ r)(*L.qr(full(a))), [(5, 3)]),
    "symeig": (lambda a: L.eigvalsh(spread(a)), [(4, 4)]),
    "symeig V": (lambda a: L.eigh(spread(a))[1] ** 2, [(4, 4)]),
    "svd": (lambda a: L.svdvals(full(a)), [(3, 5)]),
    "svd vectors": (lambda a: (lambda u, s, v: u ** 2 @ torch.diag(s) @ v ** 2)(*L.svd(full(a), full_matrices=False)), [(3, 5)]),
}
without = {"gels wide"}  # no gradient

def text(t): return "{" + ",".join("%.10g" % v for v in t.reshape(-1).tolist()) + "}"

print("-- written by make_linalg.py\nreturn {")
for name, (f, shapes) in rows.items():
    xs = [pattern(s, i + 1).requires_grad_() for i, s in enumerate(shapes)]
    y = f(*xs)
    grads = torch.autograd.grad(y, xs, pattern(y.shape, 31)) if name not in without else []
    print('  ["%s"] = { value = %s,\n    grads = { %s } },' % (name, text(y), ", ".join(text(g) for g in grads)))
print("}")
