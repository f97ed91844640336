//! Where `run.json` and the report go, and what may be replaced there.

use std::path::{Path, PathBuf};

use textmill::io::{self, Published};
use textmill_report as report;
use textmill_report::Run;

use crate::exit::Advised;

/// Where the record of the run goes whose output this is: into the hidden folder beside it. `None` where there is none,
/// because the output is a stream.
pub(crate) fn place_beside(output: &Published) -> Option<PathBuf> {
    let folder = io::state_folder(&output.path)?;
    folder.is_dir().then(|| folder.join(io::RUN_FILE))
}

/// Puts the record and the report beside it there, each whole or not at all. The record comes last, that of the output after
/// all others: where it is, the next run takes all of them to be there.
pub(crate) fn write(run: &Run, places: &[PathBuf]) -> Result<(), Advised> {
    let (record, report) = (run.to_json(), run.to_html());
    places.iter().try_for_each(|place| write_file(&place.with_file_name(io::REPORT_FILE), &report))?;
    places.iter().rev().try_for_each(|place| write_file(&place.with_file_name(io::RUN_FILE), &record))
}

fn write_file(path: &Path, text: &str) -> Result<(), Advised> {
    let failed = |error: String| Advised {
        message: format!("cannot write the record of the run: {error}"),
        hint: Some("the outputs are there, and whole".to_owned()),
    };
    if let Some(folder) = path.parent() {
        let error = |error| failed(format!("cannot make the folder `{}`: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(error)?;
    }
    io::replace_file(path, text.as_bytes()).map_err(|error| failed(error.to_string()))
}

/// Refuses what is no folder, and unless it may be overwritten one whose `run.json` or `report.html` somebody else has
/// written.
pub(crate) fn check_free(folder: &Path, overwrite: bool) -> Result<(), Advised> {
    if folder.is_file() {
        return Err(Advised {
            message: format!("`{}` is a file, and a report is a folder", folder.display()),
            hint: Some("name a folder; it is made if it is not there".to_owned()),
        });
    }
    if overwrite {
        return Ok(());
    }
    [io::RUN_FILE, io::REPORT_FILE].iter().try_for_each(|name| check_ours(&folder.join(name)))
}

/// Refuses a file that is neither a record nor a report of a run.
pub(crate) fn check_ours(path: &Path) -> Result<(), Advised> {
    let is_ours = |bytes: &[u8]| {
        report::is_report(bytes) || !matches!(Run::from_json(bytes), Err(report::ReadError::Other(_)))
    };
    match std::fs::read(path) {
        Ok(bytes) if !is_ours(&bytes) => Err(Advised {
            message: format!("`{}` was not written by textmill", path.display()),
            hint: Some("name another place for the report, or replace it with `--overwrite`".to_owned()),
        }),
        _ => Ok(()),
    }
}
