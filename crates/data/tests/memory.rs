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
    for filler in [&b"\n"[..], b"x\n", b",\"", b"\"\"", b","] {
        let before = peak();
        let start: &[u8] = if filler == b"," { b"text,label\n" } else { b"text,label\nfine,1\n\"" };
        let endless = Filler { bytes: filler, left: 60 << 20 };
        let source = Source::Reader(Box::new(start.chain(endless)));
        let table = Table::open(source, Form::Csv, &ReadOptions::strict()).unwrap();
        let error = table.rows().unwrap().find_map(Result::err).expect("a fault").to_string();
        let line = if filler == b"," { "line 2: the record is longer than 16 MiB" } else { "line 3: " };
        assert!(error.contains(line), "{error}");
        let grown = peak() - before;
        assert!(grown < 48, "{grown} MiB for {}", filler.escape_ascii());
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
