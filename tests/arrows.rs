//! Which crate may depend on which: the arrows of `crates/README.md`, checked against the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use textmill_testkit::workspace;

/// A crate, and the crates of ours that it may name in `[dependencies]`. `plugins` stands for every stage.
const ALLOWED: &[(&str, &[&str])] = &[
    ("textmill-abi", &[]),
    ("textmill-text", &[]),
    ("textmill-stage", &["textmill-abi", "textmill-text"]),
    ("textmill-pipeline", &["textmill-abi", "textmill-stage"]),
    ("textmill-io", &[]),
    (
        "textmill-engine",
        &["textmill-abi", "textmill-io", "textmill-pipeline", "textmill-stage", "textmill-text"],
    ),
    ("textmill-conformance", &["textmill-abi", "textmill-engine", "textmill-io", "textmill-pipeline"]),
    ("textmill-report", &[]),
    ("textmill-testkit", &[]),
    (
        "textmill",
        &[
            "plugins",
            "textmill-abi",
            "textmill-engine",
            "textmill-io",
            "textmill-pipeline",
            "textmill-report",
            "textmill-stage",
        ],
    ),
    ("textmill-cli", &["textmill", "textmill-conformance", "textmill-report"]),
    ("textmill-python", &["textmill", "textmill-report"]),
    ("xtask", &["textmill"]),
    // Libraries that the tests load.
    ("textmill-bench-plugin", &["textmill-stage"]),
    ("textmill-broken-plugin", &["textmill-abi"]),
    ("textmill-unruly-plugin", &["textmill-stage"]),
];

/// A stage, and the leaf crate beside it.
const ALLOWED_STAGE: &[&str] = &["textmill-stage", "textmill-text"];

#[test]
fn arrows_point_where_they_may() {
    let manifests = manifests();
    let stages: BTreeSet<&str> =
        manifests.keys().filter(|name| is_stage(name, &manifests)).map(String::as_str).collect();
    assert!(stages.len() >= 4, "{stages:?}");
    for (name, manifest) in &manifests {
        for section in ["dependencies", "build-dependencies"] {
            check(name, &ours(&manifest.table, section), &stages, &allowed(name, &stages));
        }
        // Tests may use what the crate itself may; the black-box suite also the test kit, and it and the bench the built
        // libraries.
        let mut in_tests = allowed(name, &stages);
        let mut found = ours(&manifest.table, "dev-dependencies");
        if name == "textmill-cli" {
            in_tests.push("textmill-testkit");
        }
        if name == "textmill-cli" || name == "textmill" {
            found.retain(|name| !name.ends_with("-plugin"));
        }
        check(name, &found, &stages, &in_tests);
    }
}

/// Two libraries that both export the entry of a plugin cannot be linked into one program: so only a crate that is linked
/// into none exports it, and no arrow leads to such a crate.
#[test]
fn only_leaf_crates_export_the_entry_of_a_plugin() {
    let manifests = manifests();
    let exporting: Vec<_> = manifests.iter().filter(|(_, manifest)| exports_an_entry(manifest)).collect();
    assert!(exporting.len() >= 6, "{}", exporting.len());
    // One such library is no matter, in a program that has no other: the bench.
    for (name, manifest) in exporting.into_iter().filter(|(name, _)| *name != "textmill-bench-plugin") {
        let kinds = manifest.table.get("lib").and_then(|lib| lib.get("crate-type"));
        let is_leaf = kinds.is_some_and(|kinds| *kinds == toml::Value::from(vec!["cdylib"]));
        assert!(is_leaf && name.ends_with("-plugin"), "`{name}` is no leaf crate, and has `export!`");
    }
}

fn exports_an_entry(manifest: &Manifest) -> bool {
    let folder = manifest.path.parent().unwrap();
    let mut sources = sources_in(&folder.join("src"));
    sources.push(folder.join("lib.rs"));
    let text = sources.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect::<String>();
    text.lines().any(|line| line.starts_with("textmill_stage::export!("))
}

fn sources_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

struct Manifest {
    path: PathBuf,
    table: toml::Table,
}

fn check(name: &str, found: &BTreeSet<String>, stages: &BTreeSet<&str>, allowed: &[&str]) {
    for dependency in found {
        let allowed = allowed.contains(&dependency.as_str())
            || allowed.contains(&"plugins") && stages.contains(dependency.as_str());
        assert!(allowed, "`{name}` must not depend on `{dependency}`: see the arrows in crates/README.md");
    }
}

fn allowed<'a>(name: &'a str, stages: &BTreeSet<&'a str>) -> Vec<&'a str> {
    if let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) {
        return allowed.to_vec();
    }
    let mut allowed = ALLOWED_STAGE.to_vec();
    // The leaf crate names its stage.
    allowed.extend(name.strip_suffix("-plugin").and_then(|stage| stages.get(stage)));
    assert!(
        stages.contains(name) || allowed.len() > ALLOWED_STAGE.len(),
        "`{name}` has no place in the arrows"
    );
    allowed
}

fn is_stage(name: &str, manifests: &BTreeMap<String, Manifest>) -> bool {
    let folder = manifests[name].path.parent().and_then(|folder| folder.parent());
    folder.is_some_and(|folder| folder.ends_with("plugins"))
}

fn ours(table: &toml::Table, section: &str) -> BTreeSet<String> {
    let names = table.get(section).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    names.filter(|name| name.starts_with("textmill")).cloned().collect()
}

/// Every manifest below `crates` and `plugins`, by the name of its package.
fn manifests() -> BTreeMap<String, Manifest> {
    let folders = ["crates/*", "plugins/*", "plugins/*/cdylib", "tests/plugins/*"];
    let mut manifests = BTreeMap::new();
    for pattern in folders {
        for path in expand(pattern) {
            let text = std::fs::read_to_string(&path).unwrap();
            let table: toml::Table = text.parse().unwrap();
            let name = table["package"]["name"].as_str().unwrap().to_owned();
            manifests.insert(name, Manifest { path, table });
        }
    }
    manifests
}

fn expand(pattern: &str) -> Vec<PathBuf> {
    let (root, rest) = pattern.split_once("/*").unwrap();
    let entries = std::fs::read_dir(workspace().join(root)).unwrap();
    let below =
        |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path().join(rest.trim_start_matches('/'));
    entries.map(|entry| below(entry).join("Cargo.toml")).filter(|path| path.exists()).collect()
}
