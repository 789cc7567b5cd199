//! The folder of a teacher that is named as on the hub.

use std::path::{Path, PathBuf};

use anyhow::Result;
use bitspike_hub::{Registry, split_revision};

/// The folder that `model` means: itself, if it is there; else that of the repository OWNER/NAME, or OWNER/NAME@REVISION, in the hub's
/// cache; else the same fetched from the hub.
///
/// # Errors
/// If there is neither such a folder nor such a repository, or it is no BERT.
pub(crate) fn teacher_folder(model: &Path) -> Result<PathBuf> {
    if model.exists() {
        return Ok(model.to_owned());
    }
    let name = model.to_string_lossy();
    if let Some(folder) = Registry::from_env().teacher(&name)? {
        return Ok(folder);
    }
    match is_repository(&name) {
        true => fetch(&name),
        false => anyhow::bail!("{name}: no such folder; give one of a Hugging Face BERT, or OWNER/NAME on the hub"),
    }
}

/// Whether it is OWNER/NAME, with a revision or not, rather than a path.
fn is_repository(name: &str) -> bool {
    let (id, _) = split_revision(name);
    id.split_once('/').is_some_and(|(owner, name)| bitspike_hub::is_name(owner) && bitspike_hub::is_name(name))
}

#[cfg(feature = "download")]
fn fetch(name: &str) -> Result<PathBuf> {
    use anyhow::Context;
    use bitspike_hub::{Hub, HubConfig};

    use crate::download_progress::DownloadProgress;
    use crate::output::say;

    let (id, revision) = split_revision(name);
    let progress = DownloadProgress::new();
    let observe = |happened: bitspike_hub::Progress<'_>| progress.show(happened);
    let fetched =
        HubConfig::from_env().and_then(|config| Hub::new(config, &observe).model(id, revision.unwrap_or("main")));
    let fetched = fetched.with_context(|| format!("{name}: no such folder, so it was looked for on the hub"))?;
    say(format_args!("{name}: {} files at commit {}", fetched.files.len(), fetched.commit));
    Ok(fetched.folder)
}

#[cfg(not(feature = "download"))]
fn fetch(name: &str) -> Result<PathBuf> {
    anyhow::bail!("{name}: no such folder, and no model of that name in the hub's cache")
}

#[cfg(test)]
mod tests;
