//! Small files that stand in the place of large ones.

/// First lines of the files that stores for large files leave in a repository.
const POINTERS: [(&[u8], &str); 3] = [
    (b"version https://git-lfs.github.com/spec/", "Git LFS"),
    (b"version https://hawser.github.com/spec/", "Git LFS"),
    (b"# xet version", "Xet"),
];

/// What is wrong with a file that begins with `bytes`, and what to do, if it is the pointer that Git LFS or Xet leaves in the place
/// of the file itself.
///
/// ```
/// let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4665\nsize 90\n";
/// assert!(bitspike::pointer::explain(pointer).is_some_and(|message| message.contains("git lfs pull")));
/// assert_eq!(bitspike::pointer::explain(b"a vocabulary"), None);
/// ```
pub fn explain(bytes: &[u8]) -> Option<String> {
    let (_, store) = POINTERS.iter().find(|(first, _)| bytes.starts_with(first))?;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).into_owned();
    let size = text.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse::<u64>().ok());
    let size = size.map_or(String::new(), |size| format!(" of {size} bytes"));
    Some(format!(
        "a pointer of {store}, found in the place of the file itself{size}; run `git lfs pull` in the repository, or fetch it again \
         (`bitspike data fetch`)"
    ))
}
