//! The inner part of 3x3 convolutions by Winograd's F(4, 3) along rows: four neighbouring outputs from six
//! multiplications per kernel row instead of twelve, without rounding (Winograd 1980; Lavin and Gray 2015).
//!
//! A tile is four outputs of a row; its six input columns `d` and three weights `g` of a kernel row are transformed,
//! multiplied, and transformed back. With the weights' transform scaled by 24 all numbers are integers:
//!
//! ```text
//! slot   input                  weights               outputs, times 24
//! 0      -4d1 - 4d2 + d3 + d4   -4g0 - 4g1 - 4g2      y0 = m4 + m0 + m1 + m2 + m3
//! 1       4d1 - 4d2 - d3 + d4   -4g0 + 4g1 - 4g2      y1 = m0 - m1 + 2 (m2 - m3)
//! 2      -2d1 - d2 + 2d3 + d4     g0 + 2g1 + 4g2      y2 = m0 + m1 + 4 (m2 + m3)
//! 3       2d1 - d2 - 2d3 + d4     g0 - 2g1 + 4g2      y3 = m0 - m1 + 8 (m2 - m3) + m5
//! 4       4d0 - 5d2 + d4        6g0
//! 5       4d1 - 5d3 + d5        24g2
//! ```
//!
//! Inputs and weights fit int16. Products are summed modulo 2^32; only `24 y` itself must fit, which the compiler checks.
//! Dividing by 24 is exact: by 3 through its inverse modulo 2^32, by 8 through a shift.
//!
//! A block holds four tiles: per slot, kernel row and pair of channels a word of each tile; pairs are channels (0, 2) and
//! (1, 3) of every four. Weights are streamed for two output channels at a time:
//!
//! | words | meaning |
//! |---|---|
//! | 1 | form of the requantization: [`SHORT`], [`EXACT`] or [`CLAMPED`] |
//! | 2 | start of both sums, times 24 |
//! | 6 | constants of both channels: `m, z, 0` (short) or `m, c, n` |
//! | per slot, kernel row and pair of channels 2 | weights of both output channels |

#[cfg(doc)]
use super::gemm::{CLAMPED, EXACT, SHORT};

/// Slots of a tile.
pub const SLOTS: usize = 6;
/// Tiles of a block.
pub const TILES: usize = 4;
/// Outputs of a tile.
pub const OUTPUTS: usize = 4;
/// Input columns of a tile.
pub const COLUMNS: usize = 6;

/// The transformed input of a tile's six columns.
pub const INPUT: [[i32; COLUMNS]; SLOTS] = [
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [4, 0, -5, 0, 1, 0],
    [0, 4, 0, -5, 0, 1],
];

/// The transformed weights of a kernel row, times 24.
pub const WEIGHTS: [[i32; 3]; SLOTS] = [[-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [6, 0, 0], [0, 0, 24]];

/// What transforming one input row of neighbouring tiles needs to know.
#[repr(C)]
pub struct Transform {
    /// First channel of the first tile's first column.
    pub from: *const u8,
    /// Bytes from one column to the next: the channels.
    pub step: usize,
    /// The first tile's word of the first slot and pair of channels.
    pub to: *mut u32,
    /// Bytes from one slot to the next.
    pub slot: usize,
    /// Channels, a multiple of 4.
    pub channels: usize,
    /// Tiles, at least 1; the next begins four columns on.
    pub tiles: usize,
}

/// Transforms one row of tiles.
///
/// # Safety
/// `from` is aligned to 4 and holds the tiles' columns; `to` is a tile's word in a block of this shape, with places for all.
#[inline]
pub unsafe fn transform(t: &Transform) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::transform(t)
    }
    #[cfg(not(tbx_dsp))]
    for tile in 0..t.tiles {
        for pair in 0..t.channels / 2 {
            let first = 4 * (pair / 2) + pair % 2;
            for (slot, factors) in INPUT.iter().enumerate() {
                let value = |channel: usize| {
                    let term = |(column, factor): (usize, &i32)| {
                        // SAFETY: by this function's contract.
                        let d = unsafe { t.from.add((OUTPUTS * tile + column) * t.step + channel).read() };
                        factor * i32::from(d as i8)
                    };
                    u32::from(factors.iter().enumerate().map(term).sum::<i32>() as i16 as u16)
                };
                let word = value(first) | value(first + 2) << 16;
                // SAFETY: by this function's contract.
                unsafe { t.to.byte_add(slot * t.slot).add(TILES * pair + tile).write(word) };
            }
        }
    }
}

