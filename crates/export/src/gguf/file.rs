//! A GGUF file, version 3: settings, tensor descriptions, tensors at multiples of 32 bytes.

const ALIGNMENT: usize = 32;

/// Values of settings.
pub(super) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    I32s(Vec<i32>),
}

#[derive(Default)]
pub(super) struct File {
    settings: (u64, Vec<u8>),
    tensors: (u64, Vec<u8>),
    data: Vec<u8>,
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl File {
    pub(super) fn setting(&mut self, key: &str, value: Value) {
        let (count, out) = &mut self.settings;
        *count += 1;
        text(out, key);
        let kind = |out: &mut Vec<u8>, kind: u32| out.extend(kind.to_le_bytes());
        match value {
            Value::U32(value) => {
                kind(out, 4);
                out.extend(value.to_le_bytes());
            }
            Value::F32(value) => {
                kind(out, 6);
                out.extend(value.to_le_bytes());
            }
            Value::Bool(value) => {
                kind(out, 7);
                out.push(value.into());
            }
            Value::Text(value) => {
                kind(out, 8);
                text(out, &value);
            }
            Value::Texts(values) => {
                kind(out, 9);
                kind(out, 8);
                out.extend((values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| text(out, value));
            }
            Value::I32s(values) => {
                kind(out, 9);
                kind(out, 5);
                out.extend((values.len() as u64).to_le_bytes());
                values.iter().for_each(|value| out.extend(value.to_le_bytes()));
            }
        }
    }

    /// A tensor whose first length is that of a row.
    pub(super) fn tensor(&mut self, name: &str, lengths: &[usize], kind: u32, bytes: Vec<u8>) {
        let offset = self.data.len().next_multiple_of(ALIGNMENT);
        self.data.resize(offset, 0);
        self.data.extend(bytes);
        let (count, out) = &mut self.tensors;
        *count += 1;
        text(out, name);
        out.extend((lengths.len() as u32).to_le_bytes());
        lengths.iter().for_each(|&length| out.extend((length as u64).to_le_bytes()));
        out.extend(kind.to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let Self { settings, tensors, data } = self;
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend(tensors.0.to_le_bytes());
        file.extend(settings.0.to_le_bytes());
        file.extend(settings.1);
        file.extend(tensors.1);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(data);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file
    }
}
