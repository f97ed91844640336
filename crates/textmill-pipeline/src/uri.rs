//! Relative paths of a pipeline file, made absolute.

use std::path::{Component, Path, PathBuf};

/// A path or glob as a pipeline file writes it, from the folder of that file. `-` and addresses with a scheme stay as
/// they are, and so does a slash at the end.
pub(crate) fn absolute(dir: &Path, written: &str) -> String {
    if written == "-" || written.contains("://") {
        return written.to_owned();
    }
    let mut uri = normal(&dir.join(written)).to_string_lossy().into_owned();
    if written.ends_with('/') && !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

/// The path without `.`, and without `..` where that is certain: no link is followed, and what stands before the `..`
/// is no glob, for which going up would match other files.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if can_leave(&normal) => {
                normal.pop();
            }
            Component::ParentDir if normal.parent().is_none() && normal.has_root() => {}
            _ => normal.push(component),
        }
    }
    normal
}

fn can_leave(path: &Path) -> bool {
    match path.components().next_back() {
        Some(Component::Normal(name)) => !name.to_string_lossy().contains(['*', '?', '[', '{']),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn absolute_paths() {
        let cases = [
            ("-", "-"),
            ("a.txt", "/home/me/a.txt"),
            ("./a.txt", "/home/me/a.txt"),
            ("../a.txt", "/home/a.txt"),
            ("../../../../a.txt", "/a.txt"),
            ("out/", "/home/me/out/"),
            ("out//b/", "/home/me/out/b/"),
            (".", "/home/me"),
            ("/abs/../x", "/x"),
            ("articles/**/*.txt", "/home/me/articles/**/*.txt"),
            ("a/*/../b", "/home/me/a/*/../b"),
            ("s3://bucket/../x", "s3://bucket/../x"),
            ("ä/ö", "/home/me/ä/ö"),
        ];
        for (written, expected) in cases {
            assert_eq!(absolute(Path::new("/home/me"), written), expected, "{written}");
        }
    }
}
