#!/usr/bin/env python3
"""Small ONNX models with the outputs that ONNX Runtime gives.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    python3 generate.py

Writes cases/NAME/{model.onnx,input.npy,output.npy,case.json}. Arrays are as a compiled model has them: one row an inference,
images NHWC. `tolerance` in case.json is the largest difference allowed: absolute for floats; for quantized models in units
of the output's scale.
"""
import json
import pathlib
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).parent / "cases"
INFERENCES = 3


class Model:
    """A graph in the making: `call` adds a node and gives its output's name."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, value):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weights(self, *shape, gain=1.0):
        fan = max(1, int(np.prod(shape[1:])))
        return (self.rng.standard_normal(shape) * gain / np.sqrt(fan)).astype(np.float32)

    def call(self, op, *inputs, outputs=1, domain="", **attributes):
        self.count += 1
        names = [f"v{self.count}_{i}" for i in range(outputs)]
        inputs = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{self.count}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    # QDQ: a quantize and a dequantize around every operator.

    def qdq(self, x, scale, zero=0, dtype=np.int8):
        args = np.float32(scale), np.array(zero, dtype)
        return self.call("DequantizeLinear", self.call("QuantizeLinear", x, *args), *args)

    def q_weights(self, w, axis):
        """Symmetric int8 by channel."""
        others = tuple(i for i in range(w.ndim) if i != axis)
        scale = (np.abs(w).max(axis=others) / 127).astype(np.float32)
        shape = [-1 if i == axis else 1 for i in range(w.ndim)]
        q = np.clip(np.rint(w / scale.reshape(shape)), -127, 127).astype(np.int8)
        return self.call("DequantizeLinear", q, scale, np.zeros(len(scale), np.int8), axis=axis), scale

    def q_bias(self, b, scale):
        scale = scale.astype(np.float32)
        q = np.rint(b / scale).astype(np.int32)
        return self.call("DequantizeLinear", q, scale, np.zeros(len(scale), np.int32), axis=0)


def channels_last(x):
    return np.moveaxis(x, 1, -1) if x.ndim > 2 else x


def case(name, shape, build, opset=17, tolerance=1e-5, dtype=np.float32, image=None, image_out=None, seed=0, spread=1.0):
    """`build(model, input name)` gives the output's name."""
    m = Model(seed)
    y = build(m, "x")
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    graph = helper.make_graph(
        m.nodes, name, [helper.make_tensor_value_info("x", kind, shape)], [helper.make_empty_tensor_value_info(y)], m.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 8
    # The output's type, which ONNX Runtime infers too.
    inferred = onnx.shape_inference.infer_shapes(model)
    model.graph.output[0].CopyFrom(inferred.graph.output[0])
    if not model.graph.output[0].type.tensor_type.elem_type:
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    rng = np.random.default_rng(1)
    if np.dtype(dtype).kind == "f":
        x = (rng.standard_normal((INFERENCES, *shape)) * spread).astype(dtype)
    else:
        x = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, (INFERENCES, *shape)).astype(dtype)
    outputs = np.stack([session.run(None, {"x": row})[0] for row in x])
    image = len(shape) > 2 if image is None else image
    if image:
        x = np.stack([channels_last(row) for row in x])
    # Nothing moves where axes of length 1 make both orders the same.
    is_ambiguous = np.array_equal(channels_last(outputs[0]).squeeze(), outputs[0].squeeze())
    if (image if image_out is None else image_out) and not is_ambiguous:
        outputs = np.stack([channels_last(row) for row in outputs])
    folder = ROOT / name
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    np.save(folder / "input.npy", np.ascontiguousarray(x[:, 0] if x.shape[1] == 1 and x.ndim > 2 else x))
    np.save(folder / "output.npy", np.ascontiguousarray(outputs))
    (folder / "case.json").write_text(json.dumps({"tolerance": tolerance}) + "\n")


