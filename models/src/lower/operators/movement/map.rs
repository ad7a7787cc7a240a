//! Where the elements of a tensor come from, one output dimension at a time.

use crate::graph::Tensor;
use crate::lower::{View, rows_of};
use std::ops::Range;
use tinderbox_runtime::kernels::movement::{Dimension, OUTSIDE, Rearrange};

/// Per index of an output dimension, how many input elements it moves the source; `None` for the fill value.
pub(super) type Axis = Vec<Option<usize>>;

/// The source of output element \[i, j, ..\] is the sum of `axes[0][i]`, `axes[1][j]`, ...
pub(super) struct Map {
    axes: Vec<Axis>,
}

/// The map in bytes, cut into rows: what the kernel and the planner need.
pub(super) struct Plan {
    pub(super) input: View,
    pub(super) output: View,
    /// Input rows under each output row.
    pub(super) rows: Vec<Range<usize>>,
    pub(super) params: Vec<i32>,
    pub(super) tables: Vec<i32>,
}

impl Map {
    pub(super) fn new(axes: Vec<Axis>) -> Self {
        Self { axes: axes.into_iter().filter(|axis| *axis != [Some(0)]).collect() }
    }

    /// Whether all elements of an input of so many stay where they are.
    pub(super) fn moves_nothing(&self, elements: usize) -> bool {
        self.axes.iter().map(Vec::len).product::<usize>() == elements
            && sums(&self.axes).iter().enumerate().all(|(i, source)| *source == Some(i))
    }

    /// Cuts the map into rows and runs.
    pub(super) fn plan(&self, input: &Tensor, output: &Tensor) -> Plan {
        let element = input.dtype.bytes();
        let axes: Vec<Axis> = self.axes.iter().map(|axis| scaled(axis, element)).collect();
        let from = rows_of(input);
        let (outer, inner) = axes.split_at(outer_axes(&axes, rows_of(output).rows));
        let (rows, within) = (sums(outer), sums(inner));
        let to = View { rows: rows.len(), row_bytes: output.bytes() / rows.len().max(1) };
        let touched: Vec<Option<Range<usize>>> =
            rows.iter().map(|row| touched(*row, &within, element, from.row_bytes)).collect();
        // Runs grow as long as none of them crosses the border of an input row.
        let mut inner = inner.to_vec();
        let (mut run, mut base) = (element, 0);
        while let Some(last) = inner.last()
            && is_contiguous(last, run)
            && starts(&rows, &inner).all(|at| (base + at) % from.row_bytes + run * last.len() <= from.row_bytes)
        {
            run *= last.len();
            base += last[0].unwrap_or_default();
            inner.pop();
        }
        let (params, tables) = encode(merged(outer), merged(&inner), Rearrange { run: run as i32, base: base as i32 });
        Plan { input: from, output: to, rows: in_order(&touched), params, tables }
    }
}

fn scaled(axis: &Axis, by: usize) -> Axis {
    axis.iter().map(|offset| offset.map(|offset| offset * by)).collect()
}

/// How many axes make up the `rows` of the output, or the outermost one where they make no whole number.
fn outer_axes(axes: &[Axis], rows: usize) -> usize {
    let mut product = 1;
    let until = axes.iter().position(|axis| {
        product *= axis.len();
        product >= rows
    });
    match until {
        _ if rows <= 1 => 0,
        Some(last) if product == rows => last + 1,
        _ => usize::from(axes.len() > 1),
    }
}

/// The sum for every combination of indices.
fn sums(axes: &[Axis]) -> Axis {
    axes.iter().fold(vec![Some(0)], |sums, axis| {
        sums.iter().flat_map(|sum| axis.iter().map(move |offset| Some((*sum)? + (*offset)?))).collect()
    })
}

/// Where the runs start that take no place inside of `inner`'s last axis.
fn starts<'a>(rows: &'a Axis, inner: &[Axis]) -> impl Iterator<Item = usize> + use<'a> {
    let (last, before) = inner.split_last().map_or((Some(0), vec![Some(0)]), |(last, before)| (last[0], sums(before)));
    rows.iter().flat_map(move |row| {
        let row = *row;
        before.clone().into_iter().filter_map(move |sum| Some(row? + sum? + last?))
    })
}

fn is_contiguous(axis: &Axis, run: usize) -> bool {
    axis.windows(2).all(|pair| matches!(pair, [Some(a), Some(b)] if *b == a + run)) && axis[0].is_some()
}

/// Input rows that an output row takes elements from.
fn touched(row: Option<usize>, within: &Axis, element: usize, row_bytes: usize) -> Option<Range<usize>> {
    let sources = || within.iter().flatten().filter_map(|offset| Some(row? + offset));
    let (first, last) = (sources().min()?, sources().max()?);
    Some(first / row_bytes..(last + element - 1) / row_bytes + 1)
}

/// Ranges that start and end in non-decreasing order, each at least as large as the one given.
fn in_order(ranges: &[Option<Range<usize>>]) -> Vec<Range<usize>> {
    let mut end = 0;
    let mut ordered: Vec<Range<usize>> = ranges
        .iter()
        .map(|range| {
            end = range.as_ref().map_or(end, |range| range.end.max(end));
            range.as_ref().map_or(end, |range| range.start)..end
        })
        .collect();
    let mut start = usize::MAX;
    for range in ordered.iter_mut().rev() {
        start = start.min(range.start);
        range.start = start;
    }
    ordered
}

/// Neighbouring axes become one where they are evenly spaced together.
fn merged(axes: &[Axis]) -> Vec<Axis> {
    let mut merged: Vec<Axis> = vec![];
    for axis in axes {
        let joint = merged.last().map(|outer| sums(&[outer.clone(), axis.clone()])).filter(is_even);
        match (merged.last_mut(), joint) {
            (Some(outer), Some(joint)) => *outer = joint,
            _ => merged.push(axis.clone()),
        }
    }
    merged
}

/// The offset of the first index, and from one to the next, where they are evenly spaced.
fn even(axis: &Axis) -> Option<(i32, i32)> {
    let first = axis[0]? as i32;
    let step = axis.get(1).copied().map_or(Some(first), |second| second.map(|second| second as i32))? - first;
    let fits = |(i, offset): (usize, &Option<usize>)| *offset == usize::try_from(first + step * i as i32).ok();
    axis.iter().enumerate().all(fits).then_some((first, step))
}

fn is_even(axis: &Axis) -> bool {
    even(axis).is_some()
}

/// Scalars and tables of the kernel. There is one dimension at least within a row.
fn encode(outer: Vec<Axis>, mut inner: Vec<Axis>, mut scalars: Rearrange) -> (Vec<i32>, Vec<i32>) {
    if inner.is_empty() {
        inner.push(vec![Some(0)]);
    }
    let (mut dimensions, mut tables) = (vec![], vec![]);
    for axis in outer.into_iter().chain(inner) {
        let size = axis.len() as i32;
        let dimension = match even(&axis) {
            Some((first, step)) => {
                scalars.base += first;
                Dimension { size, step, table: -1 }
            }
            None => {
                let table = tables.len() as i32;
                tables.extend(axis.iter().map(|offset| offset.map_or(OUTSIDE, |offset| offset as i32)));
                Dimension { size, step: 0, table }
            }
        };
        dimensions.extend(dimension.words());
    }
    ([scalars.words().to_vec(), dimensions].concat(), tables)
}
