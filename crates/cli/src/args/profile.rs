//! `--profile`

use std::path::Path;

use anyhow::Result;
use bitspike_analysis::energy::Profile;

/// The profile of that name, or of that file.
pub(crate) fn profile(name: &str) -> Result<Profile> {
    let path = Path::new(name);
    let is_file = path.extension().is_some() || path.components().count() > 1;
    Ok(if is_file { Profile::load(path)? } else { Profile::named(name)? })
}
