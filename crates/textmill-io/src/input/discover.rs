//! Which files a path, a folder or a glob stands for, and what they are called.
//!
//! A file is named relative to the root of the input: the deepest folder that holds all that was asked for. So the names,
//! and with them the ids, do not depend on where the input lies, and two folders that are read at once do not collide.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use super::{InputFile, InputOptions, no_input};
use crate::format::{InputFormat, NameSays};
use crate::output::SUCCESS;
use crate::{Error, ErrorKind, Result};

/// What standard input is called in ids and messages.
const STDIN_NAME: &str = "stdin";

/// The files of the input.
pub(super) struct Found {
    pub(super) files: Vec<InputFile>,
    pub(super) skipped: Vec<String>,
}

/// A uri, understood: the folder that its files are named after, and the files in order.
struct Place {
    base: PathBuf,
    files: Vec<(PathBuf, Option<InputFormat>)>,
    skipped: Vec<PathBuf>,
}

/// How files that a walk finds are chosen.
struct Choice<'a> {
    glob: Option<GlobMatcher>,
    format: Option<InputFormat>,
    /// Also files whose extension says nothing.
    takes_unknown: bool,
    exclude: &'a [PathBuf],
}

pub(super) fn discover(options: &InputOptions) -> Result<Found> {
    let places: Vec<_> = options.uris.iter().map(|uri| place(uri, options)).collect::<Result<_>>()?;
    let root = common_root(&places);
    let mut found = Found { files: Vec::new(), skipped: Vec::new() };
    let mut seen = BTreeSet::new();
    for place in places {
        found.skipped.extend(place.skipped.iter().map(|path| name_of(path, &root)));
        let new = place.files.into_iter().filter(|(path, _)| seen.insert(path.clone()));
        found.files.extend(new.map(|(path, format)| input_file(path, format, &root)));
    }
    if found.files.is_empty() {
        return Err(no_input("", "there is nothing to read")
            .with_hint("name a file, folder or glob as `uri` in `[input]`, or on the command line"));
    }
    Ok(found)
}

fn place(uri: &str, options: &InputOptions) -> Result<Place> {
    let path = Path::new(uri);
    match fs::metadata(path) {
        _ if uri == "-" => Ok(stdin(options)),
        Ok(metadata) if metadata.is_dir() => folder(path, options),
        Ok(_) => Ok(file(path, options)),
        Err(_) if is_glob(uri) => glob(uri, options),
        Err(error) => Err(Error::io(path, "cannot read the input", error)),
    }
}

fn stdin(options: &InputOptions) -> Place {
    Place { base: PathBuf::new(), files: vec![(PathBuf::from("-"), options.format)], skipped: Vec::new() }
}

/// A file that is named is read, whatever its extension.
fn file(path: &Path, options: &InputOptions) -> Place {
    let base = path.parent().unwrap_or(path).to_owned();
    let says = NameSays::of(&path.to_string_lossy()).format;
    let format = options.format.or(says).unwrap_or(InputFormat::Text);
    Place { base, files: vec![(path.to_owned(), Some(format))], skipped: Vec::new() }
}

fn folder(path: &Path, options: &InputOptions) -> Result<Place> {
    let choice =
        Choice { glob: None, format: options.format, takes_unknown: false, exclude: &options.exclude };
    let place = walk(path, &choice)?;
    if place.files.is_empty() {
        return Err(nothing_in(&path.to_string_lossy(), "the folder has no file to read", &place));
    }
    Ok(place)
}

fn glob(uri: &str, options: &InputOptions) -> Result<Place> {
    let (base, pattern) = split_glob(uri);
    let matcher = GlobBuilder::new(&pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| Error::new(ErrorKind::InvalidOption, uri, error.kind().to_string()))?
        .compile_matcher();
    if !base.is_dir() {
        let message = format!("the glob matches no file: there is no folder `{}`", base.display());
        return Err(no_input(uri, message));
    }
    let choice = Choice {
        glob: Some(matcher),
        format: options.format,
        takes_unknown: has_literal_extension(&pattern),
        exclude: &options.exclude,
    };
    let place = walk(&base, &choice)?;
    if place.files.is_empty() {
        return Err(nothing_in(uri, "the glob matches no file to read", &place));
    }
    Ok(place)
}

