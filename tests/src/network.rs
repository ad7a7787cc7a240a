//! Random small int8 networks, as descriptions that proptest makes and shrinks. Every description is a network: what
//! does not fit (an image operator where there is no image, a window larger than the image) is left out or made to fit.

mod arithmetic;
mod assembly;
mod movement;
mod windows;

use assembly::MAX_SCALE;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tinderbox::graph::{Activation, Graph, Padding, Stride, Unary};

/// A network.
#[derive(Clone, Debug)]
pub struct Network {
    inputs: Vec<Input>,
    layers: Vec<Layer>,
    /// What the values of inputs are drawn from.
    values: u64,
}

/// An input of a network.
#[derive(Clone, Debug)]
struct Input {
    shape: Vec<usize>,
    /// Base 2 logarithm of the scale.
    scale: f32,
    zero_point: i32,
}

/// An operator, or a few that belong together.
#[derive(Clone, Debug)]
struct Layer {
    kind: Kind,
    /// Which of the tensors so far it reads: counted from the newest, round and round among those that it can read.
    reads: [usize; 2],
    /// Base 2 logarithm of the output's scale, less that with which the results just fill the output's range.
    scale: f32,
    zero_point: i32,
    /// Its output is an output of the network, even if another layer reads it.
    shown: bool,
    /// What weights and other constants are drawn from.
    seed: u64,
}

/// Numbers that must be below others are taken modulo those.
#[derive(Clone, Debug)]
enum Kind {
    Conv(Window, Weights),
    /// The output channels are the multiplier.
    Depthwise(Window, Weights),
    /// Over all elements, or over the last axis only.
    FullyConnected(Weights, Activation, Extent),
    AveragePool(Window),
    MaxPool(Window),
    Nearest {
        size: (usize, usize),
        align_corners: bool,
        half_pixel_centers: bool,
    },
    Arithmetic(Arithmetic, Activation, Operand),
    Prelu,
    Unary(Unary),
    Softmax {
        beta: f32,
    },
    /// The axes are bits.
    Mean {
        axes: usize,
        keep_dims: bool,
    },
    Requantize,
    Pad(Vec<(usize, usize)>),
    Concatenation {
        axis: usize,
    },
    Reshape,
    Transpose,
    Slice(Vec<Cut>),
    Split {
        axis: usize,
        at: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Extent {
    All,
    Last,
}

/// A window over an image.
#[derive(Clone, Debug)]
struct Window {
    size: (usize, usize),
    stride: Stride,
    dilation: Stride,
    padding: Padding,
    activation: Activation,
}

/// Weights of a product.
#[derive(Clone, Debug)]
struct Weights {
    out: usize,
    per_channel: bool,
    bias: bool,
    /// Every other output channel has weights of zero.
    silent: bool,
}

#[derive(Clone, Copy, Debug)]
enum Arithmetic {
    Add,
    Sub,
    Mul,
    Maximum,
    Minimum,
}

/// The second operand.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Tensor,
    /// A constant of so many of the other's innermost dimensions, which may stand first.
    Constant {
        dimensions: usize,
        first: bool,
    },
}

/// What is taken along an axis.
#[derive(Clone, Debug)]
struct Cut {
    begin: usize,
    size: usize,
    stride: isize,
    /// The axis goes if one element is taken.
    dropped: bool,
}

impl Network {
    /// The network itself, valid, and values for some inferences.
    pub fn build(&self) -> (Graph, Vec<Vec<Vec<u8>>>) {
        assembly::build(self)
    }
}

/// The random numbers of a seed.
pub fn rng(seed: u64) -> TestRng {
    TestRng::from_seed(RngAlgorithm::ChaCha, &seed.to_le_bytes().repeat(4))
}

/// The network of a seed, and values for some inferences.
pub fn random_network(seed: u64) -> (Graph, Vec<Vec<Vec<u8>>>) {
    let mut runner = TestRunner::new_with_rng(Config::default(), rng(seed));
    network().new_tree(&mut runner).expect("nothing is filtered").current().build()
}

/// Any network.
pub fn network() -> impl Strategy<Value = Network> {
    (vec(input(), 1..3), vec(layer(), 1..9), any::<u64>()).prop_map(|(inputs, layers, values)| Network {
        inputs,
        layers,
        values,
    })
}

fn input() -> impl Strategy<Value = Input> {
    let image = (1usize..12, 1usize..12, 1usize..9).prop_map(|(h, w, c)| vec![1, h, w, c]);
    let other = vec(1usize..10, 0..3).prop_map(|inner| [&[1], &inner[..]].concat());
    let shape = prop_oneof![6 => image, 1 => other];
    let scale = prop_oneof![8 => -8f32..0.0, 1 => -MAX_SCALE..MAX_SCALE];
    (shape, scale, zero_point()).prop_map(|(shape, scale, zero_point)| Input { shape, scale, zero_point })
}

fn layer() -> impl Strategy<Value = Layer> {
    let scale = prop_oneof![8 => -2f32..1.0, 1 => -17f32..17.0];
    // Mostly the newest tensor, so that networks are deep rather than wide.
    let reads = prop::array::uniform2(prop_oneof![2 => Just(0usize), 1 => 0usize..8]);
    let shown = prop::bool::weighted(0.1);
    (kind(), reads, scale, zero_point(), shown, any::<u64>())
        .prop_map(|(kind, reads, scale, zero_point, shown, seed)| Layer { kind, reads, scale, zero_point, shown, seed })
}

fn zero_point() -> impl Strategy<Value = i32> {
    prop_oneof![2 => -128i32..128, 1 => Just(0), 2 => Just(-128), 1 => Just(127)]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        12 => products(),
        4 => pools(),
        6 => elementwise(),
        5 => select(UNARY).prop_map(Kind::Unary),
        8 => movement(),
    ]
}

