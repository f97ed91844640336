//! The name of the file that a document is written to.
//!
//! An id is whatever the input says: `../../etc/passwd`, `CON`, three hundred characters, a newline. Its file name is made
//! of harmless characters, and can be read back: what is not harmless is written as `%` and two digits for each byte, as
//! in URLs. Names are chosen so that they are files of their own where case does not count, too.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::pattern::MISSING;

const EXTENSION: &str = ".txt";
/// Of a part of the path, in bytes; most file systems allow 255.
pub(super) const MAX_PART: usize = 200;
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
    /// Files of an earlier run that stay.
    old: HashSet<String>,
}

impl Names {
    /// A name for the document, relative to the output folder, with `/`; `None` if there was one with this id.
    pub(super) fn claim(&mut self, id: &str) -> Option<String> {
        if !self.ids.insert(id.to_owned()) {
            return None;
        }
        let candidates = [readable(id), opaque(id)];
        // Names are made of ids alone, so whoever has this name has this id.
        if candidates.iter().any(|name| self.old.contains(name)) {
            return None;
        }
        let free = candidates.into_iter().find(|name| self.is_free(&name.to_lowercase()))?;
        self.insert(&free);
        Some(free)
    }

    /// A name for a file that is called so: this one, or one that is unlike all others where case does not count, and that
    /// is no folder of another.
    pub(super) fn claim_file(&mut self, name: &str) -> String {
        let mut claimed = String::new();
        let (folders, file) = name.rsplit_once('/').map_or((None, name), |(above, file)| (Some(above), file));
        for folder in folders.into_iter().flat_map(|folders| folders.split('/')) {
            let path = format!("{claimed}{folder}");
            let is_file = self.files.contains(&path.to_lowercase());
            claimed = if is_file { told_apart(&path) } else { path } + "/";
        }
        claimed.push_str(file);
        if !self.is_free(&claimed.to_lowercase()) {
            claimed = told_apart(&claimed);
        }
        self.insert(&claimed);
        claimed
    }

    /// A file of an earlier run stays, with its name.
    pub(super) fn keep(&mut self, name: &str) {
        self.old.insert(name.to_owned());
        self.insert(name);
    }

    /// Whether it is the name of a file of an earlier run that stays.
    pub(super) fn is_old(&self, name: &str) -> bool {
        self.old.contains(name)
    }

    fn insert(&mut self, name: &str) {
        let folded = name.to_lowercase();
        self.folders.extend(parents(&folded).map(ToOwned::to_owned));
        self.files.insert(folded);
    }

    fn is_free(&self, folded: &str) -> bool {
        let is_taken = self.files.contains(folded) || self.folders.contains(folded);
        !is_taken && parents(folded).all(|folder| !self.files.contains(folder))
    }
}

/// The id with its folders, and what cannot stand in a file name escaped.
fn readable(id: &str) -> String {
    // Of an id that is nothing else, it is not cut off: the empty id, which has no byte to be escaped, has that name.
    let id = id.strip_suffix(EXTENSION).filter(|id| !id.is_empty()).unwrap_or(id);
    let name = id.split('/').map(part).collect::<Vec<_>>().join("/") + EXTENSION;
    if name.len() > MAX_PATH { opaque(id) } else { name }
}

/// Every byte of the id escaped: ugly, and never equal to the name of another id.
fn opaque(id: &str) -> String {
    let mut name = String::with_capacity(id.len() * 3);
    id.bytes().for_each(|byte| escape(byte, &mut name));
    shorten(name, id, MAX_PART) + EXTENSION
}

/// A value as a part of a file name: one that can be read back, unless it has more than `most` bytes.
pub(super) fn value(value: &str, most: usize) -> String {
    if value == MISSING {
        return value.replacen('_', "%5F", 1);
    }
    shorten(part(value), value, most)
}

/// The name with a hash of itself before its extensions: `de/00000~2f1c98ab03d4e576.jsonl`.
fn told_apart(name: &str) -> String {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name.get(file..).and_then(|file| file.find('.'));
    let (before, after) = name.split_at(dot.map_or(name.len(), |dot| file + dot));
    format!("{before}~{}{after}", hash(name))
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
    shorten(name, part, MAX_PART)
}

