"""Prints tests/golden/einsum.lua: sums of products by PyTorch. Operand k of a row has the entries
((7 i + 3 k) mod 11 - 5) / 2 for i = 0, 1, ... in the order of its elements."""
import torch

rows = [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij->ji", [(2, 3)]), ("ji", [(2, 3)]), ("ij->", [(2, 3)]),
    ("ijk->j", [(2, 3, 2)]), ("ii", [(3, 3)]), ("ii->i", [(3, 3)]), ("iji->j", [(3, 2, 3)]), ("i,j->ji", [(2,), (3,)]),
    ("i,i", [(4,), (4,)]), ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]), ("bij,bkj->bk", [(2, 2, 3), (2, 4, 3)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]), ("...i,i->...", [(2, 2, 3), (3,)]), ("b...,b->...", [(2, 3), (2,)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]), ("i,ij,j", [(2,), (2, 3), (3,)]), ("bn,anm,bm->ba", [(2, 2), (3, 2, 3), (2, 3)]),
    ("bhqd,bhkd->bhqk", [(1, 2, 2, 3), (1, 2, 3, 3)]), ("ij,ij->ij", [(2, 3), (2, 3)]), (",i->i", [(), (3,)]),
]


def operand(k, shape):
    n = torch.Size(shape).numel()
    return (((7 * torch.arange(n) + 3 * k) % 11 - 5) / 2).double().reshape(shape)


def text(values):
    return "{ " + ", ".join("%.10g" % v for v in values) + " }" if values else "{}"


print("-- Made by make_einsum.py: equation, sizes of the operands, sizes of the result, its entries.")
print("return {")
for equation, shapes in rows:
    y = torch.einsum(equation, *[operand(k, s) for k, s in enumerate(shapes)])
    print("  { '%s', { %s }, %s, %s }," % (equation, ", ".join(text(s) for s in shapes), text(y.shape),
                                          text(y.flatten().tolist())))
print("}")
