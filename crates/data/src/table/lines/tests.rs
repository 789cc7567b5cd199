use super::*;

fn read(bytes: &[u8]) -> Vec<Result<(usize, String), String>> {
    let source = Source::Reader(Box::new(std::io::Cursor::new(bytes.to_vec())));
    let mut lines = Lines::open(source, &ReadOptions::strict()).unwrap();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        found.push(line.map(|(n, l)| (n, l.into_owned())).map_err(|e| e.to_string()));
    }
    found
}

#[test]
fn marks_and_endings_are_dropped_and_nothing_else() {
    let found = read(b"\xEF\xBB\xBFa\tb \r\n\n\"c\rd\n\xEF\xBB\xBFlast");
    let expected = [(1, "a\tb "), (2, ""), (3, "\"c\rd"), (4, "\u{feff}last")].map(|(n, l)| Ok((n, l.to_owned())));
    assert_eq!(found, expected);
    assert!(read(b"").is_empty());
}

#[test]
fn damaged_lines_are_numbered_and_the_rest_is_read() {
    let found = read(b"good\nab\xE9c\nx\0y\ngood\n");
    assert!(found[1].as_ref().unwrap_err().contains("line 2: invalid UTF-8 at byte 3 (0xE9)"), "{found:?}");
    assert!(found[2].as_ref().unwrap_err().contains("line 3: NUL at byte 2"), "{found:?}");
    assert_eq!(found[3], Ok((4, "good".to_owned())));
    assert!(read(b"\xFF\xFEa\0\n\0")[0].as_ref().unwrap_err().contains("UTF-16"));
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let found = read(&vec![b'x'; (16 << 20) + 2]);
    assert_eq!(found.len(), 1);
    assert!(found[0].as_ref().unwrap_err().contains("16 MiB"));
    assert_eq!(read(&vec![b'x'; 100_000])[0].as_ref().unwrap().1.len(), 100_000);
}
