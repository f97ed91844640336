//! `textmill plugin list`: where each stage comes from.
//!
//! To ask a library what it offers is to run its code, so only what the pipeline file names is loaded. Of what else lies in
//! the folders of plugins the name and the hash are shown, which need no more than reading.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use textmill::io::Snapshot;
use textmill::{LoadedPlugin, Origin, Registry};

use crate::args::PluginListArgs;
use crate::command::open;
use crate::exit::{Done, Outcome};
use crate::terminal::{FAINT, STRONG, styled};

pub(crate) fn run(args: &PluginListArgs) -> Outcome {
    let registry = open::registry(args.pipeline.as_deref(), &args.plugins)?;
    let loaded = registry.plugins();
    let others = others(args, loaded)?;
    let text = if args.json {
        format!("{:#}\n", json!({ "plugins": machine(&registry), "not-loaded": not_loaded(&others) }))
    } else {
        for_people(&registry, &others)
    };
    write!(anstream::stdout().lock(), "{text}")?;
    Ok(Done::Well)
}

/// The libraries in the folders of plugins that were not loaded.
fn others(args: &PluginListArgs, loaded: &[LoadedPlugin]) -> anyhow::Result<Vec<Snapshot>> {
    let found = open::plugins(&args.plugins).path.libraries()?.into_iter();
    let is_loaded = |path: &Path| {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        loaded.iter().any(|plugin| plugin.path == path)
    };
    Ok(found.filter(|path| !is_loaded(path)).map(Snapshot::read).collect::<Result<_, _>>()?)
}

/// The stages that are built in, in the form of a plugin.
fn built_in(registry: &Registry) -> Vec<&str> {
    let kinds = registry.kinds().filter(|(_, origin)| **origin == Origin::BuiltIn);
    kinds.map(|(kind, _)| kind.name.as_str()).collect()
}

fn machine(registry: &Registry) -> Vec<Value> {
    let ours = json!({
        "name": "textmill",
        "version": env!("CARGO_PKG_VERSION"),
        "abi": textmill::abi_version(),
        "stages": built_in(registry),
    });
    let loaded = registry.plugins().iter().map(|plugin| {
        json!({
            "name": plugin.name,
            "version": plugin.version,
            "abi": plugin.abi,
            "path": plugin.path,
            "sha256": plugin.sha256,
            "stages": plugin.stages,
        })
    });
    std::iter::once(ours).chain(loaded).collect()
}

fn not_loaded(others: &[Snapshot]) -> Vec<Value> {
    others.iter().map(|file| json!({ "path": file.path(), "sha256": file.sha256() })).collect()
}

fn for_people(registry: &Registry, others: &[Snapshot]) -> String {
    let ours = format!("plugin contract {}, built in", textmill::abi_version());
    let mut text = entry("textmill", env!("CARGO_PKG_VERSION"), &[&ours], &built_in(registry));
    for plugin in registry.plugins() {
        let about = format!("plugin contract {}", plugin.abi);
        let (path, hash) = (plugin.path.display().to_string(), format!("sha256 {}", plugin.sha256));
        let stages: Vec<_> = plugin.stages.iter().map(|name| told(name)).collect();
        let stages: Vec<_> = stages.iter().map(String::as_str).collect();
        text += "\n";
        text += &entry(&plugin.name, &plugin.version, &[&about, &path, &hash], &stages);
    }
    if !others.is_empty() {
        text += "\nIn the folders of plugins, not loaded because the pipeline does not name them:\n";
    }
    for file in others {
        let hash = format!("sha256 {}", file.sha256());
        text.extend(["  ", &file.path().display().to_string(), "\n    ", &styled(FAINT, &hash), "\n"]);
    }
    text
}

/// The name of a stage of a library, and whether it is there in the place of another.
fn told(name: &str) -> String {
    if textmill::is_built_in(name) {
        return format!("{name} (in the place of the built-in one)");
    }
    name.to_owned()
}

/// A plugin: its name and version, what else is known of it, and its stages.
fn entry(name: &str, version: &str, about: &[&str], stages: &[&str]) -> String {
    let about = about.iter().flat_map(|line| ["  ".to_owned(), styled(FAINT, line), "\n".to_owned()]);
    let stages = if stages.is_empty() { "none".to_owned() } else { stages.join(", ") };
    format!("{} {version}\n{}  stages: {stages}\n", styled(STRONG, name), about.collect::<String>())
}
