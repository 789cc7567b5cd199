//! Which files of a repository are fetched.

use super::error::FetchError;
use super::listing::Listing;
use crate::error::Result;
use crate::{CARD, METRICS, MODEL, RECIPE, TOKENIZER};

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
        return fail(
            "the model has no config.json; bitspike reads checkpoints in the layout of Hugging Face transformers only",
        );
    }
    files.push("config.json");
    files.extend(["tokenizer_config.json", "special_tokens_map.json"].into_iter().filter(has));
    match [MODEL, "pytorch_model.bin"].into_iter().find(has) {
        Some(weights) => files.push(weights),
        None if has(&"model.safetensors.index.json") => {
            return fail(
                "the model's weights are split over several files, which bitspike does not read; it is too large for it",
            );
        }
        None => return fail("the model has neither model.safetensors nor pytorch_model.bin"),
    }
    Ok(files.into_iter().map(str::to_owned).collect())
}
