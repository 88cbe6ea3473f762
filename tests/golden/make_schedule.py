#!/usr/bin/env python3
"""Writes schedule.lua: factors of PyTorch's schedules over 20 steps, in double precision.

usage: make_schedule.py > schedule.lua
tocha.train.schedule looks at the middles of steps: those are the odd steps of a run that is twice as long here.
"""
import warnings
import torch
warnings.filterwarnings("ignore")
S = torch.optim.lr_scheduler
losses = [3, 2, 2.5, 2, 1.9999, 2, 1, 1, 1, 0.5, 0.6, 0.6, 0.6, 0.6, 0.4, 0.41, 0.41, 0.41, 0.3, 0.3]

def factors(make, count, middles=False, loss=None):
    opt = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], 1.0)
    schedule, got = make(opt), []
    for i in range(2 * count if middles else count):
        if loss: schedule.step(loss[i])
        got.append(opt.param_groups[0]["lr"])
        if not loss and i + 1 < (2 * count if middles else count): schedule.step()
    return got[1::2] if middles else got

rise = 0.3
rows = {
    "cosine": factors(lambda o: S.CosineAnnealingLR(o, 40), 20, True),
    "step": factors(lambda o: S.StepLR(o, 6, 0.5), 20),
    "warmup": factors(lambda o: S.LinearLR(o, 1 / 5, 1, 4), 20),
    "oneCycle": factors(lambda o: S.OneCycleLR(o, 1.0, 41, pct_start=(40 * rise + 1) / 41, div_factor=25,
                                               final_div_factor=400, cycle_momentum=False), 20, True),
    "plateau": factors(lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=2), 20, loss=losses),
}
print("-- written by make_schedule.py\nreturn {\n  losses = { %s }," % ", ".join(map(str, losses)))
for name, values in rows.items():
    print("  %s = { %s }," % (name, ", ".join("%.15g" % v for v in values)))
print("}")