/// Files below `base`, sorted by the bytes of their relative path.
fn walk(base: &Path, choice: &Choice<'_>) -> Result<Place> {
    let mut place = Place { base: base.to_owned(), files: Vec::new(), skipped: Vec::new() };
    let entries = WalkDir::new(base).follow_links(true).into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || choice.may_enter(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => (),
            // A pipe or a device that lies about is not waited for; one that is named is read.
            Ok(entry) if !entry.file_type().is_file() => place.skipped.push(entry.into_path()),
            Ok(entry) => choice.take(entry.into_path(), &mut place),
            Err(error) => choice.take_broken(error, &mut place)?,
        }
    }
    place.files.sort_by_cached_key(|(path, _)| name_of(path, base).into_bytes());
    place.skipped.sort();
    Ok(place)
}

impl Choice<'_> {
    /// Hidden files and folders, our own state among them, what says that a folder is whole, and the outputs of this run are
    /// no input.
    fn may_enter(&self, entry: &DirEntry) -> bool {
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        !is_hidden
            && entry.file_name() != SUCCESS
            && !self.exclude.iter().any(|path| is_same(path, entry.path()))
    }

    fn take(&self, path: PathBuf, place: &mut Place) {
        let name = path.strip_prefix(&place.base).unwrap_or(&path);
        if self.glob.as_ref().is_some_and(|glob| !glob.is_match(name)) {
            return;
        }
        let says = NameSays::of(&path.to_string_lossy()).format;
        match self.format.or(says) {
            Some(format) => place.files.push((path, Some(format))),
            None if self.takes_unknown => place.files.push((path, Some(InputFormat::Text))),
            None => place.skipped.push(path),
        }
    }

    /// A link that leads nowhere is taken, so that it fails where it is read and is not lost without a word. One that leads
    /// back up leads to files that are found anyway.
    fn take_broken(&self, error: walkdir::Error, place: &mut Place) -> Result<()> {
        if error.loop_ancestor().is_some() {
            return Ok(());
        }
        let path = error.path().unwrap_or(&place.base).to_owned();
        if path.is_symlink() {
            self.take(path, place);
            return Ok(());
        }
        Err(Error::io(path, "cannot list the folder", error.into()))
    }
}

/// Whether two paths lead to the same place, however they are spelled.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other
        || one.file_name() == other.file_name() && real(one).is_some_and(|one| Some(one) == real(other))
}

fn nothing_in(path: &str, message: &str, place: &Place) -> Error {
    let Some(first) = place.skipped.first() else { return no_input(path, message) };
    let message = format!(
        "{message}: {} with an extension that says nothing about the format, such as `{}`",
        count_files(place.skipped.len()),
        name_of(first, &place.base),
    );
    no_input(path, message).with_hint("name the format of the input, such as `text` or `jsonl`")
}

fn count_files(count: usize) -> String {
    if count == 1 { "one file".to_owned() } else { format!("{count} files") }
}

fn input_file(path: PathBuf, format: Option<InputFormat>, root: &Path) -> InputFile {
    if path == Path::new("-") {
        return InputFile { path, name: Arc::from(STDIN_NAME), bytes: None, format, hash: Arc::default() };
    }
    let bytes = fs::metadata(&path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len());
    // What cannot be looked at fails when it is read; it must not take the size of all others with it.
    let bytes = bytes.or_else(|| (!path.exists()).then_some(0));
    InputFile { name: Arc::from(name_of(&path, root)), bytes, format, path, hash: Arc::default() }
}

