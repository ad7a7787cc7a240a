"""Runs models that come down a pipe in TensorFlow Lite Micro. Numbers are u32, little-endian.

Asked: bytes of the model, the model, numbers of inputs, of outputs and of inferences, then of each inference the
int8 inputs, each behind its bytes.
Answered: 0, bytes of all inferences' outputs, and these; or, of a model that TFLM refuses, 1, bytes of the reason, and that.
Some models end the process.
"""
import os
import struct
import sys

import numpy as np
from tflite_micro.python.tflite_micro import runtime

# TFLM prints where it likes.
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
questions = sys.stdin.buffer


def number():
    data = questions.read(4)
    return struct.unpack("<I", data)[0] if data else None


def run(interpreter, values, outputs):
    for i, data in enumerate(values):
        details = interpreter.get_input_details(i)
        interpreter.set_input(np.frombuffer(data, np.int8).reshape(details["shape"]), i)
    interpreter.invoke()
    return b"".join(interpreter.get_output(i).tobytes() for i in range(outputs))


def answer(model, inferences, outputs):
    try:
        interpreter = runtime.Interpreter.from_bytes(model, arena_size=4 << 20)
        return 0, b"".join(run(interpreter, values, outputs) for values in inferences)
    except Exception as error:
        return 1, str(error).encode()


def main():
    answers.write(b"ready\n")
    answers.flush()
    while (size := number()) is not None:
        model = questions.read(size)
        inputs, outputs, count = number(), number(), number()
        inferences = [[questions.read(number()) for _ in range(inputs)] for _ in range(count)]
        status, result = answer(model, inferences, outputs)
        answers.write(struct.pack("<II", status, len(result)) + result)
        answers.flush()


main()
