#!/usr/bin/env python3
"""Writes strings.h5: datasets of strings as h5py makes them (pip install h5py).

usage: make_strings.py strings.h5
"""
import sys
import h5py
import numpy as np

with h5py.File(sys.argv[1], "w") as f:
    own = h5py.string_dtype()
    f.create_dataset("one", data="héllo", dtype=own)
    f.create_dataset("list", data=["a", "", "long " * 9], dtype=own)
    f.create_dataset("table", data=[["a", "b", "c"], ["d", "e", "f"]], dtype=own)
    f.create_dataset("fixed", data=np.array([b"ab", b"abcd", b""], dtype="S4"))
    f.create_dataset("fixed one", data=np.bytes_(b"word"))
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(5)
    for name, pad, text in ("spaces", h5py.h5t.STR_SPACEPAD, b"ab   c d  "), ("ended", h5py.h5t.STR_NULLTERM, b"ab\0xx\0yyyy"):
        kind.set_strpad(pad)
        space = h5py.h5s.create_simple((2,))
        d = h5py.h5d.create(f.id, name.encode(), kind, space)
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.frombuffer(text, dtype="S5").copy(), kind)
    f.create_dataset("pieces", data=["x%d" % i for i in range(10)], dtype=own, chunks=(4,), compression="gzip")
