//! The safetensors container: eight bytes of header length, a JSON header, data without gaps.

use std::collections::BTreeMap;
use std::ops::Range;

use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Serialize;

use super::header::{
    FORMAT, FORMAT_VERSION, FORMAT_VERSION_WITH_CODE, FORMAT_VERSION_WITH_DISTANCES, FORMAT_VERSION_WITH_VECTORS,
    FORMAT_VERSION_WITHOUT_TOKENIZER, Header,
};
use crate::error::Fault;

/// Largest JSON header. A model of the most layers that a config may have needs half of it.
pub(super) const MAX_HEADER: usize = 8 << 20;

/// Where the file says its parts are, before any of it is compared with the configuration.
pub(super) struct Container {
    pub(super) header: Header,
    /// The tokeniser's settings; none in a file of version 1.
    pub(super) tokenizer: Option<String>,
    /// The metadata's `format_version`.
    pub(super) version: String,
    metadata: Metadata,
    /// Where the data begins in the file.
    data: usize,
}

impl Container {
    /// Reads lengths, JSON and the entries of the metadata; the message says what was expected and found.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let not_ours = "not a packed model of bitspike; `bitspike pack` makes one of a run";
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(format!("expected at least 8 bytes, found {}: {not_ours}", bytes.len()).into());
        };
        let length = u64::from_le_bytes(*length);
        if length > MAX_HEADER as u64 {
            return Err(Fault::from(format!(
                "expected a header of at most {MAX_HEADER} bytes, found a length of {length}: {not_ours}"
            )));
        }
        let Some((json, data)) = rest.split_at_checked(length as usize) else {
            return Err(Fault::from(format!(
                "the header has {length} bytes, the file only {} after its length: it is cut short",
                rest.len()
            )));
        };
        let metadata: Metadata =
            serde_json::from_slice(json).map_err(|e| Fault::of("its header is no safetensors header", e))?;
        let (header, tokenizer) = Self::header(&metadata, not_ours)?;
        let expected = metadata.data_len();
        if data.len() != expected {
            let problem = if data.len() < expected { "it is cut short" } else { "something was appended to it" };
            return Err(Fault::from(format!(
                "expected {expected} bytes of data after the header, found {}: {problem}",
                data.len()
            )));
        }
        let version =
            metadata.metadata().as_ref().and_then(|entries| entries.get("format_version")).cloned().unwrap_or_default();
        Ok(Self { header, tokenizer, version, metadata, data: 8 + json.len() })
    }

    /// Format, version, configuration and tokeniser, in this order, so that a file of a later version is called that.
    fn header(metadata: &Metadata, not_ours: &str) -> Result<(Header, Option<String>), Fault> {
        let entries = metadata.metadata().as_ref();
        let entry = |key: &str| entries.and_then(|entries| entries.get(key)).map(String::as_str);
        match entry("format") {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(Fault::from(format!(
                    "metadata `format`: expected `{FORMAT}`, found {other:?}: {not_ours}"
                )));
            }
            None => return Err(Fault::from(format!("metadata `format`: expected `{FORMAT}`, found none: {not_ours}"))),
        }
        let known: &[&str] = match entry("format_version") {
            Some(
                FORMAT_VERSION | FORMAT_VERSION_WITH_CODE | FORMAT_VERSION_WITH_DISTANCES | FORMAT_VERSION_WITH_VECTORS,
            ) => &["format", "format_version", "config", "tokenizer"],
            Some(FORMAT_VERSION_WITHOUT_TOKENIZER) => &["format", "format_version", "config"],
            found => {
                let found = found.map_or("none".to_owned(), |version| format!("{version:?}"));
                return Err(Fault::from(format!(
                    "metadata `format_version`: expected `{FORMAT_VERSION_WITHOUT_TOKENIZER}`, \
                     `{FORMAT_VERSION}`, `{FORMAT_VERSION_WITH_CODE}`, `{FORMAT_VERSION_WITH_DISTANCES}` or \
                     `{FORMAT_VERSION_WITH_VECTORS}`, found {found}; use the version of bitspike that packed it, or pack the run again"
                )));
            }
        };
        if let Some(key) =
            entries.into_iter().flatten().map(|(key, _)| key).filter(|key| !known.contains(&key.as_str())).min()
        {
            return Err(Fault::from(format!("metadata: expected {}, found {key:?} as well", known.join(", "))));
        }
        let config = entry("config").ok_or("metadata `config`: expected the model's configuration, found none")?;
        let header: Header =
            serde_json::from_slice(config.as_bytes()).map_err(|e| Fault::of("metadata `config`", e))?;
        header.validate().map_err(|e| Fault::of("metadata `config`", e))?;
        let coded = entry("format_version") == Some(FORMAT_VERSION_WITH_CODE);
        let vectors = entry("format_version") == Some(FORMAT_VERSION_WITH_VECTORS);
        let later = vectors || entry("format_version") == Some(FORMAT_VERSION_WITH_DISTANCES);
        if vectors != header.student.pooling.is_some() {
            let (version, found) = (entry("format_version").unwrap_or_default(), if vectors { "none" } else { "it" });
            return Err(Fault::from(format!(
                "metadata `config`: expected {} `pooling` in a file of version {version}, found {found}",
                if vectors { "a" } else { "no" }
            )));
        }
        if !later && header.student.relative_attention {
            let version = entry("format_version").unwrap_or_default();
            return Err(Fault::from(format!(
                "metadata `config`: expected no `relative_attention` in a file of version {version}, found it"
            )));
        }
        if !later && coded == header.student.code.is_unary() {
            let (version, code) = (entry("format_version").unwrap_or_default(), header.student.code);
            return Err(Fault::from(format!(
                "metadata `config`: expected a student with code {} in a file of version {version}, found `{code}`",
                if coded { "single" } else { "unary" }
            )));
        }
        let tokenizer = entry("tokenizer").map(str::to_owned);
        if tokenizer.is_none() && known.contains(&"tokenizer") {
            return Err("metadata `tokenizer`: expected the tokeniser's settings, found none".into());
        }
        Ok((header, tokenizer))
    }

    /// Names of all tensors, by place in the file.
    pub(super) fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// Whether there is a tensor `name`.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// Where in the file the tensor `name` lies, which must have this type and shape.
    pub(super) fn place(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<Range<usize>, String> {
        self.find(name, &|| format!("{dtype:?} of shape {shape:?}"), |info| info.dtype == dtype && info.shape == shape)
    }

    /// Where in the file the bytes `name` lie, however many there are.
    pub(super) fn bytes(&self, name: &str) -> Result<Range<usize>, String> {
        let expected = || "U8 of one dimension".to_owned();
        self.find(name, &expected, |info| info.dtype == Dtype::U8 && info.shape.len() == 1)
    }

    fn find(
        &self,
        name: &str,
        expected: &dyn Fn() -> String,
        is: impl Fn(&TensorInfo) -> bool,
    ) -> Result<Range<usize>, String> {
        match self.metadata.info(name) {
            None => Err(format!("tensor `{name}`: expected {}, found no such tensor", expected())),
            Some(info) if !is(info) => {
                let found = format!("{:?} of shape {:?}", info.dtype, info.shape);
                Err(format!("tensor `{name}`: expected {}, found {found}", expected()))
            }
            Some(info) => Ok(self.data + info.data_offsets.0..self.data + info.data_offsets.1),
        }
    }
}

