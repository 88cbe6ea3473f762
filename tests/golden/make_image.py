#!/usr/bin/env python3
"""Writes image.lua: a picture in other sizes as Pillow resizes it.

usage: make_image.py > image.lua      (needs Pillow and NumPy; the tests need only the file)

The picture is 7 rows of 9 numbers sin(1.3 i), i from 1.
"""
import numpy as np
from PIL import Image

x = np.sin(1.3 * np.arange(1, 64)).reshape(7, 9).astype(np.float32)
modes = {"linear": Image.BILINEAR, "cubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
print("-- written by make_image.py")
print("return {")
for name, mode in modes.items():
    for h, w in [(3, 4), (7, 20), (12, 5)]:
        y = np.asarray(Image.fromarray(x, mode="F").resize((w, h), mode))
        print(f"  {{ '{name}', {h}, {w}, {{ {', '.join(f'{v:.7g}' for v in y.flatten())} }} }},")
print("}")