def conv(m, x, cin, cout, kernel, group=1, bias=True, **attributes):
    w = m.weights(cout, cin // group, *kernel)
    args = (w, m.weights(cout)) if bias else (w,)
    return m.call("Conv", x, *args, group=group, kernel_shape=list(kernel), **attributes)


def floats():
    image = [1, 3, 9, 8]
    for name, arguments in {
        "valid": {},
        "same_upper": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        "same_lower": {"auto_pad": "SAME_LOWER"},
        "pads_symmetric": {"pads": [1, 1, 1, 1]},
        "pads_stride2_even": {"pads": [1, 1, 1, 1], "strides": [2, 2]},
        "pads_lopsided": {"pads": [2, 0, 1, 3]},
        "dilated": {"dilations": [2, 2], "pads": [2, 2, 2, 2]},
        "no_bias": {"bias": False},
    }.items():
        case(f"conv_{name}", image, lambda m, x: conv(m, x, 3, 5, (3, 3), **arguments))
    case("conv_depthwise", [1, 4, 7, 6], lambda m, x: conv(m, x, 4, 8, (3, 3), group=4, pads=[1, 1, 1, 1]))
    case("conv_groups", [1, 4, 6, 5], lambda m, x: conv(m, x, 4, 6, (3, 3), group=2))
    case("conv_1d", [1, 4, 21], lambda m, x: conv(m, x, 4, 6, (5,), pads=[2, 2], strides=[2]))
    case("conv_transpose", [1, 3, 5, 4],
         lambda m, x: m.call("ConvTranspose", x, m.weights(3, 2, 2, 2), m.weights(2), strides=[2, 2]))

    case("conv_transpose_same", [1, 3, 5, 4], lambda m, x: m.call(
        "ConvTranspose", x, m.weights(3, 2, 4, 4), m.weights(2), strides=[2, 2], pads=[1, 1, 1, 1]))
    case("conv_transpose_cut", [1, 3, 5, 4], lambda m, x: m.call("Relu", m.call(
        "ConvTranspose", x, m.weights(3, 2, 3, 3), m.weights(2), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])))

    def batch_norm(m, x, c):
        return m.call("BatchNormalization", x, 1 + m.weights(c), m.weights(c), m.weights(c), np.abs(m.weights(c)) + 0.5)

    case("conv_batchnorm_relu", image, lambda m, x: m.call("Relu", batch_norm(m, conv(m, x, 3, 4, (3, 3)), 4)))
    case("batchnorm_alone", image, lambda m, x: batch_norm(m, x, 3))
    case("conv_clip6", image, lambda m, x: m.call("Clip", conv(m, x, 3, 4, (1, 1)), np.float32(0), np.float32(6)), spread=8)
    def constant_node(m, value):
        return m.call("Constant", value=numpy_helper.from_array(np.asarray(value)))

    case("constants_between", image, lambda m, x: m.call("Clip", m.call(
        "Add", conv(m, x, 3, 4, (1, 1)), constant_node(m, m.weights(4, 1, 1))), constant_node(m, np.float32(0)),
        constant_node(m, np.float32(6))), spread=8)
    case("clip_odd_bounds", [1, 12], lambda m, x: m.call("Clip", x, np.float32(-0.5), np.float32(0.7)))

    case("gemm_transposed", [1, 7], lambda m, x: m.call("Gemm", x, m.weights(4, 7), m.weights(4), transB=1))
    case("gemm_alpha_beta", [1, 7], lambda m, x: m.call("Gemm", x, m.weights(7, 4), m.weights(4), alpha=0.5, beta=2.0))
    case("matmul_add_relu", [1, 7],
         lambda m, x: m.call("Relu", m.call("Add", m.call("MatMul", x, m.weights(7, 4)), m.weights(4))))
    case("matmul_rows", [1, 5, 6], lambda m, x: m.call("MatMul", x, m.weights(6, 4)), image=False)

    def flattened(m, x, middle):
        y = middle(m, conv(m, x, 3, 4, (3, 3)))
        return m.call("Gemm", y, m.weights(5, 4 * 7 * 6), transB=1)

    case("flatten_gemm", image, lambda m, x: flattened(m, x, lambda m, y: m.call("Flatten", y)))
    case("reshape_relu_gemm", image, lambda m, x: flattened(
        m, x, lambda m, y: m.call("Relu", m.call("Reshape", y, np.array([1, -1], np.int64)))))
    case("flatten_bias_gemm", image, lambda m, x: flattened(
        m, x, lambda m, y: m.call("Add", m.call("Flatten", y), m.weights(168))))
    case("flatten_shape_gemm", image, lambda m, x: flattened(m, x, lambda m, y: m.call("Reshape", y, m.call(
        "Concat", m.call("Unsqueeze", m.call("Gather", m.call("Shape", y), np.array(0, np.int64)), np.array([0], np.int64)),
        np.array([-1], np.int64), axis=0))))
    case("flatten_output", image, lambda m, x: m.call("Flatten", conv(m, x, 3, 2, (3, 3))))
    case("nhwc_flatten", image, lambda m, x: m.call("Flatten", m.call(
        "Transpose", conv(m, x, 3, 2, (3, 3)), perm=[0, 2, 3, 1])))
    case("transpose_in", [1, 9, 8, 3], lambda m, x: conv(
        m, m.call("Transpose", x, perm=[0, 3, 1, 2]), 3, 2, (3, 3), pads=[1, 1, 1, 1]), image=False, image_out=True)

    case("maxpool", image, lambda m, x: m.call("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]))
    case("maxpool_padded", image, lambda m, x: m.call(
        "MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
    case("maxpool_ceil", image, lambda m, x: m.call("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1))
    case("maxpool_1d", [1, 3, 11], lambda m, x: m.call("MaxPool", x, kernel_shape=[2], strides=[2]))
    case("avgpool", image, lambda m, x: m.call("AveragePool", x, kernel_shape=[3, 2], strides=[2, 2]))
    case("avgpool_counts_padding", image, lambda m, x: m.call(
        "AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1))
    case("global_average_gemm", image, lambda m, x: m.call("Gemm", m.call("Flatten", m.call(
        "GlobalAveragePool", x)), m.weights(4, 3), transB=1))
    case("reduce_mean_gemm", image, lambda m, x: m.call("Gemm", m.call(
        "ReduceMean", conv(m, x, 3, 3, (1, 1)), axes=[2, 3], keepdims=0), m.weights(4, 3), transB=1))

    for op in ["Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "Elu", "Exp", "Abs", "HardSigmoid", "Neg"]:
        case(op.lower(), [1, 3, 5, 4], lambda m, x: m.call(op, conv(m, x, 3, 3, (1, 1))))
    case("prelu", image, lambda m, x: m.call("PRelu", conv(m, x, 3, 3, (1, 1)), np.abs(m.weights(3, 1, 1))))
    case("swish", image, lambda m, x: m.call("Mul", conv(m, x, 3, 3, (1, 1)), m.call("Sigmoid", x)))
    case("residual", image, lambda m, x: m.call("Relu", m.call("Add", conv(m, x, 3, 3, (3, 3), pads=[1] * 4), x)))
    case("sub_mul_channel", image, lambda m, x: m.call("Mul", m.call(
        "Sub", m.call("Sigmoid", conv(m, x, 3, 3, (1, 1))), m.weights(3, 1, 1)), m.weights(1, 3, 1, 1)))
    case("div_constant", image, lambda m, x: m.call("Div", conv(m, x, 3, 3, (1, 1)), np.float32(255)))
    case("squeeze_excite", [1, 4, 6, 5], lambda m, x: m.call("Mul", x, m.call("Sigmoid", conv(
        m, m.call("GlobalAveragePool", x), 4, 4, (1, 1)))))
    case("concat", image, lambda m, x: m.call("Concat", conv(m, x, 3, 2, (1, 1)), x, axis=1))
    case("split_concat", [1, 4, 5, 3], lambda m, x: (lambda ab: m.call("Concat", ab[1], ab[0], axis=1))(
        m.call("Split", m.call("Relu", conv(m, x, 4, 4, (1, 1))), np.array([1, 3], np.int64), outputs=2, axis=1)))
    case("slice", image, lambda m, x: m.call("Slice", conv(m, x, 3, 4, (1, 1)), np.array([1, 0], np.int64),
                                             np.array([3, 7], np.int64), np.array([1, 2], np.int64), np.array([1, 2], np.int64)))
    case("pad", image, lambda m, x: conv(m, m.call("Pad", x, np.array([0, 0, 1, 2, 0, 0, 0, 1], np.int64)), 3, 2, (3, 3)))
    case("softmax", [1, 10], lambda m, x: m.call("Softmax", x, axis=1), spread=4)
    case("softmax_opset11", [1, 10], lambda m, x: m.call("Softmax", x), opset=11, spread=4)
    case("softmax_channels", image, lambda m, x: m.call("Softmax", conv(m, x, 3, 3, (1, 1)), axis=1))
    case("softmax_in_file_order", image, lambda m, x: m.call("Softmax", x, axis=1), image=False)
    case("resize_nearest", image, lambda m, x: conv(m, m.call(
        "Resize", x, "", np.array([1, 1, 2, 2], np.float32), mode="nearest", nearest_mode="floor",
        coordinate_transformation_mode="asymmetric"), 3, 2, (1, 1)))
    case("resize_nearest_default", image, lambda m, x: conv(m, m.call(
        "Resize", x, "", np.array([1, 1, 2, 3], np.float32)), 3, 2, (1, 1)))
    case("resize_halved", [1, 3, 8, 6], lambda m, x: conv(m, m.call(
        "Resize", x, "", "", np.array([1, 3, 4, 3], np.int64)), 3, 2, (1, 1)))
    case("resize_bilinear", image, lambda m, x: conv(m, m.call(
        "Resize", x, "", np.array([1, 1, 2, 2], np.float32), mode="linear",
        coordinate_transformation_mode="half_pixel"), 3, 2, (1, 1)))
    case("sequence_last_step", [1, 4, 9], lambda m, x: m.call("Gather", conv(m, x, 4, 3, (3,)), np.array(-1, np.int64), axis=2))


def quantized():
    image = [1, 3, 9, 8]

    def conv_q(m, x, x_scale, cin, cout, kernel, y_scale, y_zero=0, relu=False, group=1, dtype=np.int8, **attributes):
        w, w_scale = m.q_weights(m.weights(cout, cin // group, *kernel), 0)
        b = m.q_bias(m.weights(cout), x_scale * w_scale)
        y = m.call("Conv", x, w, b, group=group, kernel_shape=list(kernel), **attributes)
        return m.qdq(m.call("Relu", y) if relu else y, y_scale, y_zero, dtype)

    case("qdq_conv", image, lambda m, x: conv_q(m, m.qdq(x, 0.03, 5), 0.03, 3, 6, (3, 3), 0.04, -7), tolerance=1)
    case("qdq_conv_relu_stride2", image, lambda m, x: conv_q(
        m, m.qdq(x, 0.03, 5), 0.03, 3, 6, (3, 3), 0.02, -128, relu=True, strides=[2, 2], pads=[1, 1, 1, 1]), tolerance=1)
    case("qdq_depthwise", [1, 4, 7, 6], lambda m, x: conv_q(
        m, m.qdq(x, 0.03), 0.03, 4, 4, (3, 3), 0.03, group=4, pads=[1, 1, 1, 1]), tolerance=1)
    case("qdq_uint8", image, lambda m, x: conv_q(
        m, m.qdq(x, 0.03, 120, np.uint8), 0.03, 3, 4, (3, 3), 0.03, 131, dtype=np.uint8), tolerance=1)

    def gemm(m, x, relu):
        w, w_scale = m.q_weights(m.weights(5, 24), 0)
        y = m.call("Gemm", m.qdq(x, 0.03, 3), w, m.q_bias(m.weights(5), 0.03 * w_scale), transB=1)
        return m.qdq(m.call("Relu", y) if relu else y, 0.02, -128 if relu else 9)

    case("qdq_gemm", [1, 24], lambda m, x: gemm(m, x, False), tolerance=1)
    case("qdq_gemm_relu", [1, 24], lambda m, x: gemm(m, x, True), tolerance=1)
    case("qdq_float_bias", [1, 24], lambda m, x: m.qdq(m.call(
        "Gemm", m.qdq(x, 0.03), m.q_weights(m.weights(24, 5), 1)[0], m.weights(5)), 0.02), tolerance=1)

    def two(m, x):
        x = m.qdq(m.call("MaxPool", m.qdq(x, 0.03, 5), kernel_shape=[2, 2]), 0.03, 5)
        return x, m.qdq(m.call("Relu", x), 0.02, -128)

    case("qdq_add_relu", image, lambda m, x: m.qdq(m.call("Relu", m.call("Add", *two(m, x))), 0.03, -128), tolerance=1)
    case("qdq_mul", image, lambda m, x: m.qdq(m.call("Mul", *two(m, x)), 0.05, 2), tolerance=1)
    case("qdq_concat", image, lambda m, x: m.qdq(m.call("Concat", *two(m, x), axis=1), 0.03, 5), tolerance=1)
    case("qdq_maxpool_avgpool", image, lambda m, x: m.qdq(m.call("AveragePool", m.qdq(m.call(
        "MaxPool", m.qdq(x, 0.03, 5), kernel_shape=[2, 2]), 0.03, 5), kernel_shape=[2, 2], strides=[2, 2]), 0.03, 5), tolerance=1)
    case("qdq_global_average", image, lambda m, x: m.qdq(m.call("GlobalAveragePool", m.qdq(x, 0.03, 5)), 0.01, 5), tolerance=2)
    case("qdq_softmax", [1, 10], lambda m, x: m.qdq(m.call("Softmax", m.qdq(x, 0.05), axis=1), 1 / 256, -128),
         spread=3, tolerance=1)
    case("qdq_softmax_other_scale", [1, 10], lambda m, x: m.qdq(m.call("Softmax", m.qdq(x, 0.05), axis=1), 0.003, -128),
         spread=3, tolerance=2)
    case("qdq_sigmoid", [1, 30], lambda m, x: m.qdq(m.call("Sigmoid", m.qdq(x, 0.05)), 1 / 256, -128), spread=3, tolerance=1)

    def float_weights(m, x):
        w = m.weights(5, 3, 3, 3)
        scale, zero = (np.abs(w).max(axis=(1, 2, 3)) / 127).astype(np.float32), np.zeros(5, np.int8)
        w = m.call("DequantizeLinear", m.call("QuantizeLinear", w, scale, zero, axis=0), scale, zero, axis=0)
        return m.qdq(m.call("Conv", m.qdq(x, 0.03, 5), w, m.weights(5), kernel_shape=[3, 3]), 0.04)

    case("qdq_float_weights", image, float_weights, tolerance=1)
    case("qdq_relu6", image, lambda m, x: m.qdq(m.call("Clip", m.call(
        "Conv", m.qdq(x, 0.06), m.q_weights(m.weights(5, 3, 1, 1, gain=3), 0)[0], kernel_shape=[1, 1]),
        np.float32(0), np.float32(6)), 6 / 255, -128), tolerance=1)
    case("qdq_leaky_relu", image, lambda m, x: m.qdq(m.call("LeakyRelu", m.qdq(m.call(
        "MaxPool", m.qdq(x, 0.03), kernel_shape=[2, 2]), 0.03), alpha=0.1), 0.03, -90), tolerance=1)
    case("qdq_pad_slice", image, lambda m, x: m.qdq(m.call("Slice", m.call("Pad", m.qdq(m.call(
        "MaxPool", m.qdq(x, 0.03, 9), kernel_shape=[2, 2]), 0.03, 9), np.array([0, 0, 1, 0, 0, 0, 0, 2], np.int64)),
        np.array([1], np.int64), np.array([3], np.int64), np.array([1], np.int64)), 0.03, 9), tolerance=0)
    case("qdq_mean", image, lambda m, x: m.qdq(m.call("ReduceMean", m.qdq(m.call(
        "MaxPool", m.qdq(x, 0.03, 9), kernel_shape=[2, 2]), 0.03, 9), axes=[2, 3], keepdims=0), 0.02, -8), tolerance=1)

    def network(m, x):
        y = conv_q(m, m.qdq(x, 0.03, 5), 0.03, 3, 6, (3, 3), 0.02, -128, relu=True)
        y = conv_q(m, y, 0.02, 6, 6, (3, 3), 0.02, -128, relu=True, group=6, pads=[1, 1, 1, 1])
        y = m.qdq(m.call("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2]), 0.02, -128)
        w, w_scale = m.q_weights(m.weights(5, 54), 0)
        flat = m.qdq(m.call("Flatten", y), 0.02, -128)
        return m.qdq(m.call("Gemm", flat, w, m.q_bias(m.weights(5), 0.02 * w_scale), transB=1), 0.02)

    case("qdq_network", image, network, tolerance=2)

    def bytes_in_and_out(m, x):
        args = np.float32(0.03), np.array(120, np.uint8)
        conv_q(m, m.call("DequantizeLinear", x, *args), 0.03, 3, 4, (3, 3), 0.05, 100, dtype=np.uint8)
        # Without the last dequantization.
        return m.nodes.pop().input[0]

    case("uint8_in_and_out", image, bytes_in_and_out, tolerance=1, dtype=np.uint8)

    def qlinear(m, x):
        s = np.float32
        z = lambda n: np.array(n, np.int8)
        q = m.call("QuantizeLinear", x, s(0.03), z(5))
        w = m.weights(4, 3, 3, 3)
        ws = (np.abs(w).max(axis=(1, 2, 3)) / 127).astype(s)
        wq = np.rint(w / ws.reshape(-1, 1, 1, 1)).astype(np.int8)
        bias = np.rint(m.weights(4) / (0.03 * ws)).astype(np.int32)
        y = m.call("QLinearConv", q, s(0.03), z(5), wq, ws, np.zeros(4, np.int8), s(0.04), z(3), bias)
        y = m.call("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
        y = m.call("QLinearAdd", y, s(0.04), z(3), y, s(0.04), z(3), s(0.08), z(3), domain="com.microsoft")
        return m.call("DequantizeLinear", y, s(0.08), z(3))

    case("qoperator", image, qlinear, tolerance=1)

    def qgemm(m, x):
        s, z = np.float32, np.array(-4, np.int8)
        w = m.weights(5, 24)
        ws = (np.abs(w).max(axis=1) / 127).astype(s)
        bias = np.rint(m.weights(5) / (0.03 * ws)).astype(np.int32)
        y = m.call("QGemm", m.call("QuantizeLinear", x, s(0.03), z), s(0.03), z, np.rint(w / ws[:, None]).astype(np.int8), ws,
                   np.zeros(5, np.int8), bias, s(0.02), z, transB=1, domain="com.microsoft")
        return m.call("DequantizeLinear", y, s(0.02), z)

    case("qoperator_gemm", [1, 24], qgemm, tolerance=1)


if __name__ == "__main__":
    floats()
    quantized()
    print(len(list(ROOT.iterdir())), "cases")
