//! The wire format of Protocol Buffers, as far as ONNX files need it.
//!
//! ONNX has seven messages that are needed here, each of a few fields; a hundred lines write and read them without a generator.

/// A message being written.
#[derive(Debug, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn integer(mut self, field: u32, value: i64) -> Self {
        self.raw(u64::from(field) << 3);
        self.raw(value as u64);
        self
    }

    pub(crate) fn float(mut self, field: u32, value: f32) -> Self {
        self.raw(u64::from(field) << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.raw(u64::from(field) << 3 | 2);
        self.raw(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(crate) fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    pub(crate) fn messages(self, field: u32, values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(field, &value))
    }
}

/// A field of a message that is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Field<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    /// Of 4 or 8 bytes.
    Fixed(&'a [u8]),
}

/// The fields of a message in their order; what is no message ends with an error.
pub(crate) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Result<(u32, Field<'_>), String>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let field = field(&mut bytes);
        if field.is_err() {
            bytes = &[];
        }
        Some(field)
    })
}

fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Field<'a>), String> {
    let key = integer(bytes)?;
    let number = u32::try_from(key >> 3).map_err(|_| "a field number beyond 32 bits".to_owned())?;
    let field = match key & 7 {
        0 => Field::Integer(integer(bytes)?),
        1 => Field::Fixed(take(bytes, 8)?),
        2 => {
            let length = integer(bytes)?;
            Field::Bytes(take(bytes, length)?)
        }
        5 => Field::Fixed(take(bytes, 4)?),
        other => return Err(format!("expected a field of a known wire type, found type {other}")),
    };
    Ok((number, field))
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let left = bytes.len();
    usize::try_from(length)
        .ok()
        .and_then(|length| bytes.split_off(..length))
        .ok_or_else(|| format!("expected a field of {length} bytes, found the end of the file after {left}"))
}

fn integer(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let &byte = bytes.split_off_first().ok_or("a number is cut short")?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let inner = Message::default().integer(1, -1).text(2, "ab");
        let message = Message::default().integer(3, 300).message(4, &inner);
        assert_eq!(message.0[..3], [0x18, 0xac, 0x02], "field 3 is the varint 300");
        let read: Vec<_> = fields(&message.0).collect::<Result<_, _>>().unwrap();
        assert_eq!(read[0], (3, Field::Integer(300)));
        let (4, Field::Bytes(inner)) = read[1] else { panic!("{read:?}") };
        let inner: Vec<_> = fields(inner).collect::<Result<_, _>>().unwrap();
        assert_eq!(inner, [(1, Field::Integer(u64::MAX)), (2, Field::Bytes(b"ab"))]);
        let fixed: Vec<_> = fields(&[0x2d, 1, 2, 3, 4]).collect::<Result<_, _>>().unwrap();
        assert_eq!(fixed, [(5, Field::Fixed(&[1, 2, 3, 4]))]);
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let message = Message::default().text(1, "some text").integer(2, 1 << 40).0;
        for end in 1..message.len() {
            let read: Result<Vec<_>, _> = fields(&message[..end]).collect();
            assert!(read.is_err() || end == 11, "{end}");
        }
        assert!(fields(&[0xff; 20]).last().unwrap().is_err());
        assert!(fields(&[0x0b]).last().unwrap().is_err(), "groups are not read");
    }
}
