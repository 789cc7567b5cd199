//! Rows of codes as bytes. Every row begins on a byte; the first column is in the lowest bits or digits of a byte.

use std::fmt;

/// How the values of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `f32`, little-endian, without scales.
    Full,
    /// Codes -127..=127, one a byte, two's complement.
    EightBit,
    /// Codes -7..=7, two a byte, two's complement; the rest of the last byte is 0.
    FourBit,
    /// Codes -1..=1, four a byte, stored as code + 1; the rest of the last byte holds the value 1 (code 0).
    TwoBit,
    /// Codes -1..=1, five a byte, as the digits code + 1 of a number in base 3; the rest of the last byte holds the digit 1 (code
    /// 0). Bytes are below 243.
    Trits,
    /// Codes -1 and 1, eight a byte, as the bits 0 and 1; the rest of the last byte is 0.
    OneBit,
}

/// Bytes that five base-3 digits can take.
const TRIT_BYTES: usize = 243;

/// The five codes of every byte of [`Form::Trits`]; those that no digits give decode as zeros.
const TRITS: [[i8; 5]; 256] = {
    let mut table = [[0; 5]; 256];
    let mut byte = 0;
    while byte < TRIT_BYTES {
        let (mut rest, mut i) = (byte, 0);
        while i < 5 {
            table[byte][i] = (rest % 3) as i8 - 1;
            rest /= 3;
            i += 1;
        }
        byte += 1;
    }
    table
};

/// The same as five 2-bit codes.
const TRITS_AS_TWO_BITS: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut i = 0;
        while i < 5 {
            table[byte] |= ((TRITS[byte][i] + 1) as u16) << (2 * i);
            i += 1;
        }
        byte += 1;
    }
    table
};

/// Four 1-bit codes as four 2-bit codes: bit `b` becomes the value `2b`.
const BITS_AS_TWO_BITS: [u8; 16] = {
    let mut table = [0; 16];
    let mut nibble = 0;
    while nibble < 16 {
        let mut i = 0;
        while i < 4 {
            table[nibble] |= ((nibble >> i & 1) as u8) << (2 * i + 1);
            i += 1;
        }
        nibble += 1;
    }
    table
};

impl Form {
    /// Bytes of a row of `columns` values.
    pub fn row_bytes(self, columns: usize) -> usize {
        match self {
            Self::Full => 4 * columns,
            _ => columns.div_ceil(self.codes_per_byte()),
        }
    }

    /// The codes that one byte stands for, from the first; a byte that stands for none gives what its digits say.
    ///
    /// ```
    /// let mut codes = [0; 4];
    /// bitspike::format::Form::TwoBit.codes_of_byte(0x52, &mut codes);
    /// assert_eq!(codes, [1, -1, 0, 0]);
    /// ```
    ///
    /// # Panics
    /// For [`Form::Full`].
    pub fn codes_of_byte(self, byte: u8, codes: &mut [i8]) {
        assert_ne!(self, Self::Full, "f32 values are no codes");
        self.decode_row(&[byte], codes, |code| code);
    }