/// The path relative to `root`, with `/`.
fn name_of(path: &Path, root: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts = relative.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The deepest folder that holds all bases.
fn common_root(places: &[Place]) -> PathBuf {
    let mut bases =
        places.iter().map(|place| place.base.as_path()).filter(|base| !base.as_os_str().is_empty());
    let Some(first) = bases.next() else { return PathBuf::new() };
    bases.fold(first.to_owned(), |root, base| {
        let shared = root.components().zip(base.components()).take_while(|(left, right)| left == right);
        shared.map(|(part, _)| part).collect()
    })
}

fn is_glob(uri: &str) -> bool {
    uri.contains(['*', '?', '[', '{'])
}

/// The folder above the first part with a wildcard, and the rest. A folder whose own name has brackets is no wildcard.
fn split_glob(uri: &str) -> (PathBuf, String) {
    let mut base = PathBuf::new();
    let mut parts = Path::new(uri).components().peekable();
    while let Some(part) = parts.next_if(|part| !is_glob_part(*part) || base.join(part).is_dir()) {
        base.push(part);
    }
    let rest: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    (base, rest.join("/"))
}

fn is_glob_part(part: Component<'_>) -> bool {
    is_glob(&part.as_os_str().to_string_lossy())
}

/// Whether the glob asks for an extension by name, so that a file is meant even if the extension says nothing.
fn has_literal_extension(uri: &str) -> bool {
    let name = uri.rsplit('/').next().unwrap_or(uri);
    name.rsplit_once('.').is_some_and(|(_, extension)| !extension.is_empty() && !is_glob(extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;

    /// Makes the files in a temporary folder and compares what the uris (relative to it) find.
    fn check(files: &[&str], uris: &[&str], expected: &[&str]) {
        let found = open(files, uris).unwrap();
        let names: Vec<_> = found.files().iter().map(|file| &*file.name).collect();
        assert_eq!(names, expected, "{uris:?}");
    }

    fn open(files: &[&str], uris: &[&str]) -> Result<Input> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            let parent = if file.ends_with('/') { &path } else { path.parent().unwrap() };
            fs::create_dir_all(parent).unwrap();
            if parent != path {
                fs::write(path, "text").unwrap();
            }
        }
        let uri = |uri: &&str| match *uri {
            "-" => "-".to_owned(),
            uri => folder.path().join(uri).to_str().unwrap().to_owned(),
        };
        let exclude = vec![folder.path().join("out")];
        Input::open(InputOptions { uris: uris.iter().map(uri).collect(), exclude, ..InputOptions::default() })
    }

    #[test]
    fn files_are_named_after_the_root_of_the_input() {
        let files = [
            "in/b.txt",
            "in/a/c.txt",
            "in/a.txt",
            "in/a-b/x.jsonl.gz",
            "in/.hidden/d.txt",
            "in/.e.txt",
            "in/f.pdf",
        ];
        check(&files, &["in"], &["a-b/x.jsonl.gz", "a.txt", "a/c.txt", "b.txt"]);
        check(&files, &["in/b.txt"], &["b.txt"]);
        check(&files, &["in/f.pdf"], &["f.pdf"]);
        check(&files, &["in/**/*.txt"], &["a.txt", "a/c.txt", "b.txt"]);
        check(&files, &["in/*.txt"], &["a.txt", "b.txt"]);
        check(&files, &["in/*.pdf"], &["f.pdf"]);
        check(&files, &["in/*"], &["a.txt", "b.txt"]);
        check(&files, &["in/{b,a}.txt"], &["a.txt", "b.txt"]);
        check(&files, &["in/b.txt", "in/a"], &["b.txt", "a/c.txt"]);
        check(&files, &["in/a", "in/a-b"], &["a/c.txt", "a-b/x.jsonl.gz"]);
        check(&files, &["in", "in/a.txt"], &["a-b/x.jsonl.gz", "a.txt", "a/c.txt", "b.txt"]);
        check(&files, &["-", "in/a"], &["stdin", "c.txt"]);
        check(&["a[1].txt", "out/x.txt", "deep/out/y.txt"], &["."], &["a[1].txt", "deep/out/y.txt"]);
        check(&["a[1].txt", "a1.txt"], &["a[1].txt"], &["a[1].txt"]);
        check(&["v[2]/a.txt", "v2/b.txt"], &["v[2]/*.txt"], &["a.txt"]);
        check(&["x/a/b.txt", "x/c/b.txt"], &["*/[a-b]/*"], &["x/a/b.txt"]);
    }

    #[test]
    fn what_has_no_file_is_an_error_that_says_so() {
        let message = |files: &[&str], uri: &str| open(files, &[uri]).unwrap_err();
        assert_eq!(message(&[], "no/such.txt").kind(), ErrorKind::NotFound);
        assert_eq!(message(&["in/"], "in").message(), "the folder has no file to read");
        assert!(message(&["in/"], "no/*.txt").message().contains("there is no folder"));
        assert_eq!(message(&["in/a.txt"], "in/*.jsonl").message(), "the glob matches no file to read");
        assert!(
            message(&["in/a.pdf"], "in").message().contains("one file with an extension that says nothing")
        );
        assert_eq!(message(&[], "in/[*.txt").kind(), ErrorKind::InvalidOption);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("in")).unwrap();
        fs::write(at("real.txt"), "").unwrap();
        std::os::unix::fs::symlink(at("real.txt"), at("in/link.txt")).unwrap();
        std::os::unix::fs::symlink(at("gone.txt"), at("in/broken.txt")).unwrap();
        std::os::unix::fs::symlink(at("in"), at("in/loop")).unwrap();
        let uris = vec![at("in").to_str().unwrap().to_owned()];
        let input = Input::open(InputOptions { uris, ..InputOptions::default() }).unwrap();
        let names: Vec<_> = input.files().iter().map(|file| &*file.name).collect();
        assert_eq!(names, ["broken.txt", "link.txt"]);
        assert_eq!(input.total_bytes(), Some(0));
    }
}
