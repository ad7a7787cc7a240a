//! Streams for products of matrices, and of a matrix and a vector.

use super::pair;
use crate::lower::form::{Form, folded_bias, sums};
use crate::lower::product::Channel;
use tinderbox_runtime::kernels::armv7em::gemm::{EXACT, MORE, PAIR, SPARSE_COPIES, SPARSE_LOOP, SPARSE_STEP};
use tinderbox_runtime::kernels::armv7em::gemv::CHANNELS;
use tinderbox_runtime::kernels::armv7em::gemv_pairs::{PART, ROUND};

/// The odd channel's sum travels in the upper 24 bits of a word; the short form may add this much to it.
const LARGEST_ODD_SUM: i32 = (1 << 23) - (1 << 16);

/// An output channel and its weights.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) channel: &'a Channel,
    pub(super) weights: &'a [i8],
}

/// Which elements of a vector stand in each word; `None` fills the last word.
pub(super) type Words = Vec<[Option<usize>; 2]>;

/// Elements 0 and 2, then 1 and 3, of every four: the order in which bytes are widened fastest.
pub(super) fn quads(elements: usize) -> Words {
    (0..elements).step_by(4).flat_map(|i| [[Some(i), Some(i + 2)], [Some(i + 1), Some(i + 3)]]).collect()
}

/// Elements in their own order.
pub(super) fn natural(elements: impl Iterator<Item = usize>) -> Words {
    let elements: Vec<usize> = elements.collect();
    elements.chunks(2).map(|pair| [Some(pair[0]), pair.get(1).copied()]).collect()
}

/// The stream for [`gemm`](tinderbox_runtime::kernels::armv7em::gemm::gemm); `None` if a number is out of range.
pub(super) fn pairs(rows: &[Row<'_>], input_zero_point: i32, words: &Words) -> Option<Vec<u32>> {
    let mut stream = vec![];
    for (pair, channels) in rows.chunks(2).enumerate() {
        let forms = forms(channels, input_zero_point)?;
        stream.extend(starts(&forms));
        for word in words {
            stream.push(weight_word(channels, word)?);
        }
        stream.extend(ends(&forms, 2 * pair + 2 < rows.len()));
    }
    Some(stream)
}

/// The stream for [`gemm_int4`](tinderbox_runtime::kernels::armv7em::gemm::gemm_int4); `None` if a number is out of range.
pub(super) fn int4_pairs(rows: &[Row<'_>], input_zero_point: i32) -> Option<Vec<u32>> {
    let mut stream = vec![];
    for (pair, channels) in rows.chunks(2).enumerate() {
        let forms = forms(channels, input_zero_point)?;
        let start = forms[0].start;
        let odd = forms.get(1).map_or(0, |form| form.start);
        stream.extend([start as u32, odd.wrapping_mul(16).wrapping_add(start) as u32]);
        let byte = |i: usize| -> Option<u8> {
            let odd = channels.get(1).map_or(0, |row| row.weights[i]);
            let both = [channels[0].weights[i], odd];
            both.iter().all(|w| (-8..8).contains(w)).then(|| (16 * both[1] + (both[0] + 8)) as u8)
        };
        let weights = (0..channels[0].weights.len()).map(byte).collect::<Option<Vec<u8>>>()?;
        stream.extend(weights.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)));
        stream.extend(ends(&forms, 2 * pair + 2 < rows.len()));
    }
    Some(stream)
}

/// With a larger share of words left, leaving out the others does not pay.
const LARGEST_DENSITY: f64 = 0.8;

/// Words of weights that are not zero, each with its place.
type Kept = Vec<(usize, u32)>;

