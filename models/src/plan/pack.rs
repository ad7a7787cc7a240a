//! Offsets: blocks of memory placed so that what is in use at the same time does not overlap.

use super::Error;
use super::lifetime::{Block, InPlace, Layout, Part, Purpose, Time};
use std::collections::HashMap;
use std::ops::Range;

/// Rounds of local search per block and in all.
const ROUNDS_PER_BLOCK: usize = 60;
const MAX_ROUNDS: usize = 4000;
/// Forbidden intervals that all rounds look at.
const MAX_LOOKS: usize = 1 << 26;
/// Pairs of blocks that are in use at the same time: each takes about 100 bytes of the host's memory.
const MAX_CONFLICTS: usize = 1 << 21;

/// Forbidden values of one offset minus another: open intervals, ascending, disjoint.
type Forbidden = Vec<(isize, isize)>;

/// A placement of every block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Per block, the offset of its first byte.
    pub offsets: Vec<usize>,
    /// The end of the highest one.
    pub bytes: usize,
}

/// Places the blocks of `layout` from 0 up. Stops early when `bound` bytes are reached, which no packing can beat.
pub fn pack(layout: &Layout, bound: usize) -> Result<Packing, Error> {
    let problem = Problem::new(layout)?;
    let count = layout.blocks.len();
    let orders = initial_orders(layout).into_iter().map(|order| problem.place(order));
    let Some(mut current) = orders.min_by_key(|placed| placed.bytes) else {
        return Ok(Packing { offsets: vec![], bytes: 0 });
    };
    let mut random = fastrand::Rng::with_seed(1);
    let rounds = (count * ROUNDS_PER_BLOCK).min(MAX_ROUNDS).min(MAX_LOOKS / problem.looks());
    for _ in 0..rounds {
        if current.bytes <= bound {
            break;
        }
        let (from, to) = (random.usize(0..count), random.usize(0..count));
        let mut order = current.order.clone();
        if random.bool() {
            order.swap(from, to);
        } else {
            let moved = order.remove(from);
            order.insert(to, moved);
        }
        if let Some(placed) = problem.place_anew(&current, order, from.min(to)) {
            current = placed;
        }
    }
    let offsets = current.offsets.iter().map(|offset| offset.unwrap_or_default()).collect();
    Ok(Packing { offsets, bytes: current.bytes })
}

/// Big ones first, long-lived ones first, early ones first.
fn initial_orders(layout: &Layout) -> Vec<Vec<usize>> {
    let blocks = &layout.blocks;
    let duration = |b: &Block| b.parts.iter().flat_map(|p| &p.live).map(|live| live.len()).sum::<usize>();
    let start = |b: &Block| b.parts.iter().flat_map(|p| &p.live).map(|live| live.start).min();
    let sorted = |key: &dyn Fn(&Block) -> (usize, usize)| {
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|i| key(&blocks[*i]));
        order
    };
    vec![
        sorted(&|b| (usize::MAX - b.bytes, usize::MAX - duration(b))),
        sorted(&|b| (usize::MAX - b.bytes.saturating_mul(duration(b)), 0)),
        sorted(&|b| (start(b).unwrap_or(0) as usize, usize::MAX - b.bytes)),
    ]
}

struct Problem {
    /// Per block, what it conflicts with, and the forbidden values of its offset minus the other's.
    conflicts: Vec<Vec<(usize, Forbidden)>>,
    sizes: Vec<usize>,
    aligns: Vec<usize>,
}

impl Problem {
    fn new(layout: &Layout) -> Result<Self, Error> {
        let blocks = &layout.blocks;
        let mut pairs: HashMap<(Purpose, Purpose), Vec<InPlace>> = HashMap::new();
        for pair in &layout.in_place {
            pairs.entry((pair.input, pair.output)).or_default().push(*pair);
        }
        let none = vec![];
        let between = |a: &Block, b: &Block| pairs.get(&(a.purpose, b.purpose)).unwrap_or(&none);
        let mut conflicts = vec![vec![]; blocks.len()];
        for (i, j) in meetings(blocks)? {
            let (a, b) = (&blocks[i], &blocks[j]);
            let forbidden = forbidden(a, b, between(a, b), between(b, a));
            if !forbidden.is_empty() {
                let mirrored = forbidden.iter().rev().map(|(lo, hi)| (-hi, -lo)).collect();
                conflicts[i].push((j, forbidden));
                conflicts[j].push((i, mirrored));
            }
        }
        Ok(Self {
            conflicts,
            sizes: blocks.iter().map(|b| b.bytes).collect(),
            aligns: blocks.iter().map(|b| b.align.max(1)).collect(),
        })
    }

    /// Forbidden intervals that one packing looks at.
    fn looks(&self) -> usize {
        self.conflicts.iter().flatten().map(|(_, forbidden)| forbidden.len()).sum::<usize>().max(1)
    }

    /// Each block in turn as low as those before it allow.
    fn place(&self, order: Vec<usize>) -> Placed {
        let nowhere = Placed { offsets: vec![None; order.len()], heights: vec![], bytes: usize::MAX, order: vec![] };
        self.place_anew(&nowhere, order, 0).unwrap_or(nowhere)
    }

