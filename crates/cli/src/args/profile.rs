//! `--profile`

use std::path::Path;

use anyhow::Result;
use bitspike_analysis::Error;
use bitspike_analysis::energy::Profile;

use super::wrong_value;

/// The profile of that name, or of that file.
pub(crate) fn profile(argument: &str) -> Result<Profile> {
    match Profile::find(argument) {
        Err(error @ Error::Invalid { .. }) if !Path::new(argument).exists() => Err(wrong_value("--profile", &error)),
        found => Ok(found?),
    }
}
