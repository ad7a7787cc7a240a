"""Reads Fashion-MNIST from its four idx files, gzipped or not."""
import gzip
from pathlib import Path

import numpy as np

FOLDER = "/usr/share/datasets/fashion-mnist"  # where the Debian package dataset-fashion-mnist puts it
HELD_OUT = 5000


def read_idx(path):
    """One idx file of bytes, as an array of its own shape."""
    raw = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
    rank = raw[3]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(np.frombuffer(raw, ">u4", rank, 4))


def load(folder, part):
    """Images (N, 28, 28, 1) and labels (N,), as bytes. `part` is "train", "held-out" or "test".

    The last 5,000 images of the training file are held out to validate; "train" is the rest.
    """
    name = "t10k" if part == "test" else "train"
    images = read_idx(Path(folder) / f"{name}-images-idx3-ubyte")[..., None]
    labels = read_idx(Path(folder) / f"{name}-labels-idx1-ubyte")
    rows = {"train": slice(None, -HELD_OUT), "held-out": slice(-HELD_OUT, None), "test": slice(None)}[part]
    return images[rows], labels[rows]