    /// Places blocks in an order that is that of `before` up to `first`; `None` if they take more bytes than there.
    fn place_anew(&self, before: &Placed, order: Vec<usize>, first: usize) -> Option<Placed> {
        let mut offsets = before.offsets.clone();
        order[first..].iter().for_each(|block| offsets[*block] = None);
        let mut heights = before.heights[..first].to_vec();
        let mut bytes = heights.last().copied().unwrap_or(0);
        let mut blocked: Forbidden = vec![];
        for &block in &order[first..] {
            blocked.clear();
            for (other, forbidden) in &self.conflicts[block] {
                if let Some(at) = offsets[*other] {
                    blocked.extend(forbidden.iter().map(|(lo, hi)| (lo + at as isize, hi + at as isize)));
                }
            }
            blocked.sort_unstable();
            let align = self.aligns[block];
            let mut offset = 0usize;
            for &(lo, hi) in &blocked {
                if lo < offset as isize && hi > offset as isize {
                    offset = (hi as usize).next_multiple_of(align);
                }
            }
            offsets[block] = Some(offset);
            bytes = bytes.max(offset + self.sizes[block]);
            if bytes > before.bytes {
                return None;
            }
            heights.push(bytes);
        }
        Some(Placed { order, offsets, heights, bytes })
    }
}

/// Blocks in the order in which they were placed.
struct Placed {
    order: Vec<usize>,
    /// Per block.
    offsets: Vec<Option<usize>>,
    /// Per place in the order, the end of the highest block so far.
    heights: Vec<usize>,
    bytes: usize,
}

/// The pairs of blocks, in the blocks' order, that may be in use at the same time: the one begins before the other ends.
fn meetings(blocks: &[Block]) -> Result<Vec<(usize, usize)>, Error> {
    let mut lives: Vec<(Range<Time>, usize)> = blocks.iter().enumerate().map(|(i, block)| (block.life(), i)).collect();
    lives.sort_by_key(|(life, _)| life.start);
    let (mut pairs, mut unfinished): (Vec<_>, Vec<(Range<Time>, usize)>) = (vec![], vec![]);
    for (life, i) in lives {
        unfinished.retain(|(other, _)| other.end > life.start);
        pairs.extend(unfinished.iter().map(|(_, j)| (i.min(*j), i.max(*j))));
        if pairs.len() > MAX_CONFLICTS {
            return Err(Error::TooLarge("more than 2,097,152 pairs of tensors are in use at the same time"));
        }
        unfinished.push((life, i));
    }
    Ok(pairs)
}

/// Forbidden values of `a`'s offset minus `b`'s. `a_to_b`: where rows of `b` may replace rows of `a`.
fn forbidden(a: &Block, b: &Block, a_to_b: &[InPlace], b_to_a: &[InPlace]) -> Forbidden {
    let mut all = vec![];
    for p in &a.parts {
        for q in &b.parts {
            let clash = overlap(&p.live, &q.live);
            if clash.is_empty() {
                continue;
            }
            // `a` at `x`, `b` at 0: the parts overlap for x in (low, high); they start together at `level`.
            let level = q.offset as isize - p.offset as isize;
            let (low, high) = (level - p.bytes as isize, level + q.bytes as isize);
            if replaces(&clash, a_to_b, p, q) {
                all.push((low, level)); // b must not start above a
            } else if replaces(&clash, b_to_a, q, p) {
                all.push((level, high));
            } else {
                all.push((low, high));
            }
        }
    }
    all.sort_unstable();
    let mut merged: Forbidden = vec![];
    for (lo, hi) in all {
        match merged.last_mut() {
            Some(last) if lo < last.1 => last.1 = last.1.max(hi),
            _ => merged.push((lo, hi)),
        }
    }
    merged
}

/// Whether `dying` and `born` meet only where the one's rows replace the other's.
fn replaces(clash: &[Range<u32>], pairs: &[InPlace], dying: &Part, born: &Part) -> bool {
    // All the rows of a part, and those rows if it has always the same.
    let same = |part: &Part, first: usize, rows: usize| part.rows == rows && part.row.is_none_or(|row| row == first);
    let allowed = |time: u32| match pairs.binary_search_by_key(&time, |pair| pair.time) {
        Ok(i) => same(dying, pairs[i].input_row, pairs[i].rows) && same(born, pairs[i].output_row, pairs[i].rows),
        Err(_) => false,
    };
    !pairs.is_empty() && clash.iter().all(|range| range.len() == 1 && allowed(range.start))
}

fn overlap(a: &[Range<u32>], b: &[Range<u32>]) -> Vec<Range<u32>> {
    let (mut i, mut j, mut both) = (0, 0, vec![]);
    while let (Some(p), Some(q)) = (a.get(i), b.get(j)) {
        let (start, end) = (p.start.max(q.start), p.end.min(q.end));
        if start < end {
            both.push(start..end);
        }
        if p.end < q.end {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}