/// One tensor to write.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

/// The file of `entries`, in their order within each type: F32 first, so that all of it is aligned. Equal input gives equal bytes.
pub(super) fn write(header: &Header, (version, tokenizer): (&str, String), mut entries: Vec<Entry>) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Value<'a> {
        Metadata(BTreeMap<&'a str, String>),
        Tensor { dtype: Dtype, shape: &'a [usize], data_offsets: [usize; 2] },
    }
    entries.sort_by_key(|entry| entry.dtype != Dtype::F32);
    let config = serde_json::to_string(header).expect("a header is JSON");
    let metadata = [
        ("format", FORMAT.to_owned()),
        ("format_version", version.to_owned()),
        ("config", config),
        ("tokenizer", tokenizer),
    ];
    let mut values = BTreeMap::from([("__metadata__", Value::Metadata(metadata.into()))]);
    let mut end = 0;
    for Entry { name, dtype, shape, bytes } in &entries {
        let data_offsets = [end, end + bytes.len()];
        values.insert(name, Value::Tensor { dtype: *dtype, shape, data_offsets });
        end += bytes.len();
    }
    let mut json = serde_json::to_vec(&values).expect("names and numbers are JSON");
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut file = Vec::with_capacity(8 + json.len() + end);
    file.extend((json.len() as u64).to_le_bytes());
    file.extend(json);
    entries.iter().for_each(|entry| file.extend(&entry.bytes));
    file
}
