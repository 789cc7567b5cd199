//! Where the hub and its cache are, from the environment variables that the hub's other tools use.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// Everything about the hub that the environment decides.
#[derive(Clone, PartialEq, Eq)]
pub struct HubConfig {
    /// `HF_ENDPOINT` without a trailing slash, else `https://huggingface.co`.
    pub endpoint: String,
    /// `HF_TOKEN`, else the file that `HF_TOKEN_PATH` names, else `$HF_HOME/token`.
    pub token: Option<String>,
    /// `HF_HUB_CACHE`, else `$HF_HOME/hub`; see the crate's page for the rest.
    pub cache: PathBuf,
    /// `HF_HUB_OFFLINE`: never open a connection.
    pub offline: bool,
}

impl HubConfig {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// If a variable has a value that cannot be used, or no cache folder can be named because there is no home folder.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    }

    /// The same, with the variables given by `variable`.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        let wrong = |variable, problem: String| Error::Variable { variable, problem };
        let text = |name: &'static str| match variable(name).map(|value| value.into_os_string().into_string()) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value.trim().to_owned())),
            Some(Err(_)) => Err(wrong(name, " is not valid UTF-8".into())),
        };
        let endpoint = text("HF_ENDPOINT")?.unwrap_or_else(|| "https://huggingface.co".into());
        if !["https://", "http://"].iter().any(|scheme| endpoint.starts_with(scheme)) {
            let problem = format!(": expected an address such as https://huggingface.co, found `{endpoint}`");
            return Err(wrong("HF_ENDPOINT", problem));
        }
        let offline = match text("HF_HUB_OFFLINE")?.unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "0" | "off" | "no" | "false" => false,
            "1" | "on" | "yes" | "true" => true,
            other => return Err(wrong("HF_HUB_OFFLINE", format!(": expected 1 or 0, found `{other}`"))),
        };
        let home = || variable("HOME").or_else(std::env::home_dir);
        let hub_home = variable("HF_HOME")
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("huggingface")))
            .or_else(|| Some(home()?.join(".cache").join("huggingface")));
        let cache = variable("HF_HUB_CACHE").or_else(|| Some(hub_home.as_ref()?.join("hub"))).ok_or(Error::NoCache)?;
        let file = || variable("HF_TOKEN_PATH").or_else(|| Some(hub_home?.join("token")));
        // Most users have none; an unreadable one would be as good as none for every public repository.
        let token = text("HF_TOKEN")?.or_else(|| std::fs::read_to_string(file()?).ok());
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| !token.bytes().all(|b| b.is_ascii_graphic())) {
            // The value itself stays out of the message: it is a secret.
            let problem = " holds characters that no token has (a space, a line break?); set it again or unset it";
            return Err(wrong("HF_TOKEN", problem.into()));
        }
        Ok(Self { endpoint: endpoint.trim_end_matches('/').to_owned(), token, cache, offline })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<HubConfig> {
        HubConfig::from_variables(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| PathBuf::from(v)))
    }

    #[test]
    fn cache_folder_follows_the_documented_order() {
        let mut variables = vec![("HOME", "/h")];
        for (name, value, cache) in [
            ("HOME", "/h", "/h/.cache/huggingface/hub"),
            ("XDG_CACHE_HOME", "/x", "/x/huggingface/hub"),
            ("HF_HOME", "/hf", "/hf/hub"),
            ("HF_HUB_CACHE", "/c", "/c"),
        ] {
            variables.push((name, value));
            let config = config(&variables).unwrap();
            assert_eq!(config.cache, PathBuf::from(cache));
            assert_eq!(config.endpoint, "https://huggingface.co");
            assert!(!config.offline);
        }
    }

    #[test]
    fn token_from_the_variable_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "from-file\n").unwrap();
        let home = ("HF_HOME", folder.path().to_str().unwrap());
        assert_eq!(config(&[home]).unwrap().token.as_deref(), Some("from-file"));
        assert_eq!(config(&[home, ("HF_TOKEN", " from-variable ")]).unwrap().token.as_deref(), Some("from-variable"));
    }

    #[test]
    fn values_that_cannot_be_used_are_named() {
        for (name, value) in [("HF_ENDPOINT", "huggingface.co"), ("HF_HUB_OFFLINE", "maybe"), ("HF_TOKEN", "a b")] {
            let Err(error) = config(&[("HOME", "/h"), (name, value)]) else { panic!("{name}={value} was accepted") };
            assert!(error.to_string().contains(name), "{error}");
        }
        let mirror = config(&[("HOME", "/h"), ("HF_ENDPOINT", "http://localhost:8080/hf/"), ("HF_HUB_OFFLINE", "ON")]);
        let mirror = mirror.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((mirror.endpoint.as_str(), mirror.offline), ("http://localhost:8080/hf", true));
    }
}
