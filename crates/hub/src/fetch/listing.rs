//! What a commit holds: file names, sizes and checksums, as the hub's API tells them.

use serde::{Deserialize, Serialize};

use super::error::AnswerError;
use crate::names::{is_commit, is_hex, local_path};

/// The files of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// 40 hexadecimal digits.
    pub(super) commit: String,
    /// The repository's id as the hub has it now; a renamed repository still answers to its old id.
    pub(super) repository: String,
    /// Every file, in the hub's order.
    pub(super) files: Vec<RemoteFile>,
}

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoteFile {
    /// Name in the repository, with `/`, checked to stay inside a folder it is joined to.
    pub(super) path: String,
    /// Bytes, if the server told them.
    pub(super) size: Option<u64>,
    /// Checksum, if the server told it: 64 hexadecimal digits are a SHA-256, 40 are git's blob SHA-1.
    pub(super) etag: Option<String>,
}

impl Listing {
    /// Reads the API's answer to `/api/{kind}s/{id}/revision/{revision}?blobs=true`.
    ///
    /// # Errors
    /// If it is not that, or if a name or checksum in it could be used to write outside the cache.
    pub(super) fn from_api(answer: &[u8], asked: &str) -> Result<Self, AnswerError> {
        #[derive(Deserialize)]
        struct Answer {
            sha: String,
            id: Option<String>,
            #[serde(default)]
            siblings: Vec<Sibling>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Sibling {
            rfilename: String,
            size: Option<u64>,
            blob_id: Option<String>,
            lfs: Option<Large>,
        }
        #[derive(Deserialize)]
        struct Large {
            sha256: Option<String>,
            size: Option<u64>,
        }
        let answer: Answer = serde_json::from_slice(answer)?;
        let file = |sibling: Sibling| match sibling.lfs {
            // The blob of a large file is a pointer to it, so its own SHA-1 says nothing about the content.
            Some(large) => {
                RemoteFile { path: sibling.rfilename, size: large.size.or(sibling.size), etag: large.sha256 }
            }
            None => RemoteFile { path: sibling.rfilename, size: sibling.size, etag: sibling.blob_id },
        };
        let files = answer.siblings.into_iter().map(file).collect();
        let listing = Self { commit: answer.sha, repository: answer.id.unwrap_or_else(|| asked.to_owned()), files };
        listing.check()?;
        Ok(listing)
    }

    /// Checks everything that becomes a path.
    ///
    /// # Errors
    /// If the commit or an etag is not a hash, or a file name could lead outside its folder.
    pub(super) fn check(&self) -> Result<(), AnswerError> {
        if !is_commit(&self.commit) {
            return Err(AnswerError::Commit(self.commit.clone()));
        }
        for RemoteFile { path, etag, .. } in &self.files {
            if local_path(path).is_none() {
                return Err(AnswerError::FileName(path.clone()));
            }
            if let Some(etag) = etag.as_ref().filter(|etag| !is_etag(etag)) {
                return Err(AnswerError::Checksum { etag: etag.clone(), file: path.clone() });
            }
        }
        Ok(())
    }

    /// Names of all files.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// The files with these names.
    pub(super) fn named<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a RemoteFile> {
        self.files.iter().filter(|file| names.contains(&file.path))
    }
}

/// Whether `text` is a checksum that names a blob: SHA-256, or git's SHA-1.
pub(super) fn is_etag(text: &str) -> bool {
    is_hex(text, 64) || is_hex(text, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn answer(name: &str, sha: &str, blob: &str) -> Vec<u8> {
        let file = serde_json::json!({ "rfilename": name, "size": 3, "blobId": blob });
        serde_json::to_vec(&serde_json::json!({ "sha": sha, "id": "a/b", "siblings": [file], "tags": [] })).unwrap()
    }

    #[test]
    fn large_files_carry_the_checksum_of_their_content() {
        let sha256 = "ab".repeat(32);
        let json = format!(
            r#"{{"sha":"{COMMIT}","siblings":[{{"rfilename":"m.bin","size":9,"blobId":"{COMMIT}",
               "lfs":{{"sha256":"{sha256}","size":9,"pointerSize":134}}}},{{"rfilename":"README.md"}}]}}"#
        );
        let listing = Listing::from_api(json.as_bytes(), "a/b").unwrap();
        assert_eq!(listing.repository, "a/b");
        assert_eq!(listing.files[0], RemoteFile { path: "m.bin".into(), size: Some(9), etag: Some(sha256) });
        assert_eq!(listing.files[1].etag, None);
        let kept = serde_json::to_vec(&listing).unwrap();
        assert_eq!(serde_json::from_slice::<Listing>(&kept).unwrap(), listing);
    }

    #[test]
    fn hostile_answers_are_refused() {
        assert!(Listing::from_api(&answer("a.txt", COMMIT, COMMIT), "a/b").is_ok());
        for (name, sha, blob, says) in [
            ("../x", COMMIT, COMMIT, "outside"),
            ("/x", COMMIT, COMMIT, "outside"),
            ("a", "../../x", COMMIT, "commit"),
            ("a", COMMIT, "../../x", "checksum"),
        ] {
            let error = Listing::from_api(&answer(name, sha, blob), "a/b").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(Listing::from_api(b"<html>", "a/b").is_err());
    }
}
