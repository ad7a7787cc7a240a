//! Model files to [`crate::graph::Graph`].
