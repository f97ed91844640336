//! What a pipeline is made of, by hash: enough to tell whether two runs were of the same.

use std::collections::BTreeSet;

use textmill_io::{HashedFile, MadeFrom};
use textmill_pipeline::Pipeline;

use crate::plugin::{LoadedPlugin, Origin, Registry, StageFile};

/// What an open pipeline is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The SHA-256 of the pipeline file as it was read, in hexadecimal.
    pub pipeline: String,
    /// The built-in stages that it uses, by name.
    pub built_in: Vec<String>,
    /// The libraries that were loaded, in the order of the file.
    pub plugins: Vec<LoadedPlugin>,
    /// The files that options name, by path.
    pub resources: Vec<UsedResource>,
}

/// A file that an option names, as it was handed to the stage.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedResource {
    /// The path as the option has it.
    pub path: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Provenance {
    pub(crate) fn new(pipeline: &Pipeline, registry: &Registry, resources: BTreeSet<UsedResource>) -> Self {
        let is_used = |name: &str| pipeline.stages.iter().any(|stage| stage.uses == name);
        let built_in = registry.kinds().filter(|(_, origin)| **origin == Origin::BuiltIn);
        let names = built_in.map(|(kind, _)| kind.name.clone()).filter(|name| is_used(name));
        Self {
            pipeline: textmill_io::sha256(pipeline.text().as_bytes()),
            built_in: names.collect(),
            plugins: registry.plugins().to_vec(),
            resources: resources.into_iter().collect(),
        }
    }

    /// What the manifest of an output says of it.
    pub(crate) fn made_from(&self) -> MadeFrom {
        let file = |name: String, sha256: &String| HashedFile { name, sha256: sha256.clone() };
        let plugins = self.plugins.iter();
        MadeFrom {
            pipeline: self.pipeline.clone(),
            plugins: plugins
                .map(|plugin| file(format!("{} {}", plugin.name, plugin.version), &plugin.sha256))
                .collect(),
            resources: self.resources.iter().map(|one| file(one.path.clone(), &one.sha256)).collect(),
            run: String::new(),
            retried: String::new(),
        }
    }
}

impl From<&StageFile> for UsedResource {
    fn from(file: &StageFile) -> Self {
        Self { path: file.path.clone(), sha256: file.file.sha256().to_owned() }
    }
}
