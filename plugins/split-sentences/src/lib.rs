//! The stage `split-sentences`: the sentences of a text as a field, for whatever reads the documents next.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use textmill_stage::{Doc, Outcome, Plan, Read, Result, Stage, Write};

/// Writes the sentences of the text into a field, as a list of texts without the white space around them.
///
/// No sentence ends after an abbreviation (`Dr.`, `U.S.`, `p.m.`), in a number, a web address or an ellipsis that goes on;
/// a line break ends one unless the next line goes on in lower case. Marks of other scripts (`。`, `؟`, `।`) count too.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    /// The field that the sentences go to; `sentences` if not given.
    field: Option<String>,
    /// A field for their places in the text, as `[[start, end], ...]` in bytes; none if not given.
    spans: Option<String>,
    /// The language of the texts, as an ISO 639-1 code, which adds its abbreviations. If not given, the document's field
    /// `language` or `lang` names it.
    language: Option<String>,
}

/// The stage `split-sentences`.
#[derive(Debug)]
pub struct SplitSentences {
    language: Option<String>,
    declared: [Read<Json>; 2],
    sentences: Write<Vec<String>>,
    spans: Option<Write<Json>>,
}

/// The fields that may name the language of a document.
const READS: [&str; 2] = ["language", "lang"];

impl Stage for SplitSentences {
    const NAME: &'static str = "split-sentences";
    type Config = Config;

    fn new(config: Config, plan: &mut Plan) -> Result<Self> {
        let field = config.field.unwrap_or_else(|| "sentences".to_owned());
        // A field that it reads and sets is another the next time.
        if ![Some(&field), config.spans.as_ref()].into_iter().flatten().any(|name| READS.contains(&&**name)) {
            plan.claim_idempotent();
        }
        Ok(Self {
            language: config.language,
            declared: READS.map(|name| plan.reads(name)),
            sentences: plan.writes(field),
            spans: config.spans.map(|name| plan.writes(name)),
        })
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let text = doc.text();
        let declared = self.declared.into_iter().find_map(|field| doc.get(field));
        let language = self.language.as_deref().or_else(|| declared.as_ref()?.as_str());
        let spans: Vec<_> = doc.sentences(language).collect();
        let sentences = spans.iter().filter_map(|span| span.of(text)).map(str::to_owned);
        doc.set(self.sentences, &sentences.collect());
        if let Some(field) = self.spans {
            let pairs = spans.iter().map(|span| Json::from(vec![span.start, span.end]));
            doc.set(field, &pairs.collect::<Json>());
        }
        Ok(Outcome::Keep)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};
    use textmill_stage::testing::open;

    use super::SplitSentences;

    fn check(config: &str, text: &str, fields: &[(&str, &str)], expect: &[(&str, Json)]) {
        let answered = open::<SplitSentences>(config).unwrap().run_with(text, fields);
        let expect = expect.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        assert_eq!(answered.fields, expect, "{config} {text:?}");
        assert_eq!(answered.text, text);
    }

    #[test]
    fn sentences_go_to_a_field() {
        check(
            "{}",
            "It rains. Dr. Lee stays.\n",
            &[],
            &[("sentences", json!(["It rains.", "Dr. Lee stays."]))],
        );
        check("{}", "", &[], &[("sentences", json!([]))]);
        check(
            r#"{"field": "parts", "spans": "places"}"#,
            "Ja. Nein.",
            &[],
            &[("parts", json!(["Ja.", "Nein."])), ("places", json!([[0, 3], [4, 9]]))],
        );
    }

    #[test]
    fn a_language_adds_its_abbreviations() {
        let one = json!(["Obst, bes. Äpfel."]);
        check(r#"{"language": "de"}"#, "Obst, bes. Äpfel.", &[], &[("sentences", one.clone())]);
        check("{}", "Obst, bes. Äpfel.", &[("lang", "\"de\"")], &[("sentences", one)]);
        check("{}", "Obst, bes. Äpfel.", &[("lang", "7")], &[("sentences", json!(["Obst, bes.", "Äpfel."]))]);
    }
}
