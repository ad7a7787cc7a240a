//! Labelled examples from NumPy files.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use tinderbox::graph::DType;
use tinderbox::run::npy::{self, Array};

/// Why examples cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file.
    #[error(transparent)]
    Npy(#[from] npy::Error),
    /// Its contents.
    #[error("{file}: {what}")]
    Wrong {
        /// The path.
        file: String,
        /// What is wrong with it.
        what: String,
    },
}

/// `x.npy,y.npy` on the command line.
#[derive(Clone, Debug)]
pub struct Pair(pub PathBuf, pub PathBuf);

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (x, y) = text.split_once(',').ok_or("give two files, X.npy,Y.npy: examples and their labels")?;
        Ok(Self(x.into(), y.into()))
    }
}

/// Inputs of a model as real numbers, an example per row.
#[derive(Clone, Debug)]
pub struct Inputs {
    array: Array,
    units: Units,
}

/// What the numbers in a file mean: `real = scale * (number - zero_point)`.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    /// Real units of one step.
    pub scale: f32,
    /// The number that stands for zero.
    pub zero_point: f32,
}

impl Inputs {
    /// An array (N, ...) of at least one example.
    pub fn new(array: Array, units: Units) -> Self {
        Self { array, units }
    }

    /// Reads (N, ...) of any type.
    pub fn read(path: &Path, units: Units) -> Result<Self, Error> {
        let array = npy::read(path)?;
        if array.shape.is_empty() || array.data.is_empty() {
            return Err(Error::Wrong { file: path.display().to_string(), what: "holds no examples".into() });
        }
        Ok(Self::new(array, units))
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.array.shape[0]
    }

    /// Never: reading refuses it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of an example.
    pub fn elements(&self) -> usize {
        self.array.shape[1..].iter().product()
    }

    /// The first so many examples.
    pub fn first(&self, count: usize) -> Self {
        self.select(&(0..count.min(self.len())).collect::<Vec<_>>())
    }

    fn select(&self, examples: &[usize]) -> Self {
        let mut shape = self.array.shape.clone();
        shape[0] = examples.len();
        let data = examples.iter().flat_map(|i| self.stored(*i)).copied().collect();
        Self { array: Array { shape, dtype: self.array.dtype, data }, units: self.units }
    }

    fn stored(&self, example: usize) -> &[u8] {
        let bytes = self.elements() * self.array.dtype.bytes();
        &self.array.data[example * bytes..][..bytes]
    }

    /// The examples with the given numbers, one after the other.
    pub fn take(&self, examples: impl IntoIterator<Item = usize>) -> Vec<f32> {
        let Units { scale, zero_point } = self.units;
        let rows = examples.into_iter().map(|i| self.stored(i));
        rows.flat_map(|row| numbers(self.array.dtype, row)).map(|x| (x - zero_point) * scale).collect()
    }
}

/// Inputs and the class of each.
#[derive(Clone, Debug)]
pub struct Examples {
    /// What the model sees.
    pub inputs: Inputs,
    /// What it should say.
    pub labels: Vec<usize>,
}

impl Examples {
    /// Reads both files.
    pub fn read(pair: &Pair, units: Units) -> Result<Self, Error> {
        let inputs = Inputs::read(&pair.0, units)?;
        let labels = classes(&pair.1, inputs.len())?;
        Ok(Self { inputs, labels })
    }

    /// Sets a share of the examples aside: the rest and those, both in their order. The seed decides which.
    pub fn split(&self, share: f64, seed: u64) -> (Self, Self) {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let mut rest = order.split_off((share * order.len() as f64).round() as usize);
        order.sort_unstable();
        rest.sort_unstable();
        (self.select(&rest), self.select(&order))
    }

    fn select(&self, examples: &[usize]) -> Self {
        let labels = examples.iter().map(|i| self.labels[*i]).collect();
        Self { inputs: self.inputs.select(examples), labels }
    }
}

/// Whole numbers from 0 on, one for each of so many examples: classes, or groups.
pub fn classes(path: &Path, examples: usize) -> Result<Vec<usize>, Error> {
    let wrong = |what: String| Error::Wrong { file: path.display().to_string(), what };
    let array = npy::read(path)?;
    if array.shape.iter().product::<usize>() != examples {
        return Err(wrong(format!("{:?} numbers for {examples} examples", array.shape)));
    }
    let class =
        |x: f32| if x >= 0.0 && x.fract() == 0.0 { Ok(x as usize) } else { Err(wrong(format!("{x} is no class"))) };
    numbers(array.dtype, &array.data).into_iter().map(class).collect()
}

pub(crate) fn numbers(dtype: DType, data: &[u8]) -> Vec<f32> {
    match dtype {
        DType::F32 => data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        DType::I8 => data.iter().map(|byte| f32::from(*byte as i8)).collect(),
        DType::U8 | DType::Bool => data.iter().map(|byte| f32::from(*byte)).collect(),
        DType::I16 => data.as_chunks().0.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes))).collect(),
        DType::I32 => data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes) as f32).collect(),
        DType::I64 => data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f32).collect(),
    }
}