const UNARY: &[Unary] = &[
    Unary::Relu,
    Unary::Relu6,
    Unary::Logistic,
    Unary::Tanh,
    Unary::HardSwish,
    Unary::LeakyRelu { alpha: 0.1 },
    Unary::LeakyRelu { alpha: 2.5 },
];

fn products() -> impl Strategy<Value = Kind> {
    let weights = || {
        (1usize..10, any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.2))
            .prop_map(|(out, per_channel, bias, silent)| Weights { out, per_channel, bias, silent })
    };
    prop_oneof![
        3 => (window(), weights()).prop_map(|(window, weights)| Kind::Conv(window, weights)),
        3 => (window(), weights()).prop_map(|(window, weights)| Kind::Depthwise(window, weights)),
        2 => (weights(), activation(), select(vec![Extent::All, Extent::Last]))
            .prop_map(|(weights, activation, extent)| Kind::FullyConnected(weights, activation, extent)),
    ]
}

fn pools() -> impl Strategy<Value = Kind> {
    let nearest = ((1usize..12, 1usize..12), any::<bool>(), any::<bool>()).prop_map(
        |(size, align_corners, half_pixel_centers)| Kind::Nearest { size, align_corners, half_pixel_centers },
    );
    let mean = (1usize..16, any::<bool>()).prop_map(|(axes, keep_dims)| Kind::Mean { axes, keep_dims });
    prop_oneof![window().prop_map(Kind::AveragePool), window().prop_map(Kind::MaxPool), nearest, mean]
}

fn elementwise() -> impl Strategy<Value = Kind> {
    let kind =
        select(vec![Arithmetic::Add, Arithmetic::Sub, Arithmetic::Mul, Arithmetic::Maximum, Arithmetic::Minimum]);
    let constant = (0usize..5, any::<bool>()).prop_map(|(dimensions, first)| Operand::Constant { dimensions, first });
    let operand = prop_oneof![3 => Just(Operand::Tensor), 1 => constant];
    let arithmetic = (kind, activation(), operand)
        .prop_map(|(kind, activation, operand)| Kind::Arithmetic(kind, activation, operand));
    let softmax = select(vec![1.0, 0.5, 10.0]).prop_map(|beta| Kind::Softmax { beta });
    prop_oneof![6 => arithmetic, 1 => Just(Kind::Prelu), 1 => softmax, 1 => Just(Kind::Requantize)]
}

fn movement() -> impl Strategy<Value = Kind> {
    let cut = (0usize..12, 0usize..12, select(vec![1isize, 1, 2, 3, -1, -2]), any::<bool>())
        .prop_map(|(begin, size, stride, dropped)| Cut { begin, size, stride, dropped });
    prop_oneof![
        vec((0usize..3, 0usize..3), 4).prop_map(Kind::Pad),
        (0usize..4).prop_map(|axis| Kind::Concatenation { axis }),
        Just(Kind::Reshape),
        Just(Kind::Transpose),
        vec(cut, 4).prop_map(Kind::Slice),
        (0usize..4, 0usize..12).prop_map(|(axis, at)| Kind::Split { axis, at }),
    ]
}

fn window() -> impl Strategy<Value = Window> {
    let size = prop_oneof![1 => Just((1, 1)), 2 => Just((3, 3)), 3 => (1usize..6, 1usize..6)];
    let pair = |longest: usize| (1..longest, 1..longest).prop_map(|(h, w)| Stride { h, w });
    let dilation = prop_oneof![4 => Just(Stride { h: 1, w: 1 }), 1 => pair(4)];
    let padding = select(vec![Padding::Valid, Padding::Same]);
    (size, pair(4), dilation, padding, activation()).prop_map(|(size, stride, dilation, padding, activation)| Window {
        size,
        stride,
        dilation,
        padding,
        activation,
    })
}

fn activation() -> impl Strategy<Value = Activation> {
    select(vec![Activation::None, Activation::None, Activation::Relu, Activation::Relu6, Activation::ReluN1To1])
}
