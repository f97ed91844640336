//! Runs that are over, found by whatever a person would name.

use std::path::{Path, PathBuf};

use textmill::io;
use textmill_report::{ReadError, Run};

use crate::exit::Advised;

/// What to name as a run.
const NAMES: &str = "name the output of a run, the folder of its report, or its `run.json`";

/// The record of a run, and where it lies.
pub(crate) fn find(named: &Path) -> Result<(PathBuf, Run), Advised> {
    let place = places(named).into_iter().find(|place| place.is_file()).ok_or_else(|| Advised {
        message: if named.exists() {
            format!("`{}` has no record of a run beside it", named.display())
        } else {
            format!("`{}` does not exist", named.display())
        },
        hint: Some(NAMES.to_owned()),
    })?;
    let unreadable = |error: &dyn std::fmt::Display, hint: &str| Advised {
        message: format!("`{}` cannot be read: {error}", place.display()),
        hint: Some(hint.to_owned()),
    };
    let json = std::fs::read(&place).map_err(|error| unreadable(&error, NAMES))?;
    let run = Run::from_json(&json).map_err(|error| match error {
        ReadError::Version(_) => unreadable(&error, "run the pipeline again"),
        ReadError::Other(_) => unreadable(&error, NAMES),
    })?;
    Ok((place, run))
}

/// Where the record can be, most likely first.
fn places(named: &Path) -> Vec<PathBuf> {
    let itself = named.extension().is_some_and(|extension| extension == "json").then(|| named.to_owned());
    let beside = io::state_folder(named).map(|folder| folder.join(io::RUN_FILE));
    itself.into_iter().chain([named.join(io::RUN_FILE)]).chain(beside).collect()
}