/// What taking rows from the tiles above needs to know.
#[repr(C)]
pub struct MoveUp {
    /// Word of the first tile to take from, in the first row of the first slot.
    pub from: *const u32,
    /// Word of the first tile to write.
    pub to: *mut u32,
    /// Tiles: 1, 2 or 4.
    pub tiles: usize,
    /// Channels, a multiple of 4.
    pub channels: usize,
}

/// Copies second and third rows of tiles to first and second rows of other tiles, or of the same.
///
/// # Safety
/// `from` and `to` lie in a block for this many channels, with places behind them for all tiles.
#[inline]
pub unsafe fn move_up(m: &MoveUp) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::move_up(m)
    }
    #[cfg(not(tbx_dsp))]
    for slot in 0..SLOTS {
        let words = TILES * m.channels / 2;
        for group in (0..2 * words).step_by(TILES).map(|word| 3 * words * slot + word) {
            // SAFETY: by this function's contract.
            unsafe { m.to.add(group).copy_from(m.from.add(words + group), m.tiles) };
        }
    }
}

/// What multiplying a block needs to know.
#[repr(C)]
pub struct Winograd {
    /// The block.
    pub x: *const u32,
    /// Weights and constants.
    pub stream: *const u32,
    /// Per output of a tile, the place of its first channel for each tile.
    pub out: *const [[*mut i8; TILES]; OUTPUTS],
    /// Pairs of output channels.
    pub pairs: usize,
    /// Bytes of a slot: 16 for every kernel row and pair of input channels; a multiple of 96.
    pub slot: usize,
    /// Bounds of the clamped form.
    pub min: i32,
    /// See `min`.
    pub max: i32,
}

/// Multiplies a block, transforms back, requantizes and stores.
///
/// # Safety
/// `x` holds six slots; `stream` what the module describes; at every place in `out` is room for all channels.
#[inline]
pub unsafe fn winograd(w: &Winograd) {
    #[cfg(tbx_dsp)]
    // SAFETY: by this function's contract.
    unsafe {
        arm::winograd(w)
    }
    #[cfg(not(tbx_dsp))]
    // SAFETY: by this function's contract.
    unsafe {
        twin(w)
    }
}

/// The same in plain Rust.
#[cfg(not(tbx_dsp))]
unsafe fn twin(w: &Winograd) {
    use super::gemm::{requantize, smlad};
    /// The inverse of 3 modulo 2^32.
    const THIRD: i32 = 0xaaaa_aaab_u32 as i32;
    let words = w.slot / 16;
    for pair in 0..w.pairs {
        // SAFETY: the caller's promise about `stream`; below, about `x` and `out`.
        let word = |i: usize| unsafe { w.stream.add(pair * (9 + 2 * SLOTS * words) + i).read() };
        for channel in 0..2 {
            let constants = std::array::from_fn(|i| word(3 + 3 * channel + i) as i32);
            for tile in 0..TILES {
                let m: [i32; SLOTS] = std::array::from_fn(|slot| {
                    let products = (0..words).map(|k| (word(9 + 2 * (slot * words + k) + channel), slot * words + k));
                    products.fold(0, |sum, (weight, k)| {
                        // SAFETY: see above.
                        let x = unsafe { w.x.add(TILES * k + tile).read() };
                        smlad(weight, x, sum)
                    })
                });
                let start = word(1 + channel) as i32;
                let (s12, d12) =
                    (start.wrapping_add(m[0]).wrapping_add(m[1]), start.wrapping_add(m[0]).wrapping_sub(m[1]));
                let (s34, d34) = (m[2].wrapping_add(m[3]), m[2].wrapping_sub(m[3]));
                let sums = [
                    s12.wrapping_add(s34).wrapping_add(m[4]),
                    d12.wrapping_add(d34.wrapping_mul(2)),
                    s12.wrapping_add(s34.wrapping_mul(4)),
                    d12.wrapping_add(d34.wrapping_mul(8)).wrapping_add(m[5]),
                ];
                for (output, sum) in sums.iter().enumerate() {
                    let q = requantize(word(0), constants, sum.wrapping_mul(THIRD) >> 3, w.min, w.max);
                    // SAFETY: see above.
                    unsafe { (&(*w.out))[output][tile].add(2 * pair + channel).write(q) };
                }
            }
        }
    }
}

