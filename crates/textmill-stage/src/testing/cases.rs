//! Golden cases: a folder of texts, and of what a stage must make of them.
//!
//! | file | what is in it |
//! |---|---|
//! | `NAME.in.txt` | the text of a document; this file makes a case |
//! | `NAME.in.json` | its other fields, as an object; none if there is no such file |
//! | `NAME.options.json` | the options; `{}` if there is no such file. A path in them is that of a file in the folder |
//! | `NAME.out.txt` | the text that comes out; absent where the document does not come out |
//! | `NAME.out.json` | all else: `fields` that are set, texts that are `emitted`, the rule it is `dropped` by, the message it has `failed` with; absent where there is nothing else |
//!
//! Texts are compared byte for byte. With `TEXTMILL_UPDATE=1` in the environment the expected files are written anew; look at
//! the difference before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use textmill_abi as abi;

use super::{Answered, Opened, open_with_resources};
use crate::StageWithScratch;

/// A case: a document, and the options of the stage that gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The name that its files begin with.
    pub name: String,
    /// The options, as JSON.
    pub options: Json,
    /// The files that the options name: the path as it stands there, and the bytes.
    pub resources: Vec<(String, Vec<u8>)>,
    /// The text of the document.
    pub text: String,
    /// Its other fields.
    pub fields: Map<String, Json>,
    folder: PathBuf,
}

/// What became of the document of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Became {
    /// The text that came out; `None` where the document was dropped or has failed.
    pub text: Option<String>,
    /// All else.
    pub more: More,
}

/// What became of a document beside its text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct More {
    /// The fields that were set; null where one was removed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Json>,
    /// The texts of the documents it emitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emitted: Vec<String>,
    /// The rule under which it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
    /// Why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// Runs a stage on all cases of a folder.
///
/// ```no_run
/// # use textmill_stage::{Doc, Outcome, Plan, Result, Stage};
/// # struct Shout;
/// # impl Stage for Shout {
/// #     const NAME: &'static str = "shout";
/// #     type Config = ();
/// #     fn new((): (), _: &mut Plan) -> Result<Self> { Ok(Self) }
/// #     fn process(&self, _: &mut Doc<'_>) -> Result<Outcome> { Ok(Outcome::Keep) }
/// # }
/// textmill_stage::testing::cases::<Shout>(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"));
/// ```
///
/// # Panics
/// If what comes out is not what the folder says, with every difference; if the folder has no case or cannot be read.
pub fn cases<S: StageWithScratch>(folder: impl AsRef<Path>) {
    let update = std::env::var_os("TEXTMILL_UPDATE").is_some();
    if let Err(message) = check_cases(folder.as_ref(), update, &run_case::<S>) {
        panic!("{message}");
    }
}

/// Runs something on all cases of a folder and compares; how many there were. With `update` the expected files are written
/// instead.
///
/// # Errors
/// Every case that came out otherwise, as a text for people; or the folder has no case or cannot be read.
pub fn check_cases(
    folder: &Path,
    update: bool,
    run: &dyn Fn(&Case) -> Result<Became, String>,
) -> Result<usize, String> {
    let cases = Case::all(folder)?;
    let mut wrong = String::new();
    for case in &cases {
        let found = run(case).map_err(|message| format!("case `{}`: {message}", case.name))?;
        let expected = if update { case.write(&found).map(|()| found.clone()) } else { case.expected() };
        let differences = differences(&expected?, &found);
        if !differences.is_empty() {
            // A `String` takes everything.
            let _ = write!(wrong, "case `{}` in `{}`:\n{differences}", case.name, folder.display());
        }
    }
    let hint = "with TEXTMILL_UPDATE=1 the expected files are written anew";
    if wrong.is_empty() { Ok(cases.len()) } else { Err(format!("{wrong}{hint}")) }
}

impl Case {
    /// All cases of a folder, by name.
    ///
    /// # Errors
    /// If there is none, or a file cannot be read.
    fn all(folder: &Path) -> Result<Vec<Self>, String> {
        let unreadable = |error| format!("cannot read `{}`: {error}", folder.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_suffix(".in.txt")).map(str::to_owned));
        }
        names.sort();
        if names.is_empty() {
            return Err(format!("`{}` has no case: no file is called `NAME.in.txt`", folder.display()));
        }
        names.into_iter().map(|name| Self::read(folder, name)).collect()
    }

    fn read(folder: &Path, name: String) -> Result<Self, String> {
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        let options = json(&file("options.json"))?.unwrap_or_else(|| Json::Object(Map::new()));
        let fields = json(&file("in.json"))?.unwrap_or_default();
        let mut resources = Vec::new();
        gather_files(folder, &options, &mut resources);
        Ok(Self {
            text: text(&file("in.txt"))?.unwrap_or_default(),
            folder: folder.to_owned(),
            options,
            fields,
            resources,
            name,
        })
    }

    fn expected(&self) -> Result<Became, String> {
        let more = json(&self.file("out.json"))?.unwrap_or_default();
        Ok(Became { text: text(&self.file("out.txt"))?, more })
    }

    fn write(&self, found: &Became) -> Result<(), String> {
        let more = if found.more == More::default() {
            None
        } else {
            let json = serde_json::to_string_pretty(&found.more).map_err(|error| error.to_string())?;
            Some(json + "\n")
        };
        put(&self.file("out.txt"), found.text.as_deref())?;
        put(&self.file("out.json"), more.as_deref())
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }
}

/// Writes a file, or sees to it that there is none.
fn put(path: &Path, text: Option<&str>) -> Result<(), String> {
    let done = match text {
        Some(text) => fs::write(path, text),
        None => match fs::remove_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done,
        },
    };
    done.map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}

