//! Keys that requests must show.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};
use crate::problem::{Kind, Problem};
use crate::stamp::Stamp;

/// Keys of a file, kept as digests.
pub(crate) struct Keys {
    path: Option<PathBuf>,
    digests: RwLock<Arc<[[u8; 32]]>>,
    seen: Mutex<Option<Stamp>>,
}

impl Keys {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or holds no key.
    pub(crate) fn load(path: Option<PathBuf>) -> Result<Self> {
        let seen = Mutex::new(path.as_deref().and_then(Stamp::of));
        let digests = path.as_deref().map(read).transpose()?.unwrap_or_default();
        Ok(Self { path, digests: RwLock::new(digests.into()), seen })
    }

    /// Reads the file anew if it has changed, or where `all`; one that cannot be read leaves the old keys at work.
    pub(crate) fn refresh(&self, all: bool) {
        let Some(path) = &self.path else { return };
        let found = Stamp::of(path);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if !all && (found.is_none() || *seen == found) {
                return;
            }
            *seen = found;
        }
        match read(path) {
            Ok(new) => *self.digests.write().unwrap_or_else(PoisonError::into_inner) = new.into(),
            Err(error) => tracing::error!(%error, "the old keys go on"),
        }
    }

    /// Refuses a request without one of the keys, where keys are needed.
    pub(crate) fn check(&self, headers: &HeaderMap) -> crate::problem::Result<()> {
        if self.path.is_none() {
            return Ok(());
        }
        let bearer = |value: &str| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
        };
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| bearer(value.to_str().ok()?));
        let shown = shown.or_else(|| Some(headers.get("x-api-key")?.to_str().ok()?.to_owned()));
        let Some(shown) = shown else {
            return Err(
                Problem::new(Kind::Key, "this server needs a key: `Authorization: Bearer KEY`").at("Authorization")
            );
        };
        let shown = Sha256::digest(shown.as_bytes());
        let known = self.digests.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Every key is compared whole, whichever is right.
        let right = known.iter().fold(subtle::Choice::from(0), |right, key| right | key[..].ct_eq(&shown[..]));
        match bool::from(right) {
            true => Ok(()),
            false => Err(Problem::new(Kind::Key, "the key is not one of this server's").at("Authorization")),
        }
    }
}

/// Digests of the keys in a file: one a line; empty lines and those that begin with `#` are left out.
fn read(path: &Path) -> Result<Vec<[u8; 32]>> {
    let wrong = |found| Error::File { path: path.to_owned(), expected: "a key a line", found };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let keys = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let digests: Vec<[u8; 32]> = keys.map(|key| Sha256::digest(key.as_bytes()).into()).collect();
    if digests.is_empty() { Err(wrong("none".to_owned())) } else { Ok(digests) }
}