#[cfg(tbx_dsp)]
mod arm {
    use super::{MoveUp, Transform, Winograd};
    use core::arch::global_asm;

    global_asm!(
        r#"
        .syntax unified

        @ r0 first column, r1 step, r2 slots 0 to 2, r3 slots 3 to 5, r4 slot; r5-r10 the columns of two channels.
        .macro TBX_WINO_TRANSFORM half
            ldr r5, [r0]
            ldr r6, [r0, r1]
            ldr r7, [r0, r1, lsl #1]
            add r11, r0, r1
            add r11, r11, r1, lsl #1
            ldr r8, [r11]
            ldr r9, [r11, r1]
            ldr r10, [r11, r1, lsl #1]
            sxtb16 r5, r5, ror #\half
            sxtb16 r6, r6, ror #\half
            sxtb16 r7, r7, ror #\half
            sxtb16 r8, r8, ror #\half
            sxtb16 r9, r9, ror #\half
            sxtb16 r10, r10, ror #\half
            ssub16 r11, r9, r7          @ d4 - d2
            ssub16 r5, r5, r7           @ 4 (d0 - d2) + (d4 - d2)
            sadd16 r5, r5, r5
            sadd16 r5, r5, r5
            sadd16 r5, r5, r11
            str r5, [r3, r4]
            sadd16 r7, r7, r7           @ d4 - 4d2
            sadd16 r7, r7, r7
            ssub16 r9, r9, r7
            ssub16 r12, r8, r6          @ d3 - d1
            ssub16 r10, r10, r8         @ d5 - d3
            sadd16 r6, r6, r6           @ d3 - 4d1
            sadd16 r6, r6, r6
            ssub16 r8, r8, r6
            sadd16 r5, r9, r8
            str r5, [r2]
            ssub16 r9, r9, r8
            str r9, [r2, r4]
            sadd16 r12, r12, r12        @ 2 (d3 - d1)
            sadd16 r5, r11, r12
            str r5, [r2, r4, lsl #1]
            ssub16 r11, r11, r12
            str r11, [r3]
            sadd16 r12, r12, r12
            ssub16 r10, r10, r12
            str r10, [r3, r4, lsl #1]
            adds r2, r2, #16
            adds r3, r3, #16
        .endm

        .section .text.tbx_armv7em_winograd_transform, "ax", %progbits
        .balign 4
        .global tbx_armv7em_winograd_transform
        .type tbx_armv7em_winograd_transform, %function
        .thumb_func
        tbx_armv7em_winograd_transform:
            push {{r4-r11, lr}}
            sub sp, sp, #16
            ldmia r0, {{r0, r1, r2, r4, r5, r6}}
            strd r5, r6, [sp, #8]       @ channels, tiles
        1:  ldr lr, [sp, #8]
            strd r0, r2, [sp]
            add r3, r2, r4
            add r3, r3, r4, lsl #1
        2:  TBX_WINO_TRANSFORM 0
            TBX_WINO_TRANSFORM 8
            adds r0, r0, #4
            subs lr, lr, #4
            bne 2b
            ldrd r0, r2, [sp]
            ldr r3, [sp, #12]
            add r0, r0, r1, lsl #2
            adds r2, r2, #4
            subs r3, r3, #1
            str r3, [sp, #12]
            bne 1b
            add sp, sp, #16
            pop {{r4-r11, pc}}
        .size tbx_armv7em_winograd_transform, . - tbx_armv7em_winograd_transform

        @ All rows to move, by one load and store for every 16 bytes; r0 and r1 go on by as many.
        .macro TBX_WINO_MOVE load, store
        3:  mov r2, r9
        4:
        .rept 4
            \load
            \store
        .endr
            subs r2, r2, #64
            bne 4b
            add r0, r0, r8
            add r1, r1, r8
            subs r3, r3, #1
            bne 3b
            pop {{r4-r9, pc}}
        .endm

        .section .text.tbx_armv7em_winograd_move_up, "ax", %progbits
        .balign 4
        .global tbx_armv7em_winograd_move_up
        .type tbx_armv7em_winograd_move_up, %function
        .thumb_func
        tbx_armv7em_winograd_move_up:
            push {{r4-r9, lr}}
            ldmia r0, {{r0, r1, r2, r8}}
            lsls r8, r8, #3             @ bytes of a slot's row: a multiple of 32
            lsls r9, r8, #1
            add r0, r0, r8
            movs r3, #6                 @ slots
            cmp r2, #2
            beq 2f
            blo 1f
            TBX_WINO_MOVE "ldmia r0!, {{r4-r7}}", "stmia r1!, {{r4-r7}}"
        2:  TBX_WINO_MOVE "ldrd r4, r5, [r0], #16", "strd r4, r5, [r1], #16"
        1:  TBX_WINO_MOVE "ldr r4, [r0], #16", "str r4, [r1], #16"
        .size tbx_armv7em_winograd_move_up, . - tbx_armv7em_winograd_move_up

        @ r0 weights, r1 block, r2 r3 words of tiles, r4 r5 weights; sums of the first channel r6-r9, of the second
        @ r10-r12 and lr.
        .set TBX_WINO_P, 0          @ after slots 0, 1: sum 0 - sum 1; then the start of y3
        .set TBX_WINO_Q, 32         @ after slots 2, 3: their difference
        .set TBX_WINO_S, 64         @ after slots 0, 1: their sum; then y2
        .set TBX_WINO_X, 96         @ the block, while r1 is needed
        .set TBX_WINO_SLOT_END, 100
        .set TBX_WINO_SLOT, 104
        .set TBX_WINO_RETURN, 108
        .set TBX_WINO_CONSTANTS, 112
        .set TBX_WINO_FORM, 116
        .set TBX_WINO_CHANNEL, 120
        .set TBX_WINO_PAIRS, 124
        .set TBX_WINO_OUT, 128
        .set TBX_WINO_BLOCK, 132
        .set TBX_WINO_MIN, 136
        .set TBX_WINO_MAX, 140
        .set TBX_WINO_PLACES, 144
        .set TBX_WINO_FRAME, 148

        .macro TBX_WINO_STEP
            ldrd r4, r5, [r0], #8
            ldr r2, [r1], #4
            ldr r3, [r1], #4
            smlad r6, r4, r2, r6
            smlad r7, r4, r3, r7
            smlad r10, r5, r2, r10
            smlad r11, r5, r3, r11
            ldrd r2, r3, [r1], #8
            smlad r8, r4, r2, r8
            smlad r9, r4, r3, r9
            smlad r12, r5, r2, r12
            smlad lr, r5, r3, lr
        .endm

        @ The products of one slot, added to the sums; every register that could hold a return address is in use.
        .macro TBX_WINO_MULTIPLY
            adr.w r4, 8f + 1
            str r4, [sp, #TBX_WINO_RETURN]
            b.w tbx_armv7em_winograd_slot
        8:
        .endm

        @ Half of: difference = 2 * first - sum, kept at `place`.
        .macro TBX_WINO_DIFFERENCE place, s0, s1, s2, s3
            add r1, sp, #\place
            ldmia r1, {{r2, r3, r4, r5}}
            rsb r2, \s0, r2, lsl #1
            rsb r3, \s1, r3, lsl #1
            rsb r4, \s2, r4, lsl #1
            rsb r5, \s3, r5, lsl #1
            stmia r1, {{r2, r3, r4, r5}}
        .endm

        @ Half of: y2 = S + 4 s kept in S, s = S + s.
        .macro TBX_WINO_JOIN_SUMS place, s0, s1, s2, s3
            add r1, sp, #\place
            ldmia r1, {{r2, r3, r4, r5}}
            add r2, r2, \s0
            add r3, r3, \s1
            add r4, r4, \s2
            add r5, r5, \s3
            add \s0, \s0, \s0, lsl #1   @ S + 4 s = (S + s) + 3 s
            add \s1, \s1, \s1, lsl #1
            add \s2, \s2, \s2, lsl #1
            add \s3, \s3, \s3, lsl #1
            add \s0, \s0, r2
            add \s1, \s1, r3
            add \s2, \s2, r4
            add \s3, \s3, r5
            stmia r1, {{\s0, \s1, \s2, \s3}}
            mov \s0, r2
            mov \s1, r3
            mov \s2, r4
            mov \s3, r5
        .endm

        @ Half of: y3 starts at P + 8 Q, kept in P; y1 = P + 2 Q.
        .macro TBX_WINO_JOIN_DIFFERENCES half, s0, s1, s2, s3
            add r1, sp, #(TBX_WINO_P + \half)
            ldmia r1, {{r2, r3, r4, r5}}
            add r1, sp, #(TBX_WINO_Q + \half)
            ldmia r1, {{\s0, \s1, \s2, \s3}}
            add r1, r2, \s0, lsl #3
            str r1, [sp, #(TBX_WINO_P + \half)]
            add r1, r3, \s1, lsl #3
            str r1, [sp, #(TBX_WINO_P + \half + 4)]
            add r1, r4, \s2, lsl #3
            str r1, [sp, #(TBX_WINO_P + \half + 8)]
            add r1, r5, \s3, lsl #3
            str r1, [sp, #(TBX_WINO_P + \half + 12)]
            add \s0, r2, \s0, lsl #1
            add \s1, r3, \s1, lsl #1
            add \s2, r4, \s2, lsl #1
            add \s3, r5, \s3, lsl #1
        .endm

        .macro TBX_WINO_EXACT sum, clamped
            asr \sum, \sum, #2          @ twice the sum
            smmlar r5, \sum, r2, r3
            add r5, r5, \sum, asr #31
            asr \sum, r5, r4
        .if \clamped
            ldr r5, [sp, #TBX_WINO_MIN]
            cmp \sum, r5
            it lt
            movlt \sum, r5
            ldr r5, [sp, #TBX_WINO_MAX]
            cmp \sum, r5
            it gt
            movgt \sum, r5
        .else
            ssat \sum, #8, \sum
        .endif
        .endm

        .macro TBX_WINO_EXACT_ALL clamped
            ldmia r1!, {{r2, r3, r4}}
            TBX_WINO_EXACT r6, \clamped
            TBX_WINO_EXACT r7, \clamped
            TBX_WINO_EXACT r8, \clamped
            TBX_WINO_EXACT r9, \clamped
            ldmia r1!, {{r2, r3, r4}}
            TBX_WINO_EXACT r10, \clamped
            TBX_WINO_EXACT r11, \clamped
            TBX_WINO_EXACT r12, \clamped
            TBX_WINO_EXACT lr, \clamped
        .endm

        .macro TBX_WINO_SHORT s0, s1, s2, s3
            ldmia r1!, {{r2, r3, r4}}
            asr \s0, \s0, #3
            asr \s1, \s1, #3
            asr \s2, \s2, #3
            asr \s3, \s3, #3
            smmla \s0, \s0, r2, r3
            smmla \s1, \s1, r2, r3
            smmla \s2, \s2, r2, r3
            smmla \s3, \s3, r2, r3
            ssat \s0, #8, \s0
            ssat \s1, #8, \s1
            ssat \s2, #8, \s2
            ssat \s3, #8, \s3
        .endm

        .macro TBX_WINO_STORE place, s, t
            add \place, \place, r1
            strb \s, [\place]
            strb \t, [\place, #1]
        .endm

        .section .text.tbx_armv7em_winograd, "ax", %progbits
        .balign 4
        .type tbx_armv7em_winograd_slot, %function
        .thumb_func
        tbx_armv7em_winograd_slot:
        .rept 6
            TBX_WINO_STEP
        .endr
            ldr r4, [sp, #TBX_WINO_SLOT_END]
            cmp r1, r4
            bne tbx_armv7em_winograd_slot
            ldr r5, [sp, #TBX_WINO_SLOT]
            add r4, r4, r5
            str r4, [sp, #TBX_WINO_SLOT_END]
            ldr pc, [sp, #TBX_WINO_RETURN]

        @ Divides the sums by 24, requantizes and stores them; r2 is which of the four outputs they are, times 16.
        .type tbx_armv7em_winograd_finish, %function
        .thumb_func
        tbx_armv7em_winograd_finish:
            ldr r3, [sp, #TBX_WINO_OUT]
            add r2, r2, r3
            str r2, [sp, #TBX_WINO_PLACES]
            movw r5, #0xaaab            @ the inverse of 3
            movt r5, #0xaaaa
            mul r6, r6, r5
            mul r7, r7, r5
            mul r8, r8, r5
            mul r9, r9, r5
            mul r10, r10, r5
            mul r11, r11, r5
            mul r12, r12, r5
            mul lr, lr, r5
            ldr r1, [sp, #TBX_WINO_CONSTANTS]
            ldr r2, [sp, #TBX_WINO_FORM]
            cmp r2, #1
            beq 1f
            bhi 2f
            TBX_WINO_SHORT r6, r7, r8, r9
            TBX_WINO_SHORT r10, r11, r12, lr
            b 3f
        1:  TBX_WINO_EXACT_ALL 0
            b 3f
        2:  TBX_WINO_EXACT_ALL 1
        3:  ldr r1, [sp, #TBX_WINO_PLACES]
            ldmia r1, {{r2, r3, r4, r5}}
            ldr r1, [sp, #TBX_WINO_CHANNEL]
            TBX_WINO_STORE r2, r6, r10
            TBX_WINO_STORE r3, r7, r11
            TBX_WINO_STORE r4, r8, r12
            TBX_WINO_STORE r5, r9, lr
            ldr pc, [sp, #TBX_WINO_RETURN]

        .macro TBX_WINO_FINISH output
            adr.w r4, 8f + 1
            str r4, [sp, #TBX_WINO_RETURN]
            movs r2, #(16 * \output)
            b.w tbx_armv7em_winograd_finish
        8:
        .endm

        .global tbx_armv7em_winograd
        .type tbx_armv7em_winograd, %function
        .thumb_func
        tbx_armv7em_winograd:
            push {{r4-r11, lr}}
            sub sp, sp, #TBX_WINO_FRAME
            ldmia r0, {{r1-r7}}         @ x, stream, out, pairs, slot, min, max
            str r1, [sp, #TBX_WINO_BLOCK]
            str r3, [sp, #TBX_WINO_OUT]
            str r4, [sp, #TBX_WINO_PAIRS]
            str r5, [sp, #TBX_WINO_SLOT]
            str r6, [sp, #TBX_WINO_MIN]
            str r7, [sp, #TBX_WINO_MAX]
            movs r4, #0
            str r4, [sp, #TBX_WINO_CHANNEL]
            mov r0, r2
        1:  ldmia r0!, {{r2, r6, r10}}  @ form, starts
            str r2, [sp, #TBX_WINO_FORM]
            str r0, [sp, #TBX_WINO_CONSTANTS]
            adds r0, r0, #24
            ldr r1, [sp, #TBX_WINO_BLOCK]
            ldr r2, [sp, #TBX_WINO_SLOT]
            add r2, r2, r1
            str r2, [sp, #TBX_WINO_SLOT_END]
            mov r7, r6
            mov r8, r6
            mov r9, r6
            mov r11, r10
            mov r12, r10
            mov lr, r10
            TBX_WINO_MULTIPLY           @ slot 0
            add r2, sp, #TBX_WINO_P
            stmia r2, {{r6-r12, lr}}
            TBX_WINO_MULTIPLY           @ slot 1, on top
            str r1, [sp, #TBX_WINO_X]
            TBX_WINO_DIFFERENCE TBX_WINO_P, r6, r7, r8, r9
            TBX_WINO_DIFFERENCE (TBX_WINO_P + 16), r10, r11, r12, lr
            add r2, sp, #TBX_WINO_S
            stmia r2, {{r6-r12, lr}}
            ldr r1, [sp, #TBX_WINO_X]
            movs r6, #0
            movs r7, #0
            mov r8, r6
            mov r9, r6
            mov r10, r6
            mov r11, r6
            mov r12, r6
            mov lr, r6
            TBX_WINO_MULTIPLY           @ slot 2
            add r2, sp, #TBX_WINO_Q
            stmia r2, {{r6-r12, lr}}
            TBX_WINO_MULTIPLY           @ slot 3, on top
            str r1, [sp, #TBX_WINO_X]
            TBX_WINO_DIFFERENCE TBX_WINO_Q, r6, r7, r8, r9
            TBX_WINO_DIFFERENCE (TBX_WINO_Q + 16), r10, r11, r12, lr
            TBX_WINO_JOIN_SUMS TBX_WINO_S, r6, r7, r8, r9
            TBX_WINO_JOIN_SUMS (TBX_WINO_S + 16), r10, r11, r12, lr
            ldr r1, [sp, #TBX_WINO_X]
            TBX_WINO_MULTIPLY           @ slot 4: y0
            str r1, [sp, #TBX_WINO_X]
            TBX_WINO_FINISH 0
            TBX_WINO_JOIN_DIFFERENCES 0, r6, r7, r8, r9
            TBX_WINO_JOIN_DIFFERENCES 16, r10, r11, r12, lr
            TBX_WINO_FINISH 1
            add r1, sp, #TBX_WINO_S
            ldmia r1, {{r6-r12, lr}}
            TBX_WINO_FINISH 2
            add r1, sp, #TBX_WINO_P
            ldmia r1, {{r6-r12, lr}}
            ldr r1, [sp, #TBX_WINO_X]
            TBX_WINO_MULTIPLY           @ slot 5: y3
            TBX_WINO_FINISH 3
            ldr r2, [sp, #TBX_WINO_CHANNEL]
            ldr r3, [sp, #TBX_WINO_PAIRS]
            adds r2, r2, #2
            str r2, [sp, #TBX_WINO_CHANNEL]
            subs r3, r3, #1
            str r3, [sp, #TBX_WINO_PAIRS]
            bne.w 1b
            add sp, sp, #TBX_WINO_FRAME
            pop {{r4-r11, pc}}
        .size tbx_armv7em_winograd, . - tbx_armv7em_winograd
        .text
        "#
    );

    unsafe extern "C" {
        #[link_name = "tbx_armv7em_winograd_transform"]
        pub(super) fn transform(transform: &Transform);
        #[link_name = "tbx_armv7em_winograd_move_up"]
        pub(super) fn move_up(work: &MoveUp);
        #[link_name = "tbx_armv7em_winograd"]
        pub(super) fn winograd(winograd: &Winograd);
    }
}
