//! The pipeline files that a command names, by themselves or by folders they lie in.

use std::path::{Path, PathBuf};

use crate::exit::Advised;

/// The files that are named, and in folders those that have a table of this name; by name.
pub(super) fn find(paths: &[PathBuf], table: &str) -> Result<Vec<PathBuf>, Advised> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(below(path, &format!("[[{table}]]"))?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Those below a folder; hidden folders are none of ours. Cargo has tables of the same name in files of its own.
fn below(folder: &Path, header: &str) -> Result<Vec<PathBuf>, Advised> {
    let mut found = Vec::new();
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|error| Advised {
            message: format!("cannot list the folder `{}`: {error}", folder.display()),
            hint: None,
        })?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() && !name.starts_with('.') {
            found.extend(below(&path, header)?);
        } else if path.extension().is_some_and(|it| it == "toml")
            && name != "Cargo.toml"
            && has_table(&path, header)
        {
            found.push(path);
        }
    }
    Ok(found)
}

fn has_table(path: &Path, header: &str) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().any(|line| line.trim_start().starts_with(header))
}

/// The paths in a sentence.
pub(super) fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}
