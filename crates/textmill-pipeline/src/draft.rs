//! From what was written to what can run.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::schema_for;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::bytes::parse_bytes;
use crate::check::Checker;
use crate::condition::{self, WrittenCheck};
use crate::diagnostic::{Diagnostic, Text};
use crate::golden;
use crate::isolation::{self, Isolation, OwnProcess};
use crate::name::Named;
use crate::overrides;
use crate::pipeline::{
    FieldNames, Input, Limits, MaxErrors, Output, Pipeline, PluginPlace, PluginSpec, ResourceSpec, Run,
    StageSpec,
};
use crate::sentence::{Scope, Special, known_keys};
use crate::tree::{Places, Tree};
use crate::uri::{absolute, normal};
use crate::written::{
    Written, WrittenBytes, WrittenInput, WrittenLimits, WrittenMaxErrors, WrittenOutput, WrittenPlugin,
    WrittenPluginTable, WrittenRun, WrittenSink, WrittenStage,
};
use crate::{Catalog, Diagnostics, Override, Source, StageKind, suggest};

/// A pipeline file that is valid TOML, before anything is known about its stages.
#[derive(Clone, Debug)]
pub struct Draft {
    text: Arc<Text>,
    path: PathBuf,
    dir: PathBuf,
    tree: Tree,
}

/// Reads what a user wrote. That is all that can be done before the libraries of [`Draft::plugins`] are loaded.
///
/// # Errors
/// The syntax errors of the text.
pub fn parse(source: Source) -> Result<Draft, Diagnostics> {
    let text = Arc::new(Text { name: source.path.display().to_string(), text: source.text });
    let tree = Tree::parse(Arc::clone(&text)).map_err(all)?;
    Ok(Draft { dir: folder(&source.path), path: source.path, text, tree })
}

/// The folder of a file, absolute.
fn folder(path: &Path) -> PathBuf {
    // There is no absolute path only where the current directory is gone; then relative ones stay so.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    normal(absolute.parent().unwrap_or(&absolute))
}

fn all(found: Vec<Diagnostic>) -> Diagnostics {
    Diagnostics::collect(found).expect("whoever fails says why")
}

impl Draft {
    /// The libraries that the file asks for, in its order. What is none is left to [`Draft::resolve`], which says so.
    pub fn plugins(&self) -> Vec<PluginSpec> {
        let written = self.tree.value.get("plugins").and_then(Value::as_array);
        let entries = written.map(Vec::as_slice).unwrap_or_default().iter().enumerate();
        let plugin = |(index, entry): (usize, &Value)| {
            let entry = WrittenPlugin::deserialize(entry).ok()?;
            let (path, isolation) = match entry {
                WrittenPlugin::Library(path) => (path, None),
                WrittenPlugin::Table(WrittenPluginTable { path, isolation }) => (path, isolation),
            };
            let place = if is_name(&path) { PluginPlace::Name } else { self.place_of(&path) };
            let isolated = isolation == Some(Isolation::Process);
            (!path.is_empty()).then_some(PluginSpec { index, path, place, isolated })
        };
        entries.filter_map(plugin).collect()
    }

    /// Whether every entry of `plugins` could be read. If not, a stage that nobody offers may be one of the others'.
    fn has_all_plugins(&self) -> bool {
        match self.tree.value.get("plugins") {
            None => true,
            Some(Value::Array(entries)) => entries.len() == self.plugins().len(),
            Some(_) => false,
        }
    }

    /// Where the output goes as the file says: the absolute path of a file or a folder, or `-`.
    pub fn output(&self) -> Option<String> {
        let written = self.tree.value.pointer("/output/uri")?.as_str()?;
        Some(absolute(&self.dir, &Named::parse(written).ok()?.uri))
    }

    /// What the fields of a document are called; where that is not written as it should be, as if nothing were written.
    pub fn field_names(&self) -> FieldNames {
        let written = self.tree.value.pointer("/input/fields");
        written.and_then(|written| FieldNames::deserialize(written).ok()).unwrap_or_default()
    }

    fn place_of(&self, written: &str) -> PluginPlace {
        PluginPlace::Path(normal(&self.dir.join(written)))
    }

    /// A library could not be loaded: the message at its place in the list.
    pub fn plugin_diagnostic(&self, index: usize, message: &str) -> Diagnostics {
        let place = self.tree.places.nearest(&format!("/plugins/{index}"));
        Diagnostic::at(place.value(), message).into()
    }

    /// Something is wrong that has no place in the file, with what to do about it.
    pub fn diagnostic(&self, message: &str, hint: &str) -> Diagnostics {
        let mut one = Diagnostic::nowhere(message).with_hint(Some(hint));
        one.file.clone_from(&self.text.name);
        one.into()
    }

