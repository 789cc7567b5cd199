//! Which files of a repository are fetched.

use super::error::FetchError;
use super::listing::Listing;
use crate::error::Result;
use crate::{CARD, METRICS, MODEL, RECIPE, TOKENIZER};

/// Which files hold weights that are split over several.
const MODEL_INDEX: &str = "model.safetensors.index.json";
const PYTORCH_INDEX: &str = "pytorch_model.bin.index.json";

/// The data set that holds GLUE as Parquet files, one folder a task.
pub(super) const GLUE: &str = "nyu-mll/glue";

/// The Parquet files of the task in the folder `prefix`.
pub(super) fn task_files(listing: &Listing, prefix: &str) -> Result<Vec<String>> {
    let is_task = |path: &&str| path.starts_with(prefix) && path.ends_with(".parquet");
    let files: Vec<String> = listing.paths().filter(is_task).map(str::to_owned).collect();
    let missing = |split: &&str| !files.iter().any(|file| file[prefix.len()..].starts_with(split));
    match ["train", "validation"].into_iter().find(missing) {
        None => Ok(files),
        Some(split) => {
            let what =
                format!("dataset `{GLUE}` has no {prefix}{split}*.parquet at this revision; try --revision main");
            Err(FetchError::Incomplete(what).into())
        }
    }
}

/// What a BERT checkpoint needs: configuration, tokeniser, weights (safetensors rather than PyTorch's pickle, if there are
/// both). Of a model that bitspike packed, which has figures instead of a configuration, everything.
pub(super) fn model_files(listing: &Listing) -> Result<Vec<String>> {
    let has = |name: &&str| listing.paths().any(|path| path == *name);
    let fail = |what: &str| Err(FetchError::Incomplete(what.to_owned()).into());
    if [MODEL, METRICS].iter().all(has) && !has(&"config.json") {
        let files = [MODEL, TOKENIZER, METRICS, RECIPE, CARD].into_iter().filter(has);
        return Ok(files.map(str::to_owned).collect());
    }
    let mut files: Vec<&str> = [TOKENIZER, "vocab.txt"].into_iter().filter(has).collect();
    if files.is_empty() {
        return fail("the model has neither tokenizer.json nor vocab.txt; bitspike reads BERT-family checkpoints only");
    }
    if !has(&"config.json") {
        return fail(match has(&"adapter_config.json") {
            true => bitspike::config::ADAPTER,
            false => {
                "the model has no config.json; bitspike reads checkpoints in the layout of Hugging Face transformers only"
            }
        });
    }
    files.push("config.json");
    files.extend(["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"].into_iter().filter(has));
    match [MODEL, MODEL_INDEX, "pytorch_model.bin", PYTORCH_INDEX].into_iter().find(has) {
        Some(weights) => files.push(weights),
        None => return fail("the model has neither model.safetensors nor pytorch_model.bin, whole or split"),
    }
    Ok(files.into_iter().map(str::to_owned).collect())
}

/// The file of `files` that says which others hold the weights, if they are split.
pub(super) fn index(files: &[String]) -> Option<&String> {
    files.iter().find(|file| [MODEL_INDEX, PYTORCH_INDEX].contains(&file.as_str()))
}

/// The files that an index names.
pub(super) fn parts(listing: &Listing, index: &[u8]) -> Result<Vec<String>> {
    let fail = |what: String| Err(FetchError::Incomplete(what).into());
    let found: serde_json::Value = match serde_json::from_slice(index) {
        Ok(found) => found,
        Err(e) => return fail(format!("the model's index of split weights is not JSON: {e}")),
    };
    let map = found["weight_map"].as_object().into_iter().flatten();
    let mut files: Vec<String> = map.filter_map(|(_, file)| Some(file.as_str()?.to_owned())).collect();
    files.sort_unstable();
    files.dedup();
    match files.iter().find(|file| listing.paths().all(|path| path != **file)) {
        None if !files.is_empty() => Ok(files),
        None => fail("the model's index of split weights names no file".into()),
        Some(file) => fail(format!("the model's index of split weights names {file}, which the model has not")),
    }
}
