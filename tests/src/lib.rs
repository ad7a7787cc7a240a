//! What the tests share: networks made up at random.

pub mod layers;
