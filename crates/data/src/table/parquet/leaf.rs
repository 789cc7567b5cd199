//! What a flat column of Parquet stores, and its values as cells: numbers and truth as such, everything else in its usual text.

use std::fmt::Write as _;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, Decimal, Int96};
use parquet::errors::ParquetError;
use parquet::record::Field;
use parquet::schema::types::Type;

use super::super::row::{Cell, Kind};

/// The meaning of a flat column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    /// As the physical type says: truth, whole numbers, floats, bytes.
    Plain,
    /// Whole numbers of up to 32 bits that are not negative, in a signed one.
    Unsigned32,
    /// The same of 64 bits.
    Unsigned64,
    /// Text, which must be UTF-8.
    Text,
    Uuid,
    Half,
    Interval,
    Decimal {
        precision: i32,
        scale: i32,
    },
    Date,
    Time(Unit),
    /// Since 1970, and whether that is of UTC.
    Timestamp(Unit, bool),
}

/// Digits behind the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit(u32);

impl Leaf {
    /// That of a primitive field.
    pub(super) fn of(field: &Type) -> Self {
        use ConvertedType as Converted;
        let info = field.get_basic_info();
        let unit = |unit: &TimeUnit| {
            Unit(match unit {
                TimeUnit::MILLIS => 3,
                TimeUnit::MICROS => 6,
                TimeUnit::NANOS => 9,
            })
        };
        let Type::PrimitiveType { physical_type, type_length, scale, precision, .. } = field else {
            return Self::Plain;
        };
        match info.logical_type_ref() {
            Some(LogicalType::Uuid) if *type_length == 16 => return Self::Uuid,
            Some(LogicalType::Float16) if *type_length == 2 => return Self::Half,
            Some(LogicalType::Time(time)) => return Self::Time(unit(&time.unit)),
            Some(LogicalType::Timestamp(time)) => return Self::Timestamp(unit(&time.unit), time.is_adjusted_to_u_t_c),
            _ => {}
        }
        match (physical_type, info.converted_type()) {
            (Physical::INT96, _) => Self::Timestamp(Unit(9), false),
            (_, Converted::DECIMAL) => Self::Decimal { precision: *precision, scale: *scale },
            (Physical::INT32, Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32) => Self::Unsigned32,
            (Physical::INT64, Converted::UINT_64) => Self::Unsigned64,
            (Physical::INT32, Converted::DATE) => Self::Date,
            (Physical::INT32, Converted::TIME_MILLIS) => Self::Time(Unit(3)),
            (Physical::INT64, Converted::TIME_MICROS) => Self::Time(Unit(6)),
            (Physical::INT64, Converted::TIMESTAMP_MILLIS) => Self::Timestamp(Unit(3), true),
            (Physical::INT64, Converted::TIMESTAMP_MICROS) => Self::Timestamp(Unit(6), true),
            (Physical::BYTE_ARRAY, Converted::UTF8 | Converted::ENUM | Converted::JSON) => Self::Text,
            (Physical::FIXED_LEN_BYTE_ARRAY, Converted::INTERVAL) if *type_length == 12 => Self::Interval,
            _ => Self::Plain,
        }
    }

    /// What its cells are.
    pub(super) fn kind(self, physical: Physical) -> Kind {
        match (self, physical) {
            (Self::Plain, Physical::BOOLEAN) => Kind::Boolean,
            (Self::Plain, Physical::INT32 | Physical::INT64) | (Self::Unsigned32, _) => Kind::Integer,
            (Self::Unsigned64, _) => Kind::Unsigned,
            (Self::Plain, Physical::FLOAT) | (Self::Half, _) => Kind::Single,
            (Self::Plain, Physical::DOUBLE) => Kind::Double,
            _ => Kind::Text,
        }
    }

    /// Whether its cells are the text of something else.
    pub(super) fn is_written_out(self) -> bool {
        matches!(
            self,
            Self::Uuid | Self::Interval | Self::Decimal { .. } | Self::Date | Self::Time(_) | Self::Timestamp(..)
        )
    }

    pub(super) fn int32(self, value: i32) -> Cell {
        match self {
            Self::Unsigned32 => Cell::Integer(value.cast_unsigned().into()),
            Self::Decimal { precision, scale } => decimal(Decimal::from_i32(value, precision, scale)),
            Self::Date => Cell::Text(date(value.into())),
            Self::Time(unit) => Cell::Text(time(value.into(), unit)),
            _ => Cell::Integer(value.into()),
        }
    }

    pub(super) fn int64(self, value: i64) -> Cell {
        match self {
            Self::Unsigned64 => Cell::Unsigned(value.cast_unsigned()),
            Self::Decimal { precision, scale } => decimal(Decimal::from_i64(value, precision, scale)),
            Self::Time(unit) => Cell::Text(time(value, unit)),
            Self::Timestamp(unit, utc) => {
                let second = 10_i64.pow(unit.0);
                Cell::Text(timestamp(value.div_euclid(second), value.rem_euclid(second), unit, utc))
            }
            _ => Cell::Integer(value),
        }
    }

