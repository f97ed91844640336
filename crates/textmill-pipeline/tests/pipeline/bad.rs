//! Every mistake is told where it is.

use crate::{differs, files, resolve_as};

#[test]
fn mistakes_are_shown_where_they_are() {
    let check = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let found = resolve_as(name, &std::fs::read_to_string(path).unwrap()).expect_err(name).render(false);
        differs(&path.with_extension("stderr"), &found)
    };
    let wrong: Vec<String> = files("bad").iter().filter_map(check).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_voice() {
    for path in files("bad") {
        let text = std::fs::read_to_string(&path).unwrap();
        for one in &resolve_as("x.toml", &text).unwrap_err() {
            let lines = [Some(&one.message), one.label.as_ref(), one.hint.as_ref()];
            for line in lines.into_iter().flatten() {
                assert!(!line.ends_with('.') && !line.contains('\n'), "{}: {line}", path.display());
            }
        }
    }
}