    /// What follows a tensor's name in the name of its codes.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Full => "",
            Self::Trits => ".trits",
            _ => ".codes",
        }
    }

    /// Largest magnitude of a code.
    pub(super) fn top(self) -> f32 {
        match self {
            Self::EightBit => 127.0,
            Self::FourBit => 7.0,
            _ => 1.0,
        }
    }

    /// Whether it has the code.
    pub(super) fn has(self, code: i8) -> bool {
        f32::from(code).abs() <= self.top() && (self != Self::OneBit || code != 0)
    }

    fn codes_per_byte(self) -> usize {
        match self {
            Self::Full => unreachable!("f32 values are no codes"),
            Self::EightBit => 1,
            Self::FourBit => 2,
            Self::TwoBit => 4,
            Self::Trits => 5,
            Self::OneBit => 8,
        }
    }

    /// Appends one row of codes as bytes.
    ///
    /// # Panics
    /// For [`Form::Full`].
    pub(super) fn encode_row(self, codes: &[i8], out: &mut Vec<u8>) {
        let stored = |code: i8| (code + 1) as u8;
        let byte = |codes: &[i8]| {
            let code = |i: usize| codes.get(i).copied().unwrap_or(0);
            match self {
                Self::Full | Self::EightBit => codes[0] as u8,
                Self::FourBit => (code(0) & 15) as u8 | (code(1) << 4) as u8,
                Self::TwoBit => (0..4).fold(0, |byte, i| byte | stored(code(i)) << (2 * i)),
                Self::Trits => (0..5).rev().fold(0, |byte, i| 3 * byte + stored(code(i))),
                Self::OneBit => (0..8).fold(0, |byte, i| byte | u8::from(code(i) > 0) << i),
            }
        };
        out.extend(codes.chunks(self.codes_per_byte()).map(byte));
    }

    /// Decodes one row, `out.len()` columns, through `value`.
    ///
    /// # Panics
    /// For [`Form::Full`].
    #[inline(always)]
    pub(super) fn decode_row<T>(self, bytes: &[u8], out: &mut [T], value: impl Fn(i8) -> T) {
        let chunks = out.chunks_mut(self.codes_per_byte()).zip(bytes);
        match self {
            Self::Full | Self::EightBit => chunks.for_each(|(out, &byte)| out[0] = value(byte as i8)),
            Self::FourBit => {
                for (out, &byte) in chunks {
                    for (out, byte) in out.iter_mut().zip([byte << 4, byte]) {
                        *out = value(byte as i8 >> 4);
                    }
                }
            }
            Self::TwoBit => {
                for (out, &byte) in chunks {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = value((byte >> (2 * i) & 3) as i8 - 1);
                    }
                }
            }
            Self::Trits => {
                for (out, &byte) in chunks {
                    for (out, &code) in out.iter_mut().zip(&TRITS[usize::from(byte)]) {
                        *out = value(code);
                    }
                }
            }
            Self::OneBit => {
                for (out, &byte) in chunks {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = value(2 * (byte >> i & 1) as i8 - 1);
                    }
                }
            }
        }
    }

    /// Rewrites a row of ternary or binary codes, of `columns` columns, as [`Form::TwoBit`] has it.
    ///
    /// # Panics
    /// For the other forms, and if `out` is not of `columns.div_ceil(4)` bytes.
    pub(super) fn two_bit_row(self, bytes: &[u8], columns: usize, out: &mut [u8]) {
        assert_eq!(out.len(), columns.div_ceil(4), "bytes of a 2-bit row of {columns} columns");
        match self {
            Self::TwoBit => return out.copy_from_slice(bytes),
            Self::OneBit => {
                for (out, &byte) in out.chunks_mut(2).zip(bytes) {
                    for (out, nibble) in out.iter_mut().zip([byte & 15, byte >> 4]) {
                        *out = BITS_AS_TWO_BITS[usize::from(nibble)];
                    }
                }
            }
            Self::Trits => {
                // Four bytes of trits are five of 2-bit codes.
                for (out, bytes) in out.chunks_mut(5).zip(bytes.chunks(4)) {
                    let join = |sum: u64, (i, &byte): (usize, &u8)| {
                        sum | u64::from(TRITS_AS_TWO_BITS[usize::from(byte)]) << (10 * i)
                    };
                    let codes = bytes.iter().enumerate().fold(0, join);
                    out.copy_from_slice(&codes.to_le_bytes()[..out.len()]);
                }
            }
            Self::Full | Self::EightBit | Self::FourBit => panic!("{self} values are not ternary"),
        }
        let used = columns % 4;
        if let Some(last) = out.last_mut().filter(|_| used != 0) {
            let padding = 0xffu8 << (2 * used);
            *last = *last & !padding | 0x55 & padding;
        }
    }

    /// Refuses bytes that stand for no code, and padding other than the form's; the message says row and byte.
    ///
    /// # Panics
    /// For [`Form::Full`].
    pub(super) fn check(self, bytes: &[u8], columns: usize) -> Result<(), String> {
        let row_bytes = self.row_bytes(columns);
        let (illegal, expected) = match self {
            Self::Full | Self::OneBit => (None, ""),
            Self::EightBit => (first(bytes, |byte| byte == 0x80), "codes from -127 to 127"),
            Self::FourBit => (first(bytes, |byte| (byte & 0x0f == 0x08) | (byte & 0xf0 == 0x80)), "codes from -7 to 7"),
            Self::TwoBit => (first(bytes, |byte| byte & byte >> 1 & 0x55 != 0), "the values 0, 1 and 2"),
            Self::Trits => (first(bytes, |byte| usize::from(byte) >= TRIT_BYTES), "bytes up to 242"),
        };
        let place = |at: usize| format!("row {}, byte {}", at / row_bytes, at % row_bytes);
        if let Some(at) = illegal {
            return Err(format!(
                "{}: expected {expected} in {self} codes, found the byte {:#04x}",
                place(at),
                bytes[at]
            ));
        }
        let used = columns % self.codes_per_byte();
        if used == 0 {
            return Ok(());
        }
        // The digits of a byte, from the lowest: `used` columns, then padding.
        let (base, zero) = match self {
            Self::Full | Self::EightBit => unreachable!("no padding in bytes of one code"),
            Self::FourBit => (16u32, 0),
            Self::TwoBit => (4, 1),
            Self::Trits => (3, 1),
            Self::OneBit => (2, 0),
        };
        let unit = base.pow(used as u32);
        let padding = (used..self.codes_per_byte()).fold(0, |padding, _| base * padding + zero);
        let last_of_rows = bytes.iter().enumerate().skip(row_bytes - 1).step_by(row_bytes);
        for (at, &byte) in last_of_rows {
            if u32::from(byte) / unit != padding {
                let spare = self.codes_per_byte() - used;
                return Err(format!(
                    "{}: expected {zero} as the last {spare} {self} codes of a row of {columns} columns, which pad it; \
                     found the byte {byte:#04x}",
                    place(at)
                ));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Full => "f32",
            Self::EightBit => "8-bit",
            Self::FourBit => "4-bit",
            Self::TwoBit => "2-bit",
            Self::Trits => "1.6-bit",
            Self::OneBit => "1-bit",
        })
    }
}

/// Where the first byte is that is `illegal`; passes over legal bytes without branches.
fn first(bytes: &[u8], illegal: impl Fn(u8) -> bool) -> Option<usize> {
    const BLOCK: usize = 4096;
    let block = bytes.chunks(BLOCK).position(|block| block.iter().fold(false, |any, &byte| any | illegal(byte)))?;
    let at = bytes[block * BLOCK..].iter().position(|&byte| illegal(byte))?;
    Some(block * BLOCK + at)
}
