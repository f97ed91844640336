//! Stages that do all that a stage can do, and some that it must not: the black-box tests load them as a library.

mod die;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use textmill_stage::{
    Deletes, Doc, Drops, Emits, Error, NewDocument, Outcome, Plan, Read, Resource, Result, Rewrites, Span,
    Stage, Write,
};

/// Obeys the words that it finds in a text, in the order of this list: `SLEEP`, `MEET FILE`, `LOG`, `PRINT`, `SET`, `UNSET`, `CUT`, `EMIT`,
/// one of those that end the process (`SEGV`, `ABORT`, `EXIT`, `HANG`, `HOARD`, `COMPANY`), and then one of `DROP`, `FAIL`,
/// `PANIC`, `SPLIT`, `OVERLAP` and `BOTH`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ObeyConfig {
    /// How many documents `EMIT` emits; 13 is refused.
    #[schemars(range(max = 100))]
    children: u8,
    /// A word to look for, in place of `DROP`.
    drop: Option<String>,
    /// A file with words to look for, one on each line, which drop a document too.
    words: Option<Resource>,
    /// A word that ends the process, obeyed while the stage is opened.
    opening: String,
}

/// The stage `obey`.
#[derive(Debug)]
pub struct Obey {
    children: u8,
    drops: Vec<String>,
    count: Read<i64>,
    fields: Fields,
    emits: Emits,
    cut: Deletes,
    rewrite: Rewrites,
    word: Drops,
}

/// A field of each type.
#[derive(Debug)]
struct Fields {
    text: Write<String>,
    boolean: Write<bool>,
    integer: Write<i64>,
    float: Write<f64>,
    texts: Write<Vec<String>>,
    json: Write<serde_json::Value>,
}

impl Stage for Obey {
    const NAME: &'static str = "obey";
    type Config = ObeyConfig;

    fn new(config: ObeyConfig, plan: &mut Plan) -> Result<Self> {
        die::obey(&config.opening);
        if config.children == 13 {
            return Err(Error::config("/children", "thirteen brings bad luck"));
        }
        let mut drops = vec![config.drop.unwrap_or_else(|| "DROP".to_owned())];
        if let Some(words) = &config.words {
            drops.extend(String::from_utf8_lossy(plan.resource(words)?).lines().map(str::to_owned));
        }
        let fields = Fields {
            text: plan.writes("text-field"),
            boolean: plan.writes("boolean"),
            integer: plan.writes("integer"),
            float: plan.writes("float"),
            texts: plan.writes("texts"),
            json: plan.writes("json"),
        };
        Ok(Self {
            children: config.children,
            drops,
            count: plan.reads("count"),
            fields,
            emits: plan.emits(),
            cut: plan.deletes("cut", "The word is `CUT`."),
            rewrite: plan.rewrites("rewrite", "The word is `BOTH`."),
            word: plan.drops("word", "The text has a word that drops it."),
        })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let text = doc.text();
        if text.contains("SLEEP") {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        if let Some(file) = text.strip_prefix("MEET ") {
            meet(file)?;
        }
        if text.contains("LOG") {
            log(text);
        }
        if text.contains("PRINT") {
            print();
        }
        self.set(doc);
        if let Some(start) = text.find("CUT") {
            doc.remove(Span::new(start, start + "CUT".len()), self.cut);
        }
        if text.contains("EMIT") {
            self.emit(doc);
        }
        die::obey(text);
        self.end(doc)
    }
}

/// What no stage should do: stdout is for data, and stdin nothing for it.
#[expect(clippy::print_stdout, reason = "what is tested")]
fn print() {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line);
    println!("noise on stdout after {read:?} of stdin");
}

/// Makes a file, and waits until somebody has removed it; for a minute.
fn meet(file: &str) -> Result<()> {
    std::fs::write(file, "").map_err(|error| Error::document(format!("cannot write `{file}`: {error}")))?;
    let begin = std::time::Instant::now();
    while std::fs::exists(file).unwrap_or(true) {
        if begin.elapsed() > std::time::Duration::from_mins(1) {
            return Err(Error::document("nobody came"));
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(())
}

/// An event of each level, and one that is all of the text if it says `ALOUD`.
fn log(text: &str) {
    if text.contains("ALOUD") {
        tracing::error!("{text}");
    }
    tracing::error!("an error to tell of");
    tracing::warn!("a warning to tell of");
    tracing::info!("news to tell of");
    tracing::debug!(bytes = text.len(), whole = true, "a detail to tell of");
    tracing::trace!("a trifle to tell of");
}

impl Obey {
    fn set(&self, doc: &mut Doc<'_>) {
        let Fields { text, boolean, integer, float, texts, json } = &self.fields;
        if doc.text().contains("DEEP") {
            let deep = (0..200).fold(json!(null), |inner, _| json!([inner]));
            doc.set(*json, &deep);
        }
        if doc.text().contains("UNSET") {
            doc.unset(*text);
            doc.unset(*json);
        } else if doc.text().contains("SET") {
            let count = doc.get(self.count).unwrap_or(-1);
            doc.set(*text, &"a \"text\"\n".to_owned());
            doc.set(*boolean, &true);
            doc.set(*integer, &(count + 1));
            doc.set(*float, &0.5);
            doc.set(*texts, &vec!["one".to_owned(), "two".to_owned()]);
            doc.set(*json, &json!({"z": [1, null], "a": {}}));
        }
    }

    fn emit(&self, doc: &mut Doc<'_>) {
        for number in 1..=self.children {
            let child =
                NewDocument::new(format!("child {number}")).with(self.fields.integer, &i64::from(number));
            doc.emit(child, &self.emits);
        }
    }

    fn end(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let text = doc.text();
        if self.drops.iter().any(|word| text.contains(word)) {
            return Ok(Outcome::Drop(self.word));
        }
        if text.contains("FAIL") {
            return Err(Error::document("was told to fail"));
        }
        assert!(!text.contains("PANIC"), "was told to panic");
        if text.contains("SPLIT") {
            let inside = text.find('é').map_or(0, |start| start + 1);
            doc.remove(Span::new(0, inside), self.cut);
        }
        if text.contains("OVERLAP") {
            doc.remove(Span::new(0, 3), self.cut);
            doc.remove(Span::new(2, 4), self.cut);
        }
        if text.contains("BOTH") {
            doc.remove(Span::new(0, 1), self.cut);
            doc.rewrite("all new".to_owned(), self.rewrite);
        }
        Ok(Outcome::Keep)
    }
}

/// Writes the text in capitals.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ShoutConfig {}

/// The stage `shout`.
#[derive(Debug)]
pub struct Shout(Rewrites);

impl Stage for Shout {
    const NAME: &'static str = "shout";
    type Config = ShoutConfig;

    fn new(_: ShoutConfig, plan: &mut Plan) -> Result<Self> {
        Ok(Self(plan.rewrites("shout", "Every letter becomes a capital.")))
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        doc.rewrite(doc.text().to_uppercase(), self.0);
        Ok(Outcome::Keep)
    }
}

textmill_stage::export!(Obey, Shout);
