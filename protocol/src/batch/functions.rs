//! The hash functions with blocks of sixteen words of 32 bits, a message in each lane.

use fearless_simd::prelude::*;
use fearless_simd::{Simd, u32x16};

use super::Words;

/// Sixteen words of a message's block, each for all lanes.
pub(super) type Block = [Words; 16];

pub(super) trait Function {
    /// The state before the first block: as many words as a digest has.
    const START: &'static [u32];
    const IS_BIG_ENDIAN: bool;

    /// Takes in a block of each lane.
    fn compress<S: Simd>(simd: S, state: &mut [Words], block: &Block);
}

#[inline(always)]
fn load<S: Simd, const N: usize>(simd: S, rows: &[Words]) -> [u32x16<S>; N] {
    let mut words = [u32x16::splat(simd, 0); N];
    for (word, row) in words.iter_mut().zip(rows) {
        *word = u32x16::from_slice(simd, row);
    }
    words
}

#[inline(always)]
fn add<S: Simd, const N: usize>(words: [u32x16<S>; N], simd: S, state: &mut [Words]) {
    for (word, row) in words.into_iter().zip(state) {
        (word + u32x16::from_slice(simd, row)).store_slice(row);
    }
}

#[inline(always)]
fn rotated<S: Simd>(word: u32x16<S>, left: u32) -> u32x16<S> {
    (word << left) | (word >> (32 - left))
}

/// Source: RFC 1321.
pub(super) struct Md5;

impl Function for Md5 {
    const START: &'static [u32] = &[0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    const IS_BIG_ENDIAN: bool = false;

    #[inline(always)]
    fn compress<S: Simd>(simd: S, state: &mut [Words], block: &Block) {
        let mut s: [_; 4] = load(simd, state);
        macro_rules! stage {
            ($sines:expr, $index:expr, $shifts:expr, $mixed:expr) => {
                for quad in 0..4 {
                    for (round, left) in $shifts.into_iter().enumerate() {
                        let [a, b, c, d] = s;
                        let at = 4 * quad + round;
                        let word = u32x16::from_slice(simd, &block[$index(at) % 16]);
                        let sum = a + word + u32x16::splat(simd, $sines[at]);
                        s = [d, b + rotated(sum + $mixed(b, c, d), left), b, c];
                    }
                }
            };
        }
        type V<S> = u32x16<S>;
        stage!(SINES[0], |at| at, [7, 12, 17, 22], |b: V<S>, c: V<S>, d: V<S>| d ^ (b & (c ^ d)));
        stage!(SINES[1], |at| 5 * at + 1, [5, 9, 14, 20], |b: V<S>, c: V<S>, d: V<S>| c
            ^ (d & (b ^ c)));
        stage!(SINES[2], |at| 3 * at + 5, [4, 11, 16, 23], |b: V<S>, c: V<S>, d: V<S>| b ^ c ^ d);
        stage!(SINES[3], |at| 7 * at, [6, 10, 15, 21], |b: V<S>, c: V<S>, d: V<S>| c ^ (b | !d));
        add(s, simd, state);
    }
}

/// 2^32 × |sin(i)| for i from 1, with i in radians.
#[rustfmt::skip]
const SINES: [[u32; 16]; 4] = [
    [0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501, 0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821],
    [0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8, 0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a],
    [0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70, 0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665],
    [0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1, 0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391],
];

/// Source: FIPS 180-4, section 6.1.
pub(super) struct Sha1;

impl Function for Sha1 {
    const START: &'static [u32] =
        &[0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    const IS_BIG_ENDIAN: bool = true;

    #[inline(always)]
    fn compress<S: Simd>(simd: S, state: &mut [Words], block: &Block) {
        let mut w: [_; 16] = load(simd, block);
        let mut s: [_; 5] = load(simd, state);
        macro_rules! stage {
            ($rounds:expr, $constant:expr, $mixed:expr) => {
                for at in $rounds {
                    if at >= 16 {
                        let sum = w[(at + 13) % 16] ^ w[(at + 8) % 16] ^ w[(at + 2) % 16];
                        w[at % 16] = rotated(sum ^ w[at % 16], 1);
                    }
                    let [a, b, c, d, e] = s;
                    let sum = e + w[at % 16] + u32x16::splat(simd, $constant);
                    s = [rotated(a, 5) + (sum + $mixed(b, c, d)), a, rotated(b, 30), c, d];
                }
            };
        }
        type V<S> = u32x16<S>;
        let parity = |b: V<S>, c: V<S>, d: V<S>| b ^ c ^ d;
        stage!(0..20, 0x5a82_7999, |b: V<S>, c: V<S>, d: V<S>| d ^ (b & (c ^ d)));
        stage!(20..40, 0x6ed9_eba1, parity);
        stage!(40..60, 0x8f1b_bcdc, |b: V<S>, c: V<S>, d: V<S>| (b & c) | (d & (b | c)));
        stage!(60..80, 0xca62_c1d6, parity);
        add(s, simd, state);
    }
}

/// Source: FIPS 180-4, section 6.2.
pub(super) struct Sha256;

impl Function for Sha256 {
    const START: &'static [u32] = &[
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    const IS_BIG_ENDIAN: bool = true;

    #[inline(always)]
    fn compress<S: Simd>(simd: S, state: &mut [Words], block: &Block) {
        let mut w: [_; 16] = load(simd, block);
        let mut s: [_; 8] = load(simd, state);
        for at in 0..64 {
            if at >= 16 {
                let (early, late) = (w[(at + 1) % 16], w[(at + 14) % 16]);
                let early = rotated(early, 25) ^ rotated(early, 14) ^ (early >> 3);
                let late = rotated(late, 15) ^ rotated(late, 13) ^ (late >> 10);
                w[at % 16] = w[at % 16] + early + w[(at + 9) % 16] + late;
            }
            let [a, b, c, d, e, f, g, h] = s;
            let from_e = (rotated(e, 26) ^ rotated(e, 21) ^ rotated(e, 7)) + (g ^ (e & (f ^ g)));
            let sum = h + w[at % 16] + u32x16::splat(simd, ROOTS[at]) + from_e;
            let from_a =
                (rotated(a, 30) ^ rotated(a, 19) ^ rotated(a, 10)) + ((a & b) | (c & (a | b)));
            s = [sum + from_a, a, b, c, d + sum, e, f, g];
        }
        add(s, simd, state);
    }
}

/// The fractions of the cube roots of the first 64 primes, 32 bits each.
#[rustfmt::skip]
const ROOTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];
