#!/usr/bin/env python3
"""Writes random networks of the torchvision that is installed: NAME.pt, the state as torch.save writes it, and NAME.npy, what the
network gives for two pictures in x.npy (float, 2x3xHxW).

usage: torchvision_peer.py FOLDER NAME ...
"""
import sys
import numpy
import torch
from torchvision import models

folder, names = sys.argv[1], sys.argv[2:]
torch.manual_seed(1)
x = torch.from_numpy(numpy.load(folder + "/x.npy"))
for name in names:
    net = getattr(models, name)(**({"init_weights": False} if name == "inception_v3" else {})).eval()
    for key, t in net.state_dict().items():
        if key.endswith("running_var"): t.uniform_(.5, 1.5)
        elif key.endswith("running_mean") or key.endswith("bias"): t.normal_(0, .1)
    torch.save(net.state_dict(), f"{folder}/{name}.pt")
    with torch.no_grad(): numpy.save(f"{folder}/{name}.npy", net(x).numpy())
