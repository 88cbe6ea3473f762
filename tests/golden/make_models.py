#!/usr/bin/env python3
"""Writes models.lua: what torchvision's networks give for weights and pictures that a formula makes.

usage: make_models.py > models.lua                 (needs torch and torchvision; the tests need only the file)
       make_models.py --checkpoint FILE            tensors as torch.save writes them
       make_models.py --legacy FILE                the same in the format before version 1.6

Element i (from 1) of tensor k (from 1, tensors sorted by name) is u = 2 frac(43758.5453 sin(12.9898 i + k)) - 1, scaled: weights of
two dimensions or more 1.7 u / sqrt(fan in), running_var 1 + u / 2, weights of normalisations 1 + u / 4, all others u / 10. The
picture is the same with k = 0, unscaled.
"""
import math
import sys
import torch
from torch import nn
import torch.nn.functional as F
from torchvision import models as tv
from torchvision.models.resnet import ResNet, BasicBlock, Bottleneck

def uniform(n, k):
    i = torch.arange(1, n + 1, dtype=torch.float64)
    x = 43758.5453 * torch.sin(12.9898 * i + k)
    return 2 * (x - torch.floor(x)) - 1

def fill(net):
    state = {name: t for name, t in net.state_dict().items() if "num_batches" not in name and not name.startswith("AuxLogits")}
    for k, name in enumerate(sorted(state), 1):
        t = state[name]
        u = uniform(t.numel(), k)
        if t.dim() >= 2: u *= 1.7 / math.sqrt(t.numel() / t.shape[0])
        elif name.endswith("running_var"): u = 1 + u / 2
        elif name.endswith("weight"): u = 1 + u / 4
        else: u /= 10
        t.copy_(u.view(t.shape))
    return net.eval()

class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)
    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.max_pool2d(F.relu(self.conv1(x)), 2))), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))

class Shortcut(nn.Module):
    def __init__(self, missing): super().__init__(); self.missing = missing
    def forward(self, x): return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.missing // 2, self.missing // 2))

class CifarResNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        planes = 16
        for k, to in enumerate((16, 32, 64), 1):
            blocks = []
            for j in range(n):
                down = Shortcut(to - planes) if planes != to else None
                blocks.append(BasicBlock(planes, to, 2 if down else 1, down))
                planes = to
            setattr(self, f"layer{k}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)
    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))

class Double(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.double_conv = nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(),
                                         nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
    def forward(self, x): return self.double_conv(x)

class Down(nn.Module):
    def __init__(self, a, b): super().__init__(); self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), Double(a, b))
    def forward(self, x): return self.maxpool_conv(x)

class Up(nn.Module):
    def __init__(self, a, b): super().__init__(); self.up, self.conv = nn.ConvTranspose2d(a, b, 2, 2), Double(a, b)
    def forward(self, x, beside):
        x = self.up(x)
        h, w = beside.shape[2] - x.shape[2], beside.shape[3] - x.shape[3]
        return self.conv(torch.cat([beside, F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2))], 1))

class Out(nn.Module):
    def __init__(self, a, b): super().__init__(); self.conv = nn.Conv2d(a, b, 1)
    def forward(self, x): return self.conv(x)

class UNet(nn.Module):
    def __init__(self, first, depth):
        super().__init__()
        self.depth, self.inc, self.outc = depth, Double(3, first), Out(first, 2)
        for k in range(1, depth + 1):
            setattr(self, f"down{k}", Down(first * 2 ** (k - 1), first * 2 ** k))
            setattr(self, f"up{k}", Up(first * 2 ** (depth - k + 1), first * 2 ** (depth - k)))
    def forward(self, x):
        levels = [self.inc(x)]
        for k in range(1, self.depth + 1): levels.append(getattr(self, f"down{k}")(levels[-1]))
        x = levels.pop()
        for k in range(1, self.depth + 1): x = getattr(self, f"up{k}")(x, levels.pop())
        return self.outc(x)

def vgg11(hidden):
    net = tv.vgg11_bn()
    net.classifier = nn.Sequential(nn.Linear(512 * 49, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(),
                                   nn.Dropout(), nn.Linear(hidden, 10))
    return net

# name, options in Lua, network, (height, width), whether a test runs it always
rows = [
    ("lenet", "", LeNet, (28, 28), 1),
    ("cifar_resnet20", "", lambda: CifarResNet(3), (32, 32), 1),
    ("unet", "first = 4, depth = 2", lambda: UNet(4, 2), (21, 18), 1),
    ("resnet", "layers = { 1, 1, 1, 1 }, classes = 10", lambda: ResNet(BasicBlock, [1, 1, 1, 1], 10), (64, 64), 1),
    ("resnet", "layers = { 1, 2, 1, 1 }, bottleneck = true, classes = 10", lambda: ResNet(Bottleneck, [1, 2, 1, 1], 10), (40, 48), 1),
    ("mobilenet_v2", "width = .35, classes = 10", lambda: tv.MobileNetV2(10, .35), (96, 64), 1),
    ("densenet121", "layers = { 2, 3, 2, 1 }, growth = 16, first = 32, classes = 10",
     lambda: tv.DenseNet(16, (2, 3, 2, 1), 32, num_classes=10), (64, 64), 1),
    ("vgg11_bn", "hidden = 8, classes = 10", lambda: vgg11(8), (32, 32), 0),
    ("vgg16", "", tv.vgg16, (64, 64), 0), ("resnet18", "", tv.resnet18, (96, 96), 0), ("resnet34", "", tv.resnet34, (96, 96), 0),
    ("resnet50", "", tv.resnet50, (96, 96), 0), ("resnet101", "", tv.resnet101, (96, 96), 0),
    ("mobilenet_v2", "", tv.mobilenet_v2, (224, 224), 0), ("densenet121", "", tv.densenet121, (128, 128), 0),
    ("inception_v3", "", lambda: tv.inception_v3(init_weights=False), (139, 139), 0), ("unet", "", lambda: UNet(64, 4), (49, 60), 0),
]

if len(sys.argv) > 2:
    base = torch.arange(24.).view(4, 6)
    everything = {"state_dict": {"base": base, "turned": base.t(), "part": base[1:3, 2:4], "parameter": nn.Parameter(torch.ones(3))},
                  "epoch": 3, "lr": .1, "name": "tiny", "list": [torch.tensor([True, False]), None, True], "pair": (1, -2),
                  "half": torch.arange(6).view(2, 3).t().half(), "brain": torch.tensor([1.5, -2]).bfloat16(),
                  "long": torch.tensor(2 ** 40), "double": torch.tensor([.1], dtype=torch.float64), "empty": torch.zeros(0)}
    torch.save(everything, sys.argv[2], _use_new_zipfile_serialization=sys.argv[1] == "--checkpoint")
    sys.exit()

print("-- written by make_models.py: network, options, height, width, whether it is quick, outputs of two pictures: the first eight")
print("-- numbers of the first one, the sum of all squares")
print("return {")
for name, options, make, size, quick in rows:
    with torch.no_grad():
        net = fill(make())
        planes = 1 if name == "lenet" else 3
        x = uniform(2 * planes * size[0] * size[1], 0).view(2, planes, *size).float()
        y = net(x).double().flatten()
    first = ", ".join(f"{v:.7g}" for v in y[:8].tolist())
    square = (y * y).sum().item()
    print(f"  {{ '{name}', {{ {options} }}, {size[0]}, {size[1]}, {'true' if quick else 'false'}, {{ {first} }}, {square:.9g} }},")
print("}")
