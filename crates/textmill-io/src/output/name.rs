//! The name of the file that a document is written to.
//!
//! An id is whatever the input says: `../../etc/passwd`, `CON`, three hundred characters, a newline. Its file name is made
//! of harmless characters, and can be read back: what is not harmless is written as `%` and two digits for each byte, as
//! in URLs. Names are chosen so that they are files of their own where case does not count, too.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

const EXTENSION: &str = ".txt";
/// Of a part of the path, in bytes; most file systems allow 255.
const MAX_PART: usize = 200;
/// Of the whole path, in bytes; most systems allow 4096, and the output folder needs some.
const MAX_PATH: usize = 1000;
/// Device names of Windows, with whatever extension.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Names that were given, so that no two documents get the same.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Files and the folders above them, in lower case.
    files: HashSet<String>,
    folders: HashSet<String>,
    ids: HashSet<String>,
}

impl Names {
    /// A name for the document, relative to the output folder, with `/`; `None` if there was one with this id.
    pub(super) fn claim(&mut self, id: &str) -> Option<String> {
        if !self.ids.insert(id.to_owned()) {
            return None;
        }
        let candidates = [readable(id), opaque(id)];
        let free = candidates.into_iter().find(|name| self.is_free(&name.to_lowercase()))?;
        let folded = free.to_lowercase();
        self.folders.extend(parents(&folded).map(ToOwned::to_owned));
        self.files.insert(folded);
        Some(free)
    }

    fn is_free(&self, folded: &str) -> bool {
        let is_taken = self.files.contains(folded) || self.folders.contains(folded);
        !is_taken && parents(folded).all(|folder| !self.files.contains(folder))
    }
}

/// The id with its folders, and what cannot stand in a file name escaped.
fn readable(id: &str) -> String {
    let id = id.strip_suffix(EXTENSION).unwrap_or(id);
    let name = id.split('/').map(part).collect::<Vec<_>>().join("/") + EXTENSION;
    if name.len() > MAX_PATH { opaque(id) } else { name }
}

/// Every byte of the id escaped: ugly, and never equal to the name of another id.
fn opaque(id: &str) -> String {
    let mut name = String::with_capacity(id.len() * 3);
    id.bytes().for_each(|byte| escape(byte, &mut name));
    shorten(name, id) + EXTENSION
}

fn part(part: &str) -> String {
    match part {
        // So that `a//b` is not `a/b`.
        "" => return "%-".to_owned(),
        "." | ".." => return part.replace('.', "%2E"),
        _ => (),
    }
    let mut name = String::with_capacity(part.len());
    let last = part.chars().count() - 1;
    for (index, character) in part.chars().enumerate() {
        let is_hidden = index == 0 && character == '.';
        let is_cut_by_windows = index == last && matches!(character, '.' | ' ');
        let starts_device = index == 0 && is_reserved(part);
        if is_unsafe(character) || is_hidden || is_cut_by_windows || starts_device {
            character.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| escape(byte, &mut name));
        } else {
            name.push(character);
        }
    }
    shorten(name, part)
}

/// `%` and `~` are ours; the others are control characters and those that some file system refuses.
fn is_unsafe(character: char) -> bool {
    character.is_control() || "%~\\:*?\"<>|".contains(character)
}

fn is_reserved(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_lowercase();
    let is_port = |name: &str| {
        stem.strip_prefix(name)
            .is_some_and(|rest| rest.chars().count() == 1 && "0123456789¹²³".contains(rest))
    };
    RESERVED.contains(&stem.as_str()) || is_port("com") || is_port("lpt")
}

/// Cuts what is too long, and tells it from others that begin alike by a hash.
fn shorten(name: String, id: &str) -> String {
    if name.len() <= MAX_PART {
        return name;
    }
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(id)[..8]);
    let mut end = name.floor_char_boundary(MAX_PART - hash.len() - 1);
    // Not in the middle of an escape.
    if let Some(escape) = name.get(..end).and_then(|name| name.rfind('%')).filter(|at| at + 3 > end) {
        end = escape;
    }
    format!("{}~{hash}", name.get(..end).unwrap_or_default())
}

fn escape(byte: u8, name: &mut String) {
    name.push('%');
    name.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
}

/// The folders above a path, the deepest last.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ids: &[&str], expected: &[&str]) {
        let mut names = Names::default();
        let found: Vec<_> = ids.iter().filter_map(|id| names.claim(id)).collect();
        assert_eq!(found, expected, "{ids:?}");
    }

    #[test]
    fn ids_become_harmless_names() {
        check(&["a", "b.txt", "c/d.txt", "e.jsonl#12"], &["a.txt", "b.txt", "c/d.txt", "e.jsonl#12.txt"]);
        check(&["../../etc/passwd"], &["%2E%2E/%2E%2E/etc/passwd.txt"]);
        check(&["/etc/passwd", "a//b", ""], &["%-/etc/passwd.txt", "a/%-/b.txt", "%-.txt"]);
        check(
            &["C:\\x", "a\nb", "a\0b", "50%", "x~y"],
            &["C%3A%5Cx.txt", "a%0Ab.txt", "a%00b.txt", "50%25.txt", "x%7Ey.txt"],
        );
        check(
            &["CON", "nul.txt", "con.x/a", "com1", "common"],
            &["%43ON.txt", "%6Eul.txt", "%63on.x/a.txt", "%63om1.txt", "common.txt"],
        );
        check(&[".textmill/manifest.json", ".hidden"], &["%2Etextmill/manifest.json.txt", "%2Ehidden.txt"]);
        check(&["a.", "a ", "née"], &["a%2E.txt", "a%20.txt", "née.txt"]);
        check(&[".txt", "x.TXT"], &["%-.txt", "x.TXT.txt"]);
    }

    #[test]
    fn no_two_documents_share_a_file() {
        check(&["a", "A"], &["a.txt", "%41.txt"]);
        check(&["a", "a.txt"], &["a.txt", "%61%2E%74%78%74.txt"]);
        check(&["a", "a"], &["a.txt"]);
        check(&["a.txt", "a.txt/b"], &["a.txt", "%61%2E%74%78%74%2F%62.txt"]);
        check(&["a.txt/b", "a"], &["a.txt/b.txt", "%61.txt"]);
        check(&["É", "é"], &["É.txt", "%C3%A9.txt"]);
    }

    #[test]
    fn long_ids_are_cut_and_told_apart() {
        let long = "x".repeat(300);
        let mut names = Names::default();
        let first = names.claim(&format!("{long}1")).unwrap();
        let second = names.claim(&format!("{long}2")).unwrap();
        assert_ne!(first, second);
        assert!(first.len() <= MAX_PART + EXTENSION.len(), "{first}");
        assert!(names.claim(&"é/".repeat(5000)).unwrap().len() <= MAX_PART + EXTENSION.len());
        assert!(names.claim(&"\u{1}".repeat(300)).unwrap().is_char_boundary(10));
    }
}
