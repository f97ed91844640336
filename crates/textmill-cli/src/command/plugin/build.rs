//! `textmill plugin build`: builds the plugin of a folder, and says where the library is.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

use super::library_file;
use crate::args::PluginBuildArgs;
use crate::exit::{Advised, Done, Outcome};
use crate::terminal::say;

pub(super) fn run(args: &PluginBuildArgs) -> Outcome {
    let folder = &args.folder;
    let libraries = if folder.join("Cargo.toml").exists() { with_cargo(folder)? } else { with_c(folder)? };
    for library in &libraries {
        say(&format!("built {}", library.display()));
    }
    if let [library, ..] = libraries.as_slice() {
        say(&format!(
            "use   plugins = [{:?}] in a pipeline file {}",
            written(folder, library),
            place(folder)
        ));
    }
    Ok(Done::Well)
}

/// Where a pipeline file is that names a library as [`written`] does.
fn place(folder: &Path) -> String {
    if folder == Path::new(".") { "in this folder".to_owned() } else { format!("in `{}`", folder.display()) }
}

/// How a pipeline file in `folder` names a library.
fn written(folder: &Path, library: &Path) -> String {
    let inside = folder.canonicalize().ok().zip(library.canonicalize().ok());
    let inside = inside.and_then(|(folder, library)| Some(library.strip_prefix(folder).ok()?.to_owned()));
    inside.map_or_else(|| library.display().to_string(), |path| format!("./{}", path.display()))
}

/// The libraries that cargo built of a crate, wherever it is told to put them.
fn with_cargo(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--message-format", "json-render-diagnostics"]).current_dir(folder);
    let built = command.stderr(Stdio::inherit()).output();
    let built = built.context("cannot start cargo; is a Rust toolchain installed?")?;
    if !built.status.success() {
        return Err(failed("cargo could not build the plugin"));
    }
    let messages = String::from_utf8_lossy(&built.stdout);
    let here = folder.join("Cargo.toml").canonicalize().unwrap_or_default();
    let libraries: Vec<_> = messages.lines().filter_map(|line| library_of(line, &here)).collect();
    if libraries.is_empty() {
        let hint = "write `[lib]` and `crate-type = [\"cdylib\"]` into its Cargo.toml";
        let message = format!("the crate in `{}` makes no library that can be loaded", folder.display());
        return Err(Advised { message, hint: Some(hint.to_owned()) }.into());
    }
    Ok(libraries)
}

/// The library that a message of cargo is about, if it is that of the crate with this manifest.
fn library_of(message: &str, manifest: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_cdylib = message["target"]["kind"].as_array()?.iter().any(|kind| kind == "cdylib");
    let is_here = Path::new(message["manifest_path"].as_str()?) == manifest;
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    let mut libraries = files.filter(|file| file.ends_with(std::env::consts::DLL_SUFFIX));
    libraries.next().filter(|_| is_cdylib && is_here).map(PathBuf::from)
}

/// The library made of all C files of a folder.
fn with_c(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let sources = sources(folder)?;
    let stem = match sources.as_slice() {
        [] => {
            let message = format!("there is nothing to build in `{}`", folder.display());
            let hint =
                "a plugin is a folder with a Cargo.toml or with C files; `textmill plugin new` makes one";
            return Err(Advised { message, hint: Some(hint.to_owned()) }.into());
        }
        [only] => only.file_stem().unwrap_or_default().to_owned(),
        _ => folder.canonicalize()?.file_name().unwrap_or_default().to_owned(),
    };
    let library = Path::new("build").join(library_file(&stem.to_string_lossy().replace('-', "_")));
    fs::create_dir_all(folder.join("build"))
        .with_context(|| format!("cannot make `{}`", folder.join("build").display()))?;
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let mut command = Command::new(&compiler);
    command.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared", "-o"]);
    command.arg(&library).args(&sources).current_dir(folder);
    let status = command.status();
    let status = status.with_context(|| {
        format!("cannot start the C compiler `{}`; `CC` names another", compiler.display())
    })?;
    if status.success() {
        Ok(vec![folder.join(library)])
    } else {
        Err(failed("the C compiler could not build the plugin"))
    }
}

/// The names of the C files of a folder, sorted.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))?;
    let names = entries.filter_map(|entry| Some(PathBuf::from(entry.ok()?.file_name())));
    let mut sources: Vec<_> =
        names.filter(|name| name.extension().is_some_and(|extension| extension == "c")).collect();
    sources.sort();
    Ok(sources)
}

/// It has said why.
fn failed(message: &str) -> anyhow::Error {
    let hint = "the messages above say why".to_owned();
    Advised { message: message.to_owned(), hint: Some(hint) }.into()
}