    pub(super) fn int96(self, value: &Int96) -> Cell {
        let &[low, high, day] = value.data() else { return Cell::Missing };
        let nanos = i64::from(high) << 32 | i64::from(low);
        // Day 2,440,588 of the Julian calendar is 1970-01-01.
        let seconds = (i64::from(day.cast_signed()) - 2_440_588) * 86_400 + nanos.div_euclid(1_000_000_000);
        Cell::Text(timestamp(seconds, nanos.rem_euclid(1_000_000_000), Unit(9), false))
    }

    /// # Errors
    /// If text is not UTF-8.
    pub(super) fn bytes(self, value: ByteArray) -> Result<Cell, ParquetError> {
        Ok(match (self, value.data()) {
            (Self::Text, bytes) => {
                let text = std::str::from_utf8(bytes);
                text.map_err(|_| ParquetError::General("text that is not UTF-8".to_owned()))?.into()
            }
            (Self::Uuid, bytes) if bytes.len() == 16 => Cell::Text(uuid(bytes)),
            (Self::Half, &[low, high]) => Cell::Single(half(u16::from_le_bytes([low, high]))),
            (Self::Interval, bytes) if bytes.len() == 12 => Cell::Text(interval(bytes)),
            (Self::Decimal { precision, scale }, _) => decimal(Decimal::from_bytes(value, precision, scale)),
            (_, bytes) => text_or_digits(bytes),
        })
    }
}

fn decimal(value: Decimal) -> Cell {
    // Without digits behind it the point says nothing.
    let text = Field::Decimal(value).to_string();
    Cell::Text(text.strip_suffix('.').map_or(text.clone(), str::to_owned))
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant, `civil_from_days`).
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Time of day of so many `unit`s since midnight.
fn time(value: i64, Unit(digits): Unit) -> String {
    let second = 10_i64.pow(digits);
    let (seconds, part) = (value.div_euclid(second), value.rem_euclid(second));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{part:0digits$}", digits = digits as usize)
}

fn timestamp(seconds: i64, part: i64, unit: Unit, utc: bool) -> String {
    let (day, seconds) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let zone = if utc { " +00:00" } else { "" };
    format!("{} {}{zone}", date(day), time(seconds * 10_i64.pow(unit.0) + part, unit))
}

/// A duration of ISO 8601.
fn interval(bytes: &[u8]) -> String {
    let part = |at: usize| bytes[at..at + 4].iter().rev().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte));
    let (months, days, millis) = (part(0), part(4), part(8));
    format!("P{months}M{days}DT{}.{:03}S", millis / 1000, millis % 1000)
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A float of 16 bits as one of 32.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15), u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    let value = match exponent {
        0 => fraction as f32 / 16_777_216.0,
        31 => f32::from_bits(0x7F80_0000 | fraction << 13),
        _ => f32::from_bits((exponent + 112) << 23 | fraction << 13),
    };
    if sign == 1 { -value } else { value }
}

/// Bytes without a type: text if they are UTF-8, else their hexadecimal digits.
pub(super) fn text_or_digits(bytes: &[u8]) -> Cell {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    Cell::Bytes(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_usual_text() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (19_782, "2024-02-29"),
            (11_016, "2000-02-29"),
            (-719_162, "0001-01-01"),
        ] {
            assert_eq!(date(days), text);
        }
        let millis = Leaf::Timestamp(Unit(3), true);
        assert_eq!(millis.int64(-1), Cell::Text("1969-12-31 23:59:59.999 +00:00".into()));
        assert_eq!(Leaf::Time(Unit(6)).int64(3_723_000_004), Cell::Text("01:02:03.000004".into()));
        let mut value = Int96::new();
        let nanos = 43_200_000_000_001_u64;
        value.set_data(nanos as u32, (nanos >> 32) as u32, 2_440_589);
        assert_eq!(Leaf::Plain.int96(&value), Cell::Text("1970-01-02 12:00:00.000000001".into()));
        assert_eq!(uuid(&[0xAB; 16]), "abababab-abab-abab-abab-abababababab");
        assert_eq!(interval(&[1, 0, 0, 0, 2, 0, 0, 0, 0xEA, 3, 0, 0]), "P1M2DT1.002S");
        assert_eq!(
            [0x3C00, 0xC000, 0x3555, 1, 0x7C00].map(half),
            [1.0, -2.0, 0.333_251_95, 5.960_464_5e-8, f32::INFINITY]
        );
        assert_eq!(Leaf::Unsigned64.int64(-1), Cell::Unsigned(u64::MAX));
        assert_eq!(Leaf::Unsigned32.int32(-1), Cell::Integer(u32::MAX.into()));
        assert_eq!(Leaf::Decimal { precision: 5, scale: 2 }.int32(-12_345), Cell::Text("-123.45".into()));
        // A class that is called 3 is the number 3.
        assert_eq!(Leaf::Decimal { precision: 5, scale: 0 }.int64(3), Cell::Text("3".into()));
        assert_eq!(Leaf::Decimal { precision: 5, scale: 0 }.int32(-120), Cell::Text("-120".into()));
    }
}
