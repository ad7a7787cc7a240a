//! The `tinderbox` command.

fn main() {}
