#!/usr/bin/env python3
"""Writes augment.lua: a picture changed by the affine transforms of Keras's ImageDataGenerator.

usage: make_augment.py > augment.lua      (needs Keras, SciPy; the tests need only the file)

The picture is 6 rows of 6 numbers 100 + 90 sin(1.3 i), i from 1. It is square, because Keras 3 turns other pictures about a point
beside their centre.
"""
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

x = (100 + 90 * np.sin(1.3 * np.arange(1, 37))).reshape(6, 6, 1)
changes = [
    dict(theta=30), dict(tx=1.5, ty=-2.25), dict(shear=20), dict(zx=.7, zy=1.4), dict(flip_horizontal=True),
    dict(theta=-75, tx=1, ty=2, shear=15, zx=1.3, zy=.8, flip_vertical=True),
]
print("-- written by make_augment.py")
print("return {")
for change in changes:
    for fill in ("nearest", "constant", "reflect", "wrap"):
        generator = ImageDataGenerator(fill_mode=fill, cval=7)
        y = generator.apply_transform(x, change)
        names = dict(theta="rotation", tx="right", ty="down", shear="shear", zx="zoom_x", zy="zoom_y",
                     flip_horizontal="hflip", flip_vertical="vflip")
        spec = ", ".join(f"{names[k]} = {str(v).lower()}" for k, v in change.items())
        print(f"  {{ '{fill}', {{ {spec} }}, {{ {', '.join(f'{v:.8g}' for v in y.flatten())} }} }},")
print("}")
