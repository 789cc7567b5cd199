//! What an unclosed quote costs. A test of its own program, since it measures the process.
#![cfg(target_os = "linux")]

use std::io::Read;

use bitspike_data::table::{Form, ReadOptions, Source, Table};

/// Most memory that this process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn an_unclosed_quote_holds_no_more_than_a_record() {
    for (filler, longest, start, says) in [
        (
            &b"\n"[..],
            4,
            "\"",
            "line 3: the record is longer than 4 MiB; expected text, one record a line (is a double quote",
        ),
        (b"x\n", 4, "\"", "line 3: the record is longer than 4 MiB"),
        // Fields that the header does not have.
        (b",", 2, "", "line 3: the record is longer than 2 MiB"),
    ] {
        let before = peak();
        let start = format!("text,label\nfine,1\n{start}").into_bytes();
        let source =
            Source::Reader(Box::new(std::io::Cursor::new(start).chain(Filler { bytes: filler, left: 60 << 20 })));
        let options = ReadOptions { longest: longest << 20, ..ReadOptions::strict() };
        let mut table = Table::open(source, Form::Csv, &options).unwrap();
        let error = table.find_map(Result::err).expect("a fault").to_string();
        assert!(error.contains(says), "{error}");
        let grown = peak() - before;
        assert!(grown < 24, "{grown} MiB for {}", filler.escape_ascii());
    }
}

struct Filler {
    bytes: &'static [u8],
    left: usize,
}

impl Read for Filler {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.left) / self.bytes.len() * self.bytes.len();
        buffer[..count].chunks_exact_mut(self.bytes.len()).for_each(|chunk| chunk.copy_from_slice(self.bytes));
        self.left -= count;
        Ok(count)
    }
}