/// The stream for [`gemm_sparse`](tinderbox_runtime::kernels::armv7em::gemm::gemm_sparse) over words of two elements,
/// which stand at `place`; `None` if a number is out of range or too few words are zero.
pub(super) fn sparse_pairs(
    rows: &[Row<'_>],
    input_zero_point: i32,
    place: impl Fn(usize) -> usize,
) -> Option<Vec<u32>> {
    let mut stream = vec![];
    for (channels, kept, more) in kept(rows, place)? {
        let forms = forms(channels, input_zero_point)?;
        stream.push(match kept.len() - 1 {
            0 => SPARSE_LOOP,
            looped => looped.wrapping_neg() % SPARSE_COPIES * SPARSE_STEP,
        } as u32);
        stream.extend(starts(&forms));
        let mut at = 0;
        for (place, word) in kept {
            stream.extend([word, 8 * (place - at) as u32]);
            at = place;
        }
        *stream.last_mut()? |= 1;
        stream.extend(ends(&forms, more));
    }
    Some(stream)
}

/// The stream for [`gemv_wide`](tinderbox_runtime::kernels::armv7em::gemv_pairs::gemv_wide); `None` if a number is out of
/// range, or a vector is not whole fours.
pub(super) fn wide_pairs(rows: &[Row<'_>], input_zero_point: i32) -> Option<Vec<u32>> {
    if !rows[0].weights.len().is_multiple_of(4) {
        return None;
    }
    let mut stream = vec![];
    for (pair, channels) in rows.chunks(2).enumerate() {
        let forms = same_forms(channels, input_zero_point)?;
        stream.extend([forms[0].start as u32, forms.get(1).map_or(0, |form| form.start) as u32]);
        for element in (0..channels[0].weights.len()).step_by(4) {
            let byte = |row: usize, i: usize| channels.get(row).map_or(0, |row| row.weights[element + i] as u8);
            let word = |i: usize| u32::from_le_bytes([byte(0, i), byte(1, i), byte(0, i + 2), byte(1, i + 2)]);
            stream.extend([word(0), word(1)]);
        }
        stream.extend(ends(&forms, 2 * pair + 2 < rows.len()));
    }
    Some(stream)
}

/// The stream for [`gemv_sparse`](tinderbox_runtime::kernels::armv7em::gemv_pairs::gemv_sparse) over words of two
/// elements; `None` as above.
pub(super) fn sparse_rounds(rows: &[Row<'_>], input_zero_point: i32) -> Option<Vec<u32>> {
    let mut stream = vec![];
    for (channels, kept, more) in kept(rows, |i| i)? {
        let forms = forms(channels, input_zero_point)?;
        stream.extend(starts(&forms));
        let parts = kept.last().map_or(0, |(place, _)| place / PART) + 1;
        for part in 0..parts {
            let mut kept: Kept = kept.iter().filter(|(place, _)| place / PART == part).copied().collect();
            // A round that is not full meets the first word of the part with weights of zero.
            kept.resize(kept.len().next_multiple_of(ROUND).max(ROUND), (0, 0));
            stream.push((2 * (kept.len() / ROUND - 1) + usize::from(part + 1 == parts)) as u32);
            for round in kept.as_chunks::<ROUND>().0 {
                stream.push(u32::from_le_bytes(round.map(|(place, _)| (place % PART) as u8)));
                stream.extend(round.map(|(_, word)| word));
            }
        }
        stream.extend(ends(&forms, more));
    }
    Some(stream)
}

/// Per pair of rows the words that are not zero, one at least, by their places, and whether another pair follows; `None` if
/// a weight is out of range or too few words are zero.
fn kept<'r, 'a>(rows: &'r [Row<'a>], place: impl Fn(usize) -> usize) -> Option<Vec<(&'r [Row<'a>], Kept, bool)>> {
    let (mut pairs, mut all, mut left) = (vec![], 0, 0);
    for (pair, channels) in rows.chunks(2).enumerate() {
        let words = natural(0..channels[0].weights.len());
        let weights = words.iter().map(|word| weight_word(channels, word)).collect::<Option<Vec<u32>>>()?;
        let mut kept: Kept =
            weights.iter().enumerate().filter(|(_, word)| **word != 0).map(|(i, word)| (place(i), *word)).collect();
        (all, left) = (all + weights.len(), left + kept.len());
        kept.sort_unstable();
        if kept.is_empty() {
            kept.push((0, 0));
        }
        pairs.push((channels, kept, 2 * pair + 2 < rows.len()));
    }
    (left as f64 <= LARGEST_DENSITY * all as f64).then_some(pairs)
}

/// The stream for [`gemv`](tinderbox_runtime::kernels::armv7em::gemv::gemv) over as many channels as it takes; `None` if
/// a number is out of range.
pub(super) fn groups(rows: &[Row<'_>], input_zero_point: i32, words: &Words) -> Option<Vec<u32>> {
    let mut stream = vec![];
    for channels in rows.chunks_exact(CHANNELS) {
        let forms = forms(channels, input_zero_point)?;
        stream.push(forms[0].form);
        stream.extend(forms.chunks(2).flat_map(starts));
        for word in words {
            for pair in channels.chunks(2) {
                stream.push(weight_word(pair, word)?);
            }
        }
        stream.extend(forms.iter().flat_map(constants));
    }
    Some(stream)
}

/// How many words at the front of a stream serve `count` groups of channels.
pub(super) fn group_words(stream: &[u8], count: usize, words: usize) -> usize {
    let mut at = 0;
    for _ in 0..count {
        let form = u32::from_le_bytes(stream.as_chunks().0[at]);
        at += 1 + CHANNELS + CHANNELS / 2 * words + CHANNELS * if form & EXACT == 0 { 2 } else { 3 };
    }
    at
}

/// The requantizations of channels that take the same way, if odd ones' sums fit beside those of even ones.
fn forms(rows: &[Row<'_>], input_zero_point: i32) -> Option<Vec<Form>> {
    for odd in rows.iter().skip(1).step_by(2) {
        let sums = sums(folded_bias(odd.channel, input_zero_point, odd.weights)?, odd.weights)?;
        if *sums.start() <= -LARGEST_ODD_SUM || *sums.end() >= LARGEST_ODD_SUM {
            return None;
        }
    }
    same_forms(rows, input_zero_point)
}

/// The requantizations of channels that take the same way: short if it is exact for all of them.
fn same_forms(rows: &[Row<'_>], input_zero_point: i32) -> Option<Vec<Form>> {
    let all = |exact: bool| -> Option<Vec<Form>> {
        rows.iter().map(|row| Form::new(row.channel, input_zero_point, row.weights, exact)).collect()
    };
    let forms = all(false)?;
    if forms.iter().all(|form| form.form == forms[0].form) { Some(forms) } else { all(true) }
}

/// Where the sums of a pair, or of a single channel, start.
fn starts(forms: &[Form]) -> [u32; 2] {
    let odd = forms.get(1).map_or(0, |form| form.start.wrapping_mul(256));
    [forms[0].start as u32, odd.wrapping_add(forms[0].start) as u32]
}

/// What follows the weights of a pair, or of a single channel, which has a companion in name; whether `more` pairs follow.
fn ends(forms: &[Form], more: bool) -> Vec<u32> {
    let form = forms[0].form | if forms.len() == 2 { PAIR } else { 0 } | if more { MORE } else { 0 };
    let constants = [&forms[0], forms.get(1).unwrap_or(&forms[0])].into_iter().flat_map(constants);
    std::iter::once(form).chain(constants).collect()
}

fn constants(form: &Form) -> Vec<u32> {
    let count = if form.form & EXACT == 0 { 2 } else { 3 };
    form.constants[..count].iter().map(|n| *n as u32).collect()
}

/// Two elements' weights of a pair, or of a single channel.
fn weight_word(rows: &[Row<'_>], elements: &[Option<usize>; 2]) -> Option<u32> {
    let half = |element: &Option<usize>| {
        let Some(i) = *element else { return Some(0) };
        let odd = rows.get(1).map_or(0, |row| i32::from(row.weights[i]));
        i16::try_from(256 * odd + i32::from(rows[0].weights[i])).ok().map(i32::from)
    };
    Some(pair(half(&elements[0])?, half(&elements[1])?))
}