    /// Checks everything.
    ///
    /// # Errors
    /// All mistakes of the file and of the overrides.
    pub fn resolve(mut self, catalog: &dyn Catalog, overrides: &[Override]) -> Result<Pipeline, Diagnostics> {
        let mut found = Vec::new();
        for one in overrides {
            found.extend(one.apply(&mut self.tree).err().into_iter().flatten());
        }
        check_file(&self.tree, catalog, &mut found);
        let checkers = checkers(&self.tree.value, catalog);
        check_stages(&self.tree, catalog, &checkers, self.has_all_plugins(), &mut found);
        check_ids(&self.tree, &mut found);
        isolation::check(&self.tree, stages(&self.tree.value), catalog, &mut found);
        check_outputs(&self.tree, &self.dir, &mut found);
        let ids: Vec<_> = overrides::ids(&self.tree.value).into_iter().flatten().collect();
        golden::check(&self.tree, &ids, &mut found);
        condition::check(&self.tree, &ids, &mut found);
        match Diagnostics::collect(found) {
            Some(mistakes) => Err(mistakes),
            None => self.build(&checkers, catalog),
        }
    }

    fn build(self, checkers: &Checkers<'_>, catalog: &dyn Catalog) -> Result<Pipeline, Diagnostics> {
        let written: Written = serde_json::from_value(self.tree.value).map_err(|error| {
            Diagnostic::at(
                self.tree.places.nearest("").value(),
                format!("this pipeline cannot be read: {error}"),
            )
        })?;
        let output = build_output(&self.dir, written.output);
        let sink = |written: Option<WrittenSink>| {
            written.map(|sink| Output {
                format: sink.format.map(|lines| lines.0),
                ..Output::new(absolute(&self.dir, &sink.uri))
            })
        };
        let stages = written.stages.into_iter().map(|stage| build_stage(&self.dir, stage, checkers, catalog));
        Ok(Pipeline {
            name: written.name.unwrap_or_else(|| stem(&self.path)),
            input: build_input(&self.dir, written.input),
            output_format: output.format,
            output_columns: output.columns.clone(),
            output_group_by: output.group_by.clone(),
            output_max_bytes: output.max_bytes,
            output: Some(output).filter(|output| !output.uri.is_empty()),
            dropped: sink(written.dropped),
            failed: sink(written.failed),
            ledger: written.ledger.map(|ledger| absolute(&self.dir, &ledger.uri)),
            report: written.report.map(|report| absolute(&self.dir, &report.uri)),
            run: build_run(&written.run),
            stages: stages.collect(),
            checks: written.checks.into_iter().filter_map(WrittenCheck::build).collect(),
            tests: written.tests.into_iter().map(|test| test.build(&self.dir)).collect(),
            path: self.path,
            dir: self.dir,
            text: self.text,
            places: self.tree.places,
        })
    }
}

/// Whether an entry of `plugins` is a name to look for: the path of a file beside the pipeline file begins with `./`, so
/// that reading the file shows what is searched and what is not.
fn is_name(written: &str) -> bool {
    !written.contains(std::path::is_separator) && written != "." && written != ".."
}

/// The schema of the file without those of the stages, which are checked one by one.
pub(crate) fn file_schema() -> Value {
    schema_for!(Written).to_value()
}

fn check_file(tree: &Tree, catalog: &dyn Catalog, found: &mut Vec<Diagnostic>) {
    let checker = Checker::new(&file_schema()).expect("the derived schema is valid");
    let unknown = |pointer: &str, key: &str| misplaced(tree, catalog, pointer, key);
    let scope = Scope { places: &tree.places, prefix: "", name: "", unknown: &unknown };
    checker.check(&tree.value, &scope, found);
}

/// An option of a stage that stands beside its `uses` instead of in its `with`.
fn misplaced(tree: &Tree, catalog: &dyn Catalog, pointer: &str, key: &str) -> Option<Special> {
    pointer.strip_prefix("/stage/")?;
    let uses = tree.value.pointer(pointer)?.get("uses")?.as_str()?;
    let schema = &catalog.find(uses)?.schema;
    known_keys(schema, schema).contains(&key).then(|| Special {
        message: format!("`{key}` is an option of `{uses}`, and options stand in `with`"),
        label: "not in `with`".to_owned(),
        hint: format!("write `with = {{ {key} = ... }}`"),
    })
}

/// A checker for each kind of stage that is used and known, or why its schema is none.
type Checkers<'a> = BTreeMap<&'a str, Result<Checker, String>>;

fn checkers<'a>(root: &Value, catalog: &'a dyn Catalog) -> Checkers<'a> {
    let kinds = stages(root).iter().filter_map(|stage| catalog.find(stage.get("uses")?.as_str()?));
    let mut checkers = Checkers::new();
    for kind in kinds {
        checkers.entry(kind.name.as_str()).or_insert_with(|| Checker::new(&kind.schema));
    }
    checkers
}

