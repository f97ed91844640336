//! Where plugins are looked for that a pipeline file names without a path.
//!
//! Whoever can put a file into one of these folders can run code, so the list is short, in an order that can be said in a
//! sentence, and never holds the current folder unless somebody wrote it down for this very command.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Result};

/// Folders in the order in which they are searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginPath {
    folders: Vec<PathBuf>,
}

/// The environment variable that lists folders as `PATH` does.
const VARIABLE: &str = "TEXTMILL_PLUGIN_PATH";

impl PluginPath {
    /// These folders and no others.
    pub fn new(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// `first` (those of the command line), then the folders of `TEXTMILL_PLUGIN_PATH`, then `textmill/plugins` in the
    /// user's data folder: `$XDG_DATA_HOME`, or `~/.local/share`.
    ///
    /// What the environment says counts only where it is an absolute path: the meaning of a relative one, and of the empty
    /// one that a colon too many makes, changes with the current folder.
    pub fn from_environment(first: Vec<PathBuf>) -> Self {
        let set = |name| std::env::var_os(name);
        Self::from_values(first, set(VARIABLE).as_deref(), set("XDG_DATA_HOME"), std::env::home_dir())
    }

    fn from_values(
        first: Vec<PathBuf>,
        listed: Option<&OsStr>,
        data: Option<OsString>,
        home: Option<PathBuf>,
    ) -> Self {
        let listed: Vec<_> = listed.into_iter().flat_map(std::env::split_paths).collect();
        let data = data.map(PathBuf::from).filter(|data| data.is_absolute());
        let data = data.or_else(|| Some(home?.join(".local/share")));
        let data = data.map(|data| data.join("textmill").join("plugins"));
        let of_environment = listed.into_iter().chain(data).filter(|folder| folder.is_absolute());
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in first.into_iter().chain(of_environment) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        Self { folders }
    }

    /// The folders, in their order.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The library of this name: the first file that is there. Whether it is any good is not asked: one that is not must
    /// not lead on to another of the same name.
    ///
    /// # Errors
    /// If no folder has it, or if a folder cannot be searched.
    pub fn find(&self, name: &str) -> Result<PathBuf> {
        let names = file_names(name);
        for path in self.folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name))) {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Ok(path),
                Err(error) if is_absent(&error) && fs::symlink_metadata(&path).is_err() => {}
                Err(error) => return Err(Error::io(path, "cannot open the plugin", error)),
            }
        }
        Err(self.not_found(name, &names))
    }

    /// The libraries that [`PluginPath::find`] can find by some name, in the order of the folders and by name; nothing is
    /// opened. A library is here a file with the ending that libraries have on this system.
    ///
    /// # Errors
    /// If a folder that is there cannot be listed.
    pub fn libraries(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for folder in &self.folders {
            match fs::read_dir(folder) {
                Ok(entries) => {
                    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
                    let mut paths: Vec<_> = paths.filter(|path| is_library(path)).collect();
                    paths.sort();
                    found.extend(paths);
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(Error::io(folder, "cannot list the folder of plugins", error)),
            }
        }
        Ok(found)
    }

    fn not_found(&self, name: &str, names: &[String]) -> Error {
        let quoted =
            |items: Vec<String>| items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", ");
        let folders = quoted(self.folders.iter().map(|folder| folder.display().to_string()).collect());
        let looked = match self.folders.as_slice() {
            [] => "there is no folder to look in".to_owned(),
            _ => format!("looked for {} in {folders}, in this order", quoted(names.to_vec())),
        };
        let message = format!("there is no plugin `{name}` in the folders of plugins");
        let is_file = name.ends_with(std::env::consts::DLL_SUFFIX);
        let own = names.first().filter(|_| !is_file).map_or(name, String::as_str);
        Error::new(ErrorKind::NotFound, "", message).with_hint(format!(
            "{looked}; name another folder with `--plugin-dir`, or write a path, as in `./{own}`"
        ))
    }
}

/// The file names that a plugin's name stands for: that of a library on this system, as cargo and as a C compiler would
/// name it, and the name itself.
fn file_names(name: &str) -> Vec<String> {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let mut names = vec![format!("{DLL_PREFIX}{}{DLL_SUFFIX}", name.replace('-', "_"))];
    for other in [format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"), name.to_owned()] {
        if !names.contains(&other) {
            names.push(other);
        }
    }
    names
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(std::env::consts::DLL_SUFFIX) && !name.starts_with('.') && path.is_file()
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn folders_in_their_order() {
        let check = |first: &[&str], listed: &str, data: &str, expect: &[&str]| {
            let first = first.iter().map(PathBuf::from).collect();
            let set = |text: &str| (!text.is_empty()).then(|| OsString::from(text));
            let listed = set(listed);
            let path = PluginPath::from_values(first, listed.as_deref(), set(data), Some("/home/me".into()));
            assert_eq!(path.folders(), expect.iter().map(PathBuf::from).collect::<Vec<_>>());
        };
        let home = "/home/me/.local/share/textmill/plugins";
        check(&[], "", "", &[home]);
        check(&["here", "/a"], "/b:/c", "/d", &["here", "/a", "/b", "/c", "/d/textmill/plugins"]);
        check(&["."], "/b:/b:.:::x", "share", &[".", "/b", home]);
        check(&[], &format!("{home}:/b"), "", &[home, "/b"]);
    }
}
