#!/usr/bin/env python3
"""Accuracy of the demo classifier under TensorFlow Lite Micro's reference kernels, overall and per class.

    python evaluate.py [MODEL ...] [--data DIR]
    python evaluate.py --samples    writes samples.npy, samples_labels.npy and golden.npy for fashion.tflite
    python evaluate.py --arena      prints what TensorFlow Lite Micro's own arena takes

A tie between two classes goes to the one of the lower number. DIR is what `python ../data.py fashion DIR` wrote.
"""
import argparse
from pathlib import Path

import numpy as np
from tflite_micro.python.tflite_micro import runtime

HERE = Path(__file__).parent


def test_set(folder):
    """Images (N, 28, 28, 1) and labels (N,), as bytes."""
    return [np.load(folder / f"fashion_test_{kind}.npy") for kind in "xy"]


def interpreter(model):
    return runtime.Interpreter.from_file(str(model), arena_size=1 << 20)


def encode(images, detail):
    """Bytes 0..255 as the model takes them: floats 0..1, or those quantized, which is the byte less 128."""
    if detail["dtype"] == np.float32:
        return images.astype(np.float32) / 255
    q = detail["quantization_parameters"]
    assert q["zero_points"] == [-128] and abs(q["scales"][0] * 255 - 1) < 1e-6, q
    return (images.astype(np.int16) - 128).astype(np.int8)


def run(model, images):
    it = interpreter(model)
    outputs = []
    for image in encode(images, it.get_input_details(0)):
        it.set_input(image[None], 0)
        it.invoke()
        outputs.append(it.get_output(0)[0].copy())
    return np.stack(outputs)


def report(model, images, labels, names):
    outputs = run(model, images)
    guess = outputs.argmax(axis=1)
    top = np.sort(outputs, axis=1)
    print(f"{model.name}: {(guess == labels).mean():.2%} of {len(labels):,}; ties: {(top[:, -1] == top[:, -2]).sum()}")
    print(f"  {'class':12} {'recall':>7} {'precision':>9}   mostly taken for")
    for c, name in enumerate(names):
        mine, chosen = labels == c, guess == c
        wrong = np.bincount(guess[mine & ~chosen], minlength=len(names))
        recall, precision = chosen[mine].mean(), mine[chosen].mean()
        print(f"  {name:12} {recall:7.1%} {precision:9.1%}   {names[wrong.argmax()]} ({wrong.max()})")


def write_samples(model, folder):
    """The first test image of each class, right or wrong."""
    images, labels = test_set(folder)
    first = np.array([np.flatnonzero(labels == c)[0] for c in range(10)])
    samples = encode(images[first], interpreter(model).get_input_details(0))
    np.save(HERE / "samples.npy", samples)
    np.save(HERE / "samples_labels.npy", labels[first])
    golden = run(model, images[first])
    np.save(HERE / "golden.npy", golden)
    print(f"test images {first.tolist()}, taken for {golden.argmax(axis=1).tolist()}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", type=Path, default=[HERE / "fashion_float.tflite", HERE / "fashion.tflite"])
    p.add_argument("--data", type=Path, default=Path("data"))
    p.add_argument("--samples", action="store_true")
    p.add_argument("--arena", action="store_true")
    a = p.parse_args()
    if a.samples:
        write_samples(HERE / "fashion.tflite", a.data)
    elif a.arena:
        it = interpreter(HERE / "fashion.tflite")
        it.set_input(np.zeros((1, 28, 28, 1), np.int8), 0)
        it.invoke()
        it.print_allocations()
    else:
        names = (HERE / "labels.txt").read_text().split("\n")[:10]
        for model in a.models:
            report(model, *test_set(a.data), names)


if __name__ == "__main__":
    main()