fn text(path: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read `{}`: {error}", path.display())),
    }
}

fn json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, String> {
    let parse = |text: String| {
        serde_json::from_str(&text).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
    };
    text(path)?.map(parse).transpose()
}

/// Every string of the options that is the path of a file in the folder.
fn gather_files(folder: &Path, options: &Json, files: &mut Vec<(String, Vec<u8>)>) {
    match options {
        Json::String(path) => {
            if let Ok(bytes) = fs::read(folder.join(path)) {
                files.push((path.clone(), bytes));
            }
        }
        Json::Array(items) => items.iter().for_each(|item| gather_files(folder, item, files)),
        Json::Object(object) => object.values().for_each(|value| gather_files(folder, value, files)),
        _ => {}
    }
}

fn run_case<S: StageWithScratch>(case: &Case) -> Result<Became, String> {
    let resources: Vec<_> =
        case.resources.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let opened = open_with_resources::<S>(&case.options.to_string(), &resources);
    let opened = opened.map_err(|error| format!("the stage refuses the options: {error}"))?;
    let values: Vec<_> =
        case.fields.iter().map(|(name, value)| (name, opened.crossing(name, value))).collect();
    let fields: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Ok(opened.run_with(&case.text, &fields).into())
}

impl<S: StageWithScratch> Opened<S> {
    /// A value of a field as a stage gets it: a text as it is, all else as JSON.
    fn crossing(&self, name: &str, value: &Json) -> String {
        let kind = self.plan.reads.iter().find(|(field, _)| field == name).map(|(_, kind)| *kind);
        match value {
            Json::String(text) if kind == Some(abi::TEXT) => text.clone(),
            value => value.to_string(),
        }
    }
}

impl From<Answered> for Became {
    fn from(answered: Answered) -> Self {
        let comes_out = answered.dropped.is_none() && answered.failed.is_none();
        Self {
            text: comes_out.then_some(answered.text),
            more: More {
                fields: answered.fields,
                emitted: answered.emitted,
                dropped: answered.dropped.map(str::to_owned),
                failed: answered.failed.map(|error| error.to_string()),
            },
        }
    }
}

fn differences(expected: &Became, found: &Became) -> String {
    let text = match (&expected.text, &found.text) {
        (expected, found) if expected == found => String::new(),
        (Some(expected), Some(found)) => line_difference(expected, found),
        (None, Some(found)) => format!("  a text comes out, and none was expected: {found:?}\n"),
        (_, None) => "  no text comes out\n".to_owned(),
    };
    if expected.more == found.more {
        return text;
    }
    let json = |more: &More| serde_json::to_string(more).unwrap_or_default();
    format!("{text}  expected {}\n  found    {}\n", json(&expected.more), json(&found.more))
}

/// The first line in which two texts differ.
fn line_difference(expected: &str, found: &str) -> String {
    let (mut left, mut right) = (expected.split_inclusive('\n'), found.split_inclusive('\n'));
    let mut number = 1;
    loop {
        match (left.next(), right.next()) {
            (Some(left), Some(right)) if left == right => number += 1,
            (left, right) => {
                let shown =
                    |line: Option<&str>| line.map_or("the end".to_owned(), |line| format!("{line:?}"));
                return format!(
                    "  line {number}: expected {}\n  line {number}: found    {}\n",
                    shown(left),
                    shown(right)
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drops what is empty, and otherwise appends to the text.
    fn run(case: &Case) -> Result<Became, String> {
        let mut became = Became::default();
        match case.text.as_str() {
            "" => became.more.dropped = Some("empty".to_owned()),
            "refuse" => return Err("refused".to_owned()),
            text => became.text = Some(format!("{text}{}", case.fields.len() + case.resources.len())),
        }
        Ok(became)
    }

    #[test]
    fn a_folder_is_held_to_what_it_says() {
        let folder = std::env::temp_dir().join(format!("textmill-cases-{}", std::process::id()));
        let file = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        fs::create_dir_all(&folder).unwrap();
        assert!(check_cases(&folder, false, &run).unwrap_err().contains("no case"));

        file("a.in.txt", "x\ny\n");
        file("a.in.json", r#"{"title": "t"}"#);
        file("a.options.json", r#"{"words": ["list.txt", "not a file"]}"#);
        file("list.txt", "");
        file("b.in.txt", "");
        assert!(check_cases(&folder, false, &run).unwrap_err().contains("case `a`"));
        assert_eq!(check_cases(&folder, true, &run), Ok(2));
        assert_eq!(check_cases(&folder, false, &run), Ok(2));
        assert_eq!(fs::read_to_string(folder.join("a.out.txt")).unwrap(), "x\ny\n2");
        assert!(!folder.join("a.out.json").exists() && !folder.join("b.out.txt").exists());

        file("a.out.txt", "x\nz\n2");
        file("b.out.json", r#"{"dropped": "full"}"#);
        let wrong = check_cases(&folder, false, &run).unwrap_err();
        for part in ["line 2: expected \"z\\n\"", "line 2: found    \"y\\n\"", "\"full\"", "TEXTMILL_UPDATE"]
        {
            assert!(wrong.contains(part), "{wrong}");
        }
        file("b.out.json", r#"{"droped": "full"}"#);
        assert!(check_cases(&folder, false, &run).unwrap_err().contains("unknown field"));

        file("c.in.txt", "refuse");
        assert_eq!(check_cases(&folder, true, &run).unwrap_err(), "case `c`: refused");
        fs::remove_dir_all(folder).unwrap();
    }
}
