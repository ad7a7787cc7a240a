#!/usr/bin/env python3
"""Trains the demo classifier on Fashion-MNIST and writes it as TFLite, float and int8.

    python train.py [--data DIR] [--out DIR] [--epochs N] [--seed N]
    python train.py --describe      only prints the layers with their MACs and bytes

DIR holds Fashion-MNIST's four idx files. Only the training images are read: 5,000 of them are held out to validate, the
others train and calibrate. Test images are for evaluate.py alone.
"""
import argparse
import contextlib
import io
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import tensorflow as tf
from tensorflow.keras import Model, layers

import data

BATCH = 128
PEAK_RATE = 4e-3
CALIBRATION = 1000


def build():
    """A DS-CNN: one convolution, five depthwise-separable blocks, three of them with a residual."""

    def normed(y):
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(y))

    def block(x, filters, stride=1):
        y = normed(layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x))
        y = layers.Conv2D(filters, 1, use_bias=False)(y)
        if stride == 1 and x.shape[-1] == filters:
            return layers.ReLU()(layers.Add()([x, layers.BatchNormalization(momentum=0.9)(y)]))
        return normed(y)

    image = layers.Input((28, 28, 1))
    x = normed(layers.Conv2D(16, 5, 2, "same", use_bias=False)(image))
    x = block(x, 32)
    x = block(x, 32)
    x = block(x, 64, stride=2)
    x = block(x, 64)
    x = block(x, 64)
    x = layers.Flatten()(layers.AveragePooling2D(7)(x))
    return Model(image, layers.Dense(10, activation="softmax")(x))


def describe(model):
    """MACs and bytes once normalisation is folded: int8 weights, one int32 bias per output channel."""
    total = np.zeros(3, int)
    print("layer                 output        MACs  weights  biases  (bytes)")
    for layer in model.layers:
        if not isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)):
            continue
        out = layer.output.shape[1:]
        weights = int(np.prod(layer.kernel.shape))
        pixels = int(np.prod(out[:-1]))
        row = np.array([weights * pixels, weights, 4 * out[-1]])
        total += row
        print(f"{type(layer).__name__:16} {str(out):>14} {row[0]:>10,} {row[1]:>8,} {row[2]:>7,}")
    print(f"{'total':16} {'':14} {total[0]:>10,} {total[1]:>8,} {total[2]:>7,}")


def vary(images, rng):
    """Each image moved by up to two pixels, and half of them mirrored."""
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    dy, dx = rng.integers(0, 5, (2, len(images)))
    moved = windows[np.arange(len(images)), dy, dx].transpose(0, 2, 3, 1)
    mirror = rng.random(len(images)) < 0.5
    return np.where(mirror[:, None, None, None], moved[:, :, ::-1], moved)


def train(model, x, y, held_out, epochs, rng):
    steps = epochs * -(-len(x) // BATCH)
    warm = steps // 10
    rate = tf.keras.optimizers.schedules.CosineDecay(0.0, steps - warm, warmup_target=PEAK_RATE, warmup_steps=warm)
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=1e-2)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(epochs):
        model.fit(vary(x, rng), y, BATCH, initial_epoch=epoch, epochs=epoch + 1, validation_data=held_out, verbose=2)


def convert(model, calibration=None):
    """The model as TFLite with a batch of one; int8 throughout where there are images to calibrate on."""
    image = layers.Input(batch_shape=(1, 28, 28, 1))
    converter = tf.lite.TFLiteConverter.from_keras_model(Model(image, model(image)))
    if calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[None]] for image in calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with contextlib.redirect_stdout(io.StringIO()):
        return converter.convert()


def main():
    here = Path(__file__).parent
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", default=data.FOLDER)
    p.add_argument("--out", type=Path, default=here)
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--describe", action="store_true")
    a = p.parse_args()

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(a.seed)
    model = build()
    describe(model)
    if a.describe:
        return

    images, labels = data.load(a.data, "train")
    x = images.astype(np.float32) / 255
    held_out, held_out_labels = data.load(a.data, "held-out")
    rng = np.random.default_rng(a.seed)
    start = time.time()
    train(model, x, labels, (held_out.astype(np.float32) / 255, held_out_labels), a.epochs, rng)
    print(f"trained in {(time.time() - start) / 60:.1f} minutes")

    chosen = x[rng.choice(len(x), CALIBRATION, replace=False)]
    (a.out / "fashion_float.tflite").write_bytes(convert(model))
    (a.out / "fashion.tflite").write_bytes(convert(model, chosen))


if __name__ == "__main__":
    main()
