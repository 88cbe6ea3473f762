"""Writes tests/golden/files.lua: files in the formats of NumPy and safetensors, made by those libraries, as hexadecimal text.

usage: python tests/golden/make_files.py > tests/golden/files.lua      (needs numpy, safetensors, ml_dtypes)
"""
import io

import ml_dtypes
import numpy as np
from safetensors.numpy import save

x = np.arange(6).reshape(2, 3)


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def npz(write, **arrays):
    out = io.BytesIO()
    write(out, **arrays)
    return out.getvalue()


files = {f"npy_{t}": npy(x.astype(t) - (np.dtype(t).kind == "i" or np.dtype(t).kind == "f"))
         for t in ["u1", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]}
files["npy_bool"] = npy(x % 2 == 0)
files["npy_u2"] = npy((x * 13107).astype("u2"))
files["npy_u4"] = npy((x * 858993459).astype("u4"))
files["npy_big"] = npy(x.astype(">f4"))
files["npy_fortran"] = npy(np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)))
files["npy_scalar"] = npy(np.array(2.5, "f4"))
files["npy_empty"] = npy(np.zeros((0, 3), "f4"))
files["npy_version2"] = npy(x.astype("f4"), (2, 0))
files["npy_complex"] = npy(x.astype("c8"))
files["npy_text"] = npy(np.array(["a", "bc"]))
files["npz"] = npz(np.savez, x=x.astype("f4"), y=np.arange(3.0))
files["npz_compressed"] = npz(np.savez_compressed, x=x.astype("f4"), zeros=np.zeros((20, 100)))
files["safetensors"] = save({"weight": x.astype("f4"), "bias": np.arange(3.0), "ids": x.astype("i8"),
                             "half": (x / 4).astype("f2"), "brain": (x / 4).astype(ml_dtypes.bfloat16),
                             "flag": x % 2 == 0, "scalar": np.array(2.5, "f4"), "none": np.zeros((0, 3), "f4")},
                            metadata={"format": "np", "note": 'a "quoted" \u00e9'})

edges = np.array([0, 1, -1, 0.1, 1 / 3, 65504, 65519.99, 65520, 1e6, -1e300, 6e-8, 2.98e-8, 2.9802322387695312e-08,
                  2.9802322387695316e-08, 6.1e-5, 1 + 2 ** -11, 1 + 2 ** -11 + 2 ** -40, 1 + 3 * 2 ** -11, 1 + 2 ** -8,
                  1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -40, 3.3e38, 3.4e38, 1e-40, 9.2e-41, 4.5e-41, 2049, 2051, np.inf, -np.inf])
edges = np.concatenate([edges, np.random.default_rng(1).standard_normal(100) * 10.0 ** np.arange(-12, 8).repeat(5)])
files["edges"] = edges.tobytes()
files["edges_half"] = edges.astype("f2").tobytes()


def brain(value):  # through a float that keeps, in its last bit, that something was cut off
    single = np.float32(value)
    if np.isfinite(single) and float(single) != value:
        if abs(float(single)) > abs(value):
            single = np.nextafter(single, np.float32(0))
        single = (single.view("u4") | np.uint32(1)).view("f4")
    return np.array(single).astype(ml_dtypes.bfloat16)


files["edges_bfloat16"] = np.array([brain(v) for v in edges]).tobytes()

print("-- made by tests/golden/make_files.py; do not edit")
print("return {")
for name, data in files.items():
    text = data.hex()
    print(f"  {name} =")
    lines = [text[i:i + 110] for i in range(0, len(text), 110)]
    print("\n".join(f"    '{line}'" + (" .." if k + 1 < len(lines) else ",") for k, line in enumerate(lines)))
print("}")
