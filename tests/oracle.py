"""Runs models that come down a pipe in TensorFlow Lite Micro. Numbers are u32, little-endian.

Asked: bytes of the model, the model, number of inferences, then the int8 input of each.
Answered: bytes of all inferences' outputs, and these. A model that TFLM refuses ends the process.
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


def outputs(model, count):
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=4 << 20)
    result = b""
    for _ in range(count):
        shape = interpreter.get_input_details(0)["shape"]
        values = np.frombuffer(questions.read(int(np.prod(shape))), np.int8)
        interpreter.set_input(values.reshape(shape), 0)
        interpreter.invoke()
        result += interpreter.get_output(0).tobytes()
    return result


answers.write(b"ready\n")
answers.flush()
while (size := number()) is not None:
    model, count = questions.read(size), number()
    result = outputs(model, count)
    answers.write(struct.pack("<I", len(result)) + result)
    answers.flush()
