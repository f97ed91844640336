//! What a whole run leaves, and whether a folder holds that and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value as Json;

use super::trial::Trial;

/// Files by their paths in the folder of a trial.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What a run leaves that nobody interrupts.
#[derive(Debug)]
pub(super) struct Expected {
    /// What everybody sees.
    pub(super) visible: Files,
    records: BTreeMap<String, Json>,
    /// How long it takes.
    pub(super) time: Duration,
}

impl Expected {
    /// Runs a trial to its end.
    pub(super) fn of(trial: &Trial<'_>, jobs: usize) -> Result<Self> {
        let begin = Instant::now();
        trial.finish(jobs)?;
        let time = begin.elapsed();
        let (visible, hidden) = trial.files()?;
        Ok(Self { visible, records: records(&hidden, trial.folder())?, time })
    }

    /// The hidden folder of the main output.
    pub(super) fn state(&self) -> Option<&str> {
        self.records
            .keys()
            .filter(|name| !name.contains("ledger"))
            .find_map(|name| name.strip_suffix("/run.json"))
    }

    /// Whether a trial has ended as it should.
    pub(super) fn check(&self, trial: &Trial<'_>) -> Result<()> {
        let (visible, hidden) = trial.files()?;
        same("files", &visible.keys().collect::<Vec<_>>(), &self.visible.keys().collect())?;
        for (name, bytes) in &visible {
            ensure!(self.visible.get(name) == Some(bytes), "`{name}` has other bytes");
        }
        let known = ["owner.json", "manifest.json", "input.json", "run.json", "report.html"];
        let litter =
            hidden.keys().find(|name| !known.iter().any(|known| name.ends_with(&format!("/{known}"))));
        ensure!(litter.is_none(), "`{}` is left", litter.unwrap_or(&String::new()));
        let records = records(&hidden, trial.folder())?;
        same("records", &records.keys().collect::<Vec<_>>(), &self.records.keys().collect())?;
        for (name, record) in &records {
            check_equation(record)?;
            ensure!(self.records.get(name) == Some(record), "`{name}` says something else");
        }
        Ok(())
    }
}

/// Records of runs and manifests, without what may differ: times, and where the trial is.
fn records(hidden: &Files, folder: &Path) -> Result<BTreeMap<String, Json>> {
    let is_record = |name: &&String| name.ends_with("/run.json") || name.ends_with("/manifest.json");
    let names = hidden.keys().filter(is_record);
    let record = |name: &String| {
        let text = String::from_utf8_lossy(&hidden[name]).replace(&*folder.to_string_lossy(), ".");
        let mut record: Json = serde_json::from_str(&text).with_context(|| format!("`{name}` is damaged"))?;
        record.as_object_mut().and_then(|record| record.remove("times"));
        Ok((name.clone(), record))
    };
    names.map(record).collect()
}

/// read + emitted = kept + dropped + failed, and what is listed of the outputs says the same.
fn check_equation(record: &Json) -> Result<()> {
    let Some(docs) = record.get("docs") else { return Ok(()) };
    let count =
        |name: &str| docs.get(name).and_then(Json::as_u64).with_context(|| format!("no `docs.{name}`"));
    let (came, went) =
        (count("read")? + count("emitted")?, count("kept")? + count("dropped")? + count("failed")?);
    ensure!(came == went && came > 0, "{came} documents came, {went} went");
    let outputs = record.get("outputs").and_then(Json::as_array).context("no `outputs`")?;
    for (kind, name) in [("output", "kept"), ("dropped", "dropped"), ("failed", "failed")] {
        let listed = outputs.iter().find(|output| output.get("kind").is_some_and(|found| found == kind));
        let listed = listed.and_then(|output| output.get("docs")).and_then(Json::as_u64);
        let counted = count(name)?;
        ensure!(
            listed.unwrap_or(counted) == counted,
            "`{kind}` holds {listed:?} documents, and not {counted}"
        );
    }
    Ok(())
}

/// Whether all is there that `_SUCCESS` lists, if there is one.
pub(super) fn check_success(visible: &Files) -> Result<()> {
    for (name, bytes) in visible.iter().filter(|(name, _)| name.ends_with("/_SUCCESS")) {
        let folder = name.trim_end_matches("_SUCCESS");
        let success: Json = serde_json::from_slice(bytes).with_context(|| format!("`{name}` is damaged"))?;
        let listed = success.get("files").and_then(Json::as_array).context("`_SUCCESS` lists no files")?;
        for file in listed {
            let path = file.get("path").and_then(Json::as_str).unwrap_or_default();
            let found = visible.get(&format!("{folder}{path}")).map(|bytes| bytes.len() as u64);
            ensure!(found == file.get("bytes").and_then(Json::as_u64), "`{name}` is there, `{path}` is not");
        }
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<()> {
    ensure!(found == expected, "other {what}: {found:?} and not {expected:?}");
    Ok(())
}

/// All files below a folder, by their paths from `root`.
pub(super) fn read_files(root: &Path, folder: &Path, files: &mut Files) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_files(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.insert(name, fs::read(&path)?);
        }
    }
    Ok(())
}
