//! Lists the files of the page, so that they are compiled in.

use std::collections::hash_map::DefaultHasher;
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Endings of the files that the page is made of, and what they hold.
const KINDS: [(&str, &str); 8] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("woff2", "font/woff2"),
];

/// Folders beside the page that are not part of it.
const APART: [&str; 3] = ["node_modules", "test", "tests"];

fn main() -> io::Result<()> {
    let page = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the package's folder")).join("page");
    println!("cargo::rerun-if-changed={}", page.display());
    let mut files = Vec::new();
    collect(&page, &page, &mut files)?;
    files.sort();
    let mut list = String::from("static FILES: &[File] = &[\n");
    for (path, file, kind) in files {
        let mut hash = DefaultHasher::new();
        fs::read(&file)?.hash(&mut hash);
        let etag = format!("\"{:016x}\"", hash.finish());
        let _ = writeln!(
            list,
            "    File {{ path: {path:?}, kind: {kind:?}, etag: {etag:?}, content: include_bytes!({file:?}) }},"
        );
    }
    list.push_str("];\n");
    fs::write(Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("page.rs"), list)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf, &'static str)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !APART.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
            continue;
        }
        // Settings of tools, such as `playwright.config.js`, and tests are no part of the page.
        let apart = [".config.", ".spec.", ".test."].iter().any(|part| name.contains(part));
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let kind = KINDS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind);
        if let (Some(kind), false, Ok(below)) = (kind, apart, path.strip_prefix(root)) {
            let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            files.push((parts.join("/"), path, kind));
        }
    }
    Ok(())
}
