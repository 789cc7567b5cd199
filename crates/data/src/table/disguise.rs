//! Files that are in truth something else than their name, or a flag, says: compressed ones, archives, pointers of a store.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bitspike::pointer;

use super::form::Form;

/// First bytes of other forms, what they are, and what to do.
const KINDS: [(&[u8], &str); 7] = [
    (b"\x1F\x8B", "compressed with gzip; decompress it with `gunzip`"),
    (b"\x28\xB5\x2F\xFD", "compressed with Zstandard; decompress it with `zstd -d`"),
    (b"\xFD7zXZ\0", "compressed with xz; decompress it with `unxz`"),
    (b"BZh91AY&SY", "compressed with bzip2; decompress it with `bunzip2`"),
    (b"PK\x03\x04", "a ZIP archive or a workbook of Excel; unpack it, or save the sheet as CSV"),
    (b"ARROW1\0\0", "an Arrow file; write it as Parquet"),
    (b"PAR1\x15", "a Parquet file; name it .parquet"),
];

/// What is wrong with the file at `path` if it cannot be of `form`, and what to do. Nothing of what is no file, such as a pipe, and of
/// what cannot be read, which whoever reads it says.
pub(super) fn explain(path: &Path, form: Form) -> Option<String> {
    let mut beginning = Vec::new();
    let file = Some(path).filter(|path| path.is_file()).and_then(|path| File::open(path).ok())?;
    file.take(1024).read_to_end(&mut beginning).ok()?;
    if let Some(message) = pointer::explain(&beginning) {
        return Some(message);
    }
    let (_, is) = KINDS.iter().find(|(first, _)| beginning.starts_with(first))?;
    (form != Form::Parquet || !beginning.starts_with(b"PAR1"))
        .then(|| format!("expected {form}, found a file that is {is}"))
}
