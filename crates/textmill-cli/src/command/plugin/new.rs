//! `textmill plugin new`: a folder that builds and whose tests pass, to be changed into one's own.
//!
//! The templates are files in `new/`. `{{...}}` in them stands for what depends on the name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use textmill::Catalog as _;

use super::library_file;
use crate::args::{Language, PluginNewArgs};
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::{hint, say};

/// A file to write: its path, in which `{{...}}` is replaced as in its text, and that.
type Template = (&'static str, &'static str);

const RUST: [Template; 5] = [
    ("Cargo.toml", include_str!("../../../new/rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("../../../new/rust/src/lib.rs")),
    ("src/tests.rs", include_str!("../../../new/rust/src/tests.rs")),
    ("README.md", include_str!("../../../new/rust/README.md")),
    (".gitignore", include_str!("../../../new/rust/gitignore")),
];

const C: [Template; 4] = [
    ("{{file}}.c", include_str!("../../../new/c/stage.c")),
    ("textmill_plugin.h", include_str!("../../../../textmill-abi/include/textmill_plugin.h")),
    ("README.md", include_str!("../../../new/c/README.md")),
    (".gitignore", include_str!("../../../new/c/gitignore")),
];

const BOTH: [Template; 7] = [
    ("{{name}}.toml", include_str!("../../../new/pipeline.toml")),
    ("sample.txt", include_str!("../../../new/sample.txt")),
    ("tests/cases/shouting.in.txt", include_str!("../../../new/cases/shouting.in.txt")),
    ("tests/cases/shouting.out.txt", include_str!("../../../new/cases/shouting.out.txt")),
    ("tests/cases/short-words.in.txt", include_str!("../../../new/cases/short-words.in.txt")),
    ("tests/cases/short-words.options.json", include_str!("../../../new/cases/short-words.options.json")),
    ("tests/cases/short-words.out.txt", include_str!("../../../new/cases/short-words.out.txt")),
];

const SDK: &str = "textmill-stage";

pub(super) fn run(args: &PluginNewArgs) -> Outcome {
    let (folder, name) = (&args.folder, name_of(&args.folder)?);
    check_name(name, args.lang)?;
    if folder.symlink_metadata().is_ok() {
        let message = format!("`{}` exists already; nothing was written", folder.display());
        return Err(advised(message, "give another name, or remove what is there"));
    }
    let words = words(name, args)?;
    let own = match args.lang {
        Language::Rust => &RUST[..],
        Language::C => &C[..],
    };
    for (path, text) in own.iter().chain(&BOTH) {
        write(&folder.join(filled(path, &words)), &filled(text, &words))?;
    }
    tell(args, name);
    Ok(Done::Well)
}

/// A stage is named as its folder.
fn name_of(folder: &Path) -> anyhow::Result<&str> {
    let name = folder.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| advised(format!("`{}` is no name for a stage", folder.display()), NAMES))
}

const NAMES: &str = "a stage is named by a verb in small letters, digits and hyphens: `strip-captions`";

fn check_name(name: &str, lang: Language) -> anyhow::Result<()> {
    let refuse = |why: &str, hint: &str| Err(advised(format!("`{name}` {why}"), hint));
    if !is_kebab(name) || name.len() > LONGEST {
        return refuse("is no name for a stage", NAMES);
    }
    if textmill::registry().find(name).is_some() {
        return refuse("is the name of a stage that textmill has", "give your stage a name of its own");
    }
    let word = name.replace('-', "_");
    if lang == Language::Rust && (KEYWORDS.contains(&word.as_str()) || TAKEN.contains(&word.as_str())) {
        return refuse("means something else to Rust or in the code of a stage", "add a second word");
    }
    Ok(())
}

/// As many bytes as the contract allows for a name.
const LONGEST: usize = 64;

/// As the contract has it: small letters, digits and hyphens, a letter first; and, for the sake of what the name is made
/// into, no hyphen at the end or beside another.
fn is_kebab(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(is_part)
}

/// The keywords of Rust, strict, reserved and of the edition 2024:
/// <https://doc.rust-lang.org/reference/keywords.html>.
const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// Crates and types that the code of a new stage speaks of, or that cargo does not accept.
const TAKEN: [&str; 20] = [
    "alloc",
    "config",
    "core",
    "default",
    "deletes",
    "deps",
    "deserialize",
    "doc",
    "examples",
    "outcome",
    "plan",
    "proc_macro",
    "result",
    "schemars",
    "serde",
    "stage",
    "std",
    "test",
    "tests",
    "textmill_stage",
];

/// What stands for each `{{word}}`.
fn words(name: &str, args: &PluginNewArgs) -> anyhow::Result<Vec<(&'static str, String)>> {
    let file = name.replace('-', "_");
    let library = match args.lang {
        Language::Rust => format!("target/release/{}", library_file(&file)),
        Language::C => format!("build/{}", library_file(&file)),
    };
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    Ok(vec![
        ("{{name}}", name.to_owned()),
        ("{{Type}}", name.split('-').map(capital).collect()),
        ("{{file}}", file),
        ("{{library}}", library),
        ("{{sdk}}", sdk(args)?),
    ])
}

fn filled(template: &str, words: &[(&str, String)]) -> String {
    words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// The line of the manifest that names the SDK.
fn sdk(args: &PluginNewArgs) -> anyhow::Result<String> {
    let Some(given) = &args.sdk_path else {
        return Ok(format!("{SDK} = \"{}\"", env!("CARGO_PKG_VERSION")));
    };
    let is_sdk = |folder: &PathBuf| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.contains(&format!("name = \"{SDK}\""))
    };
    let found = [given.clone(), given.join("crates").join(SDK)].into_iter().find(is_sdk);
    let found = found.ok_or_else(|| {
        let message = format!("`{}` is neither the SDK nor a checkout of textmill", given.display());
        advised(message, "give the folder of the crate `textmill-stage`, or the checkout it is in")
    })?;
    let path = found.canonicalize().with_context(|| format!("cannot open `{}`", found.display()))?;
    let path = path.to_str().context("the path of the SDK is not UTF-8")?;
    // As TOML writes a string: JSON escapes are among its own.
    Ok(format!("{SDK} = {{ path = {} }}", serde_json::to_string(path)?))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::write(path, text).with_context(cannot)
}

fn tell(args: &PluginNewArgs, name: &str) {
    let folder = args.folder.display();
    say(&format!("wrote {folder}"));
    if args.lang == Language::Rust && args.sdk_path.is_none() {
        say(&format!(
            "{}: the SDK `{SDK}` is not published yet: write `{SDK} = {{ path = \".../crates/{SDK}\" }}` into \
             `{folder}/Cargo.toml`, or begin again with `--sdk-path CHECKOUT`",
            hint()
        ));
    }
    say(&format!("next  textmill plugin build {folder}"));
    say(&format!("      textmill try {folder}/{name}.toml {folder}/sample.txt"));
}

fn advised(message: String, hint: &str) -> anyhow::Error {
    Advised { message, hint: Some(hint.to_owned()) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(KEYWORDS.is_sorted() && TAKEN.is_sorted());
    }
}
