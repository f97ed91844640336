//! All files below a folder, as a value that can be compared.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The files below a folder by their paths, with their bytes. Hidden ones are left out: what a run remembers of its own
/// output lies in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Vec<u8>>);

impl Tree {
    /// What is there; nothing if the folder is not.
    ///
    /// # Panics
    /// If a file cannot be read.
    pub fn of(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        for path in visible_files(folder) {
            let name = path.strip_prefix(folder).expect("found below it").display().to_string();
            files.insert(name, fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
        Self(files)
    }

    /// The names of the files.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The bytes of a file.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Puts the files there, in the place of whatever is below `folder`.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn replace(&self, folder: &Path) {
        if folder.exists() {
            fs::remove_dir_all(folder).expect("the old folder can be removed");
        }
        for (name, bytes) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("it is below a folder")).expect("the folder can be made");
            fs::write(path, bytes).expect("the file can be written");
        }
    }

    /// Compares with the files below `expected`, or, with `TEXTMILL_UPDATE=1`, puts these there.
    ///
    /// # Panics
    /// If they are not the same, with the first difference.
    pub fn check(&self, expected: &Path) {
        if std::env::var_os("TEXTMILL_UPDATE").is_some() {
            return self.replace(expected);
        }
        self.check_same(
            &Self::of(expected),
            &format!("`{}`; TEXTMILL_UPDATE=1 replaces it", expected.display()),
        );
    }

    /// Compares with `expected`, which `what` names.
    ///
    /// # Panics
    /// If they are not the same, with the first difference.
    pub fn check_same(&self, expected: &Self, what: &str) {
        assert_eq!(self.names(), expected.names(), "the files, and those of {what}");
        for (name, bytes) in &self.0 {
            let other = &expected.0[name];
            assert!(bytes == other, "`{name}` is not that of {what}\n{}", difference(other, bytes));
        }
    }
}

/// Sorted by nobody: whoever asks puts them in order.
fn visible_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let entry = entry.expect("an entry of the folder");
            match entry.path() {
                _ if entry.file_name().as_encoded_bytes().starts_with(b".") => (),
                path if path.is_dir() => folders.push(path),
                path => files.push(path),
            }
        }
    }
    files
}

/// The first line in which two files differ, from a little before the place.
fn difference(expected: &[u8], found: &[u8]) -> String {
    let same = expected.iter().zip(found).take_while(|(left, right)| left == right).count();
    let line = expected.iter().take(same).filter(|byte| **byte == b'\n').count() + 1;
    let around = |bytes: &[u8]| {
        let end = bytes.len().min(same + 120);
        String::from_utf8_lossy(&bytes[same.saturating_sub(60).min(end)..end]).escape_debug().to_string()
    };
    format!("line {line}, byte {same}\nexpected ...{}\nfound    ...{}", around(expected), around(found))
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.0.iter().map(|(name, bytes)| (name, String::from_utf8_lossy(bytes)));
        f.debug_map().entries(texts).finish()
    }
}