fn stages(root: &Value) -> &[Value] {
    root.get("stage").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// `is_complete`: a stage that is not in the catalog is none.
fn check_stages(
    tree: &Tree,
    catalog: &dyn Catalog,
    checkers: &Checkers<'_>,
    is_complete: bool,
    found: &mut Vec<Diagnostic>,
) {
    for (index, stage) in stages(&tree.value).iter().enumerate() {
        let Some(uses) = stage.get("uses").and_then(Value::as_str).filter(|uses| !uses.is_empty()) else {
            continue;
        };
        let pointer = format!("/stage/{index}");
        match (catalog.find(uses), checkers.get(uses)) {
            (Some(_), Some(Ok(checker))) => check_options(tree, &pointer, stage, checker, found),
            (Some(kind), Some(Err(why))) => found.push(bad_schema(&tree.places, &pointer, kind, why)),
            _ if is_complete => found.push(unknown_stage(&tree.places, &pointer, uses, catalog)),
            _ => (),
        }
    }
}

fn check_options(tree: &Tree, pointer: &str, stage: &Value, checker: &Checker, found: &mut Vec<Diagnostic>) {
    let none = Value::Object(Map::new());
    let options = stage.get("with").unwrap_or(&none);
    if !options.is_object() {
        return;
    }
    let id = stage.get("id").or_else(|| stage.get("uses")).and_then(Value::as_str).unwrap_or_default();
    let prefix = format!("{pointer}/with");
    let name = format!("the options of `{id}`");
    let scope = Scope { places: &tree.places, prefix: &prefix, name: &name, unknown: &|_, _| None };
    checker.check(options, &scope, found);
}

fn bad_schema(places: &Places, pointer: &str, kind: &StageKind, why: &str) -> Diagnostic {
    let spot = places.nearest(&format!("{pointer}/uses")).value();
    Diagnostic::at(spot, format!("`{}` cannot be used: the schema of its options is not valid", kind.name))
        .with_label(why)
        .with_hint(Some(&format!("its origin is `{}`; tell its author", kind.origin)))
}

fn unknown_stage(places: &Places, pointer: &str, uses: &str, catalog: &dyn Catalog) -> Diagnostic {
    let spot = places.nearest(&format!("{pointer}/uses")).value();
    let hint = suggest::suggestion(uses, "stage", &catalog.names());
    Diagnostic::at(spot, format!("unknown stage `{uses}`"))
        .with_label("expected the name of a stage")
        .with_hint(hint.as_deref().or(Some("`textmill list` shows all stages")))
}

fn check_ids(tree: &Tree, found: &mut Vec<Diagnostic>) {
    let mut first = BTreeMap::new();
    for (index, id) in overrides::ids(&tree.value).into_iter().enumerate() {
        let Some(id) = id else { continue };
        let Some(earlier) = first.get(id) else {
            first.insert(id, index);
            continue;
        };
        let spot = id_place(&tree.places, index);
        let one = Diagnostic::at(spot, format!("two stages are called `{id}`"))
            .with_label("the same again")
            .with_further(id_place(&tree.places, *earlier), "the first")
            .with_hint(Some("give one of them an `id` of its own"));
        found.push(one);
    }
}

/// Where a stage is named: its `id`, or else its `uses`.
fn id_place(places: &Places, index: usize) -> &crate::diagnostic::Spot {
    let id = places.get(&format!("/stage/{index}/id"));
    id.unwrap_or_else(|| places.nearest(&format!("/stage/{index}/uses"))).value()
}

/// Two outputs with one name would overwrite each other.
fn check_outputs(tree: &Tree, dir: &Path, found: &mut Vec<Diagnostic>) {
    let mut earlier: Vec<(String, &str)> = Vec::new();
    for key in ["output", "dropped", "failed", "ledger", "report"] {
        let pointer = format!("/{key}/uri");
        let Some(written) = tree.value.pointer(&pointer).and_then(Value::as_str) else { continue };
        let named = check_name(tree, key, written, found);
        let uri = absolute(dir, &named.uri).trim_end_matches('/').to_owned();
        if let Some((_, other)) = earlier.iter().find(|(known, _)| *known == uri) {
            let one =
                Diagnostic::at(tree.places.nearest(&pointer).value(), "two outputs have the same `uri`")
                    .with_label(format!("the same as that of `[{other}]`"))
                    .with_further(tree.places.nearest(&format!("/{other}/uri")).value(), "the first");
            found.push(one);
        }
        earlier.push((uri, key));
    }
}

/// The name of an output, which only that of the kept documents makes of them.
fn check_name(tree: &Tree, key: &str, written: &str, found: &mut Vec<Diagnostic>) -> Named {
    let spot = tree.places.nearest(&format!("/{key}/uri")).value();
    let named = Named::parse(written).unwrap_or_else(|error| {
        // The text of a plain string begins behind its quote.
        found.push(error.at(spot, 1, written));
        Named { uri: written.to_owned(), name: Vec::new() }
    });
    if key != "output" {
        if !named.name.is_empty() {
            let one = Diagnostic::at(spot, "a placeholder has a meaning in the `uri` of `[output]` alone");
            found.push(
                one.with_label("one file or folder").with_hint(Some("a brace that is none is doubled")),
            );
        }
    } else if let Some(place) = tree.places.get("/output/max-bytes").filter(|_| !named.has_parts()) {
        let one =
            Diagnostic::at(place.value(), "`max-bytes` has a meaning where one file can follow another")
                .with_label(format!("`{written}` is one file"))
                .with_hint(Some("put `{part}` into the name of the output, or end it with `/`"));
        found.push(one);
    }
    named
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn build_input(dir: &Path, written: WrittenInput) -> Input {
    let uris: Vec<String> = written.uri.into();
    Input {
        uris: uris.iter().map(|uri| absolute(dir, uri)).collect(),
        format: written.format,
        invalid_utf8: written.invalid_utf8,
        fields: written.fields,
        limits: build_limits(&written.limits),
    }
}

fn build_limits(written: &WrittenLimits) -> Limits {
    Limits {
        document_bytes: written.document_bytes.as_ref().map(bytes),
        line_bytes: written.line_bytes.as_ref().map(bytes),
        record_bytes: written.record_bytes.as_ref().map(bytes),
        unpacked_bytes: written.unpacked_bytes.as_ref().map(bytes),
        unpacked_ratio: written.unpacked_ratio,
        json_depth: written.json_depth,
    }
}

/// Without a place where the file leaves that to the command line.
fn build_output(dir: &Path, written: WrittenOutput) -> Output {
    // A name with a mistake was refused.
    let named = written.uri.as_deref().and_then(|uri| Named::parse(uri).ok()).unwrap_or_default();
    let uri = written.uri.map(|_| absolute(dir, &named.uri)).unwrap_or_default();
    Output {
        name: named.name,
        format: written.format,
        columns: written.columns.map(Into::into),
        group_by: written.group_by,
        max_bytes: written.max_bytes.as_ref().map(bytes),
        ..Output::new(uri)
    }
}

fn build_run(written: &WrittenRun) -> Run {
    let max_errors = |written: &WrittenMaxErrors| match written {
        WrittenMaxErrors::Count(count) => MaxErrors::Count(*count),
        WrittenMaxErrors::Share(share) => MaxErrors::Share(ratio(share)),
    };
    Run {
        max_errors: written.max_errors.as_ref().map(max_errors),
        threads: written.threads,
        memory_limit: written.memory_limit.as_ref().map(bytes),
        shard_bytes: written.shard_bytes.as_ref().map(bytes),
        resume_after: written.resume_after.as_deref().and_then(isolation::duration),
    }
}

/// The schema lets through what can be a size, and some that no machine has: those are as good as none.
pub(crate) fn bytes(written: &WrittenBytes) -> NonZeroU64 {
    match written {
        WrittenBytes::Count(bytes) => *bytes,
        WrittenBytes::Text(text) => parse_bytes(text).unwrap_or(NonZeroU64::MAX),
    }
}

/// What the command line says of how many documents may fail, in the words of the file: `3`, or `1%`. `None` if it is neither.
pub fn parse_max_errors(text: &str) -> Option<MaxErrors> {
    match text.strip_suffix('%') {
        None => text.parse().ok().map(MaxErrors::Count),
        Some(percent) => {
            let percent = percent.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent))?;
            Some(MaxErrors::Share(percent / 100.0))
        }
    }
}

/// A percentage as a ratio. The schema lets nothing else through.
fn ratio(percent: &str) -> f64 {
    percent.trim_end_matches('%').parse::<f64>().map_or(0.0, |percent| (percent / 100.0).min(1.0))
}

fn build_stage(
    dir: &Path,
    written: WrittenStage,
    checkers: &Checkers<'_>,
    catalog: &dyn Catalog,
) -> StageSpec {
    let process = OwnProcess::of(&written, catalog.find(&written.uses).is_some_and(|kind| kind.isolated));
    let options = Value::Object(written.with);
    let checker = checkers.get(written.uses.as_str()).and_then(|checker| checker.as_ref().ok());
    let resources = checker.map(|checker| checker.resources(&options)).unwrap_or_default().into_iter();
    let resource = |(pointer, path): (String, String)| {
        let absolute = normal(&dir.join(&path));
        ResourceSpec { pointer, path, absolute }
    };
    StageSpec {
        id: written.id.unwrap_or_else(|| written.uses.clone()),
        resources: resources.map(resource).collect(),
        uses: written.uses,
        on_error: written.on_error,
        process,
        options,
    }
}