/// `%` and `~` are ours; the others are control characters and those that some file system refuses.
fn is_unsafe(character: char) -> bool {
    character.is_control() || "%~/\\:*?\"<>|".contains(character)
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
fn shorten(name: String, id: &str, most: usize) -> String {
    if name.len() <= most {
        return name;
    }
    let hash = hash(id);
    let mut end = name.floor_char_boundary(most - hash.len() - 1);
    // Not in the middle of an escape.
    if let Some(escape) = name.get(..end).and_then(|name| name.rfind('%')).filter(|at| at + 3 > end) {
        end = escape;
    }
    format!("{}~{hash}", name.get(..end).unwrap_or_default())
}

fn hash(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text)[..8])
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
    use proptest::prelude::*;

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
        check(&[".txt", "", "x.TXT"], &["%2Etxt.txt", "%-.txt", "x.TXT.txt"]);
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
    fn values_are_parts_of_a_name() {
        let check = |written: &str, expect: &str| assert_eq!(value(written, 80), expect);
        check("de", "de");
        check("a/b", "a%2Fb");
        check("..", "%2E%2E");
        check("", "%-");
        check("CON", "%43ON");
        check(MISSING, "%5F_missing__");
        check("new\nline", "new%0Aline");
        assert_eq!(value(&"x".repeat(80), 80), "x".repeat(80));
        assert_eq!(value(&"x".repeat(81), 80).len(), 80);
        assert_ne!(value(&"x".repeat(81), 80), value(&"x".repeat(82), 80));
        assert_ne!(value(&"x".repeat(300), MAX_PART), value(&"x".repeat(301), MAX_PART));
    }

    #[test]
    fn files_are_told_apart_where_case_does_not_count() {
        let mut names = Names::default();
        assert_eq!(names.claim_file("EN/0.jsonl.gz"), "EN/0.jsonl.gz");
        let other = names.claim_file("en/0.jsonl.gz");
        assert!(other.starts_with("en/0~") && other.ends_with(".jsonl.gz"), "{other}");
        // A file where a folder is, and a folder where a file is.
        assert!(names.claim_file("EN").starts_with("EN~"));
        assert_eq!(names.claim_file("fr"), "fr");
        let folder = names.claim_file("Fr/0.jsonl");
        assert!(folder.starts_with("Fr~") && folder.ends_with("/0.jsonl"), "{folder}");
        assert_eq!(
            names.claim_file("Fr/1.jsonl").split_once('/').unwrap().0,
            folder.split_once('/').unwrap().0
        );
    }

    /// What a name was made of; `None` for one that was too long.
    fn read_back(name: &str) -> Option<String> {
        let part = |part: &str| {
            let mut bytes = Vec::new();
            let mut rest = part.bytes();
            while let Some(byte) = rest.next() {
                match byte {
                    b'~' => return None,
                    b'%' => {
                        let digits = [rest.next()?, rest.next()?];
                        bytes.extend(data_encoding::HEXUPPER.decode(&digits).ok()?);
                    }
                    byte => bytes.push(byte),
                }
            }
            String::from_utf8(bytes).ok()
        };
        let parts = name.strip_suffix(EXTENSION)?.split('/');
        let parts: Option<Vec<_>> =
            parts.map(|one| if one == "%-" { Some(String::new()) } else { part(one) }).collect();
        parts.map(|parts| parts.join("/"))
    }

    fn any_id() -> impl Strategy<Value = String> {
        const HOSTILE: &[&str] = &[
            "..",
            ".",
            "/",
            "../../etc/passwd",
            "CON",
            "nul.txt",
            "%",
            "~",
            "\0",
            "\n",
            "a",
            "A",
            "é",
            "É",
            ".txt",
        ];
        let piece = prop_oneof![prop::sample::select(HOSTILE).prop_map(ToOwned::to_owned), any::<String>()];
        prop_oneof![
            prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat()),
            (0..700_usize, any::<char>()).prop_map(|(count, character)| character.to_string().repeat(count)),
        ]
    }

    proptest! {
        /// Whatever the ids are: each has a file of its own below the folder, whose name says what the id was.
        #[test]
        fn any_id_has_a_file_of_its_own(ids in prop::collection::vec(any_id(), 0..20)) {
            let mut names = Names::default();
            let (mut files, mut folders) = (HashSet::new(), HashSet::new());
            for id in &ids {
                let Some(name) = names.claim(id) else { continue };
                for part in name.split('/') {
                    prop_assert!(!part.is_empty() && !part.starts_with('.') && part.len() <= 255, "{}", name);
                    prop_assert!(!part.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c)), "{}", name);
                }
                if let Some(found) = read_back(&name) {
                    prop_assert!(found == *id || id.strip_suffix(EXTENSION) == Some(&found), "{}: {}", name, found);
                }
                let folded = name.to_lowercase();
                folders.extend(parents(&folded).map(ToOwned::to_owned));
                prop_assert!(files.insert(folded), "{} is there twice", name);
            }
            prop_assert!(files.is_disjoint(&folders));
            let distinct: HashSet<_> = ids.iter().collect();
            prop_assert_eq!(files.len(), distinct.len(), "none is without a file");
        }
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
