//! The text of a pipeline file.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Diagnostics;
use crate::diagnostic::{Diagnostic, Spot, Text};

/// The text of a pipeline file, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file, as it was named; relative paths in the text start from its folder.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// Reads a pipeline file.
    ///
    /// # Errors
    /// If there is no such file, it cannot be read, or it is not UTF-8.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, Diagnostics> {
        let path = path.into();
        let bytes = std::fs::read(&path).map_err(|error| unreadable(&path, &error))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => Err(not_utf8(&path, &error)),
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostics {
    let shown = path.display();
    let (why, hint) = match error.kind() {
        _ if path.is_dir() => ("it is a folder".to_owned(), offer(path, None)),
        ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            ("there is no such file".to_owned(), offer(folder.unwrap_or(Path::new(".")), path.file_name()))
        }
        ErrorKind::PermissionDenied => ("permission denied".to_owned(), None),
        _ => (error.to_string(), None),
    };
    Diagnostic::nowhere(format!("cannot read the pipeline file `{shown}`: {why}"))
        .with_hint(hint.as_deref())
        .into()
}

/// A pipeline file of the folder that may be meant: the one most like `name`, or the only one.
fn offer(folder: &Path, name: Option<&std::ffi::OsStr>) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "toml"))
        .collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = match (name.and_then(|name| name.to_str()), names.as_slice()) {
        (Some(name), names) => crate::suggest::nearest(name, names)?,
        (None, [only]) => only,
        (None, _) => return None,
    };
    let found = if folder == Path::new(".") { PathBuf::from(found) } else { folder.join(found) };
    Some(format!("did you mean `{}`?", found.display()))
}

/// Shows the line of the first bytes that are not UTF-8, with a replacement character in their place.
fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Diagnostics {
    let start = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let text = Arc::new(Text { name: path.display().to_string(), text });
    let spot = Spot { text, span: start..start + char::REPLACEMENT_CHARACTER.len_utf8() };
    Diagnostic::at(&spot, "a pipeline file must be UTF-8")
        .with_label("these bytes are not")
        .with_hint(Some("save the file as UTF-8"))
        .into()
}
