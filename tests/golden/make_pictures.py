#!/usr/bin/env python3
"""Writes pictures.lua: small JPEG and PNG files of every kind, and their pixels as Pillow decodes them.

usage: make_pictures.py > pictures.lua      (needs Pillow and NumPy; the tests need only the file)

A row has the name (orientation...: turned upright; scaled: decoded to 13x10 of 52x40), the file, planes, height, width, the pixels (C,H,W) and the bytes of a sample, all in hexadecimal.
"""
import io
import struct
import zlib
import numpy as np
from PIL import Image, ImageOps

y, x = np.mgrid[0:10, 0:13]
rgb = Image.fromarray(np.stack([x * 19, y * 25, 120 + 9 * x - 11 * y], -1).astype(np.uint8))

def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()

def jpeg(picture, **options): return saved(picture, "JPEG", quality=90, optimize=True, **options)
def png(picture, **options): return saved(picture, "PNG", **options)

def turned(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return jpeg(rgb, exif=exif)

def ycck(file):  # the same numbers under the other transform of Adobe's marker
    at = file.index(b"Adobe")
    return file[:at + 11] + b"\2" + file[at + 12:]

def interlaced(array, colour, bits):  # Adam7 (PNG 1.2, section 2.6)
    body = b""
    for top, left, down, right in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
        part = array[top::down, left::right]
        if part.size: body += b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in part)
    def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], bits, colour, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")

deep = (x * 5000 + y * 77).astype(np.uint16)
wide = np.stack([deep, 65535 - deep, deep // 3], -1)
palette = rgb.convert("P", palette=Image.ADAPTIVE, colors=7)
files = {
    "baseline": jpeg(rgb), "progressive": jpeg(rgb, progressive=True), "444": jpeg(rgb, subsampling=0),
    "restart": jpeg(rgb, restart_marker_blocks=1), "grey": jpeg(rgb.convert("L")), "cmyk": jpeg(rgb.convert("CMYK")),
    "ycck": ycck(jpeg(rgb.convert("CMYK"))), "orientation3": turned(3), "orientation5": turned(5), "orientation6": turned(6),
    "scaled": jpeg(rgb.resize((52, 40), Image.BICUBIC)),
    "png": png(rgb), "png_grey": png(rgb.convert("L")), "png_bit": png(rgb.convert("1")), "png_alpha": png(rgb.convert("RGBA")),
    "png_grey_alpha": png(rgb.convert("LA")), "png_palette": png(palette, bits=4),
    "png_transparent": png(palette, transparency=3), "png_interlaced": interlaced(np.asarray(rgb), 2, 8),
    "png_16": png(Image.fromarray(deep)), "png_16_rgb": interlaced(wide, 2, 16),
}

print("-- written by make_pictures.py")
print("return {")
for name, file in files.items():
    pixels = Image.open(io.BytesIO(file))
    if name == "scaled": pixels.draft("RGB", (13, 10))
    if name.startswith("orientation"): pixels = ImageOps.exif_transpose(pixels)
    if name in ("cmyk", "ycck"):  # Pillow turns Adobe's inks around
        inks = np.asarray(pixels).astype(int)
        pixels = (255 - inks[..., :3]) * (255 - inks[..., 3:]) / 255
    elif pixels.mode == "P": pixels = pixels.convert("RGBA" if "transparent" in name else "RGB")
    elif pixels.mode == "1": pixels = pixels.convert("L")
    size = 2 if "16" in name else 1
    array = wide if name == "png_16_rgb" else deep if name == "png_16" else np.asarray(pixels)
    array = np.round(array).astype(f">u{size}")
    array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    c, h, w = array.shape
    print(f"  {{ '{name}', '{file.hex()}', {c}, {h}, {w}, '{array.tobytes().hex()}', {size} }},")
print("}")
