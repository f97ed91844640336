//! A document as a stage sees it, and the answers it collects.

use textmill_text::{Lines, Span, lines};

use crate::glue::Shared;
use crate::plan::{Deletes, Drops, Emits, Read, Rewrites, Write};
use crate::{Error, Result, Sentences, Value, Words};

/// What becomes of a document.
///
/// ```
/// # use textmill_stage::{Doc, Drops, Outcome, Plan, Result, Stage};
/// # /// What it is for.
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(deny_unknown_fields)]
/// # struct Config {}
/// # struct DropEmpty { empty: Drops }
/// # impl Stage for DropEmpty {
/// #     const NAME: &'static str = "drop-empty";
/// #     type Config = Config;
/// fn new(_: Config, plan: &mut Plan) -> Result<Self> {
///     Ok(Self { empty: plan.drops("empty", "Nothing but white space is in the text.") })
/// }
///
/// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
///     let empty = doc.text().trim().is_empty();
///     Ok(if empty { Outcome::Drop(self.empty) } else { Outcome::Keep })
/// }
/// # }
///
/// let stage = textmill_stage::testing::open::<DropEmpty>("{}")?;
/// assert_eq!(stage.run(" \n").dropped, Some("empty"));
/// assert_eq!(stage.run("It rains.").dropped, None);
/// # Ok::<(), textmill_stage::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on to the next stage, with its edits.
    Keep,
    /// It ends here, for this reason.
    Drop(Drops),
}

/// A document in the hands of a stage: its text, the fields the stage declared, and the changes it asks for.
///
/// Changes take effect after the stage has answered: [`Doc::text`] stays as it is, and all edits speak of that text.
#[derive(Debug)]
pub struct Doc<'a> {
    text: &'a str,
    fields: &'a [Option<&'a str>],
    shared: Shared<'a>,
    answer: &'a mut Answer,
}

/// An edit: the span of the text, the range of its replacement in [`Answer::replacements`], the index of its rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EditRecord {
    pub(crate) span: Span,
    pub(crate) replacement: Span,
    pub(crate) rule: u32,
}

/// All that a stage asked for with one document. Its buffers are used again for the next one.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) edits: Vec<EditRecord>,
    pub(crate) replacements: String,
    pub(crate) rewrite: Option<(String, u32)>,
    pub(crate) sets: Vec<(usize, Option<String>)>,
    pub(crate) emits: Vec<NewDocument>,
    pub(crate) scores: Vec<(&'static str, f64, f64)>,
    sorted: bool,
}

/// A document that a stage emits; see [`Doc::emit`].
#[derive(Clone, Debug, Default)]
pub struct NewDocument {
    pub(crate) text: String,
    pub(crate) fields: Vec<(usize, String)>,
}

impl<'a> Doc<'a> {
    pub(crate) fn new(
        text: &'a str,
        fields: &'a [Option<&'a str>],
        shared: Shared<'a>,
        answer: &'a mut Answer,
    ) -> Self {
        answer.clear();
        Self { text, fields, shared, answer }
    }

    /// The text, as it came to this stage.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The lines of the text. A line ends with `\n`, with `\r\n` or with the text; its span has its end in it, so that
    /// removing the span removes the line.
    pub fn lines(&self) -> Lines<'a> {
        lines(self.text)
    }

    /// The sentences of the text, as spans without the white space around them. `language` is an ISO 639-1 code, which
    /// adds abbreviations of that language. The host finds them once, for all stages that ask before an edit.
    pub fn sentences(&self, language: Option<&str>) -> Sentences<'a> {
        Sentences::new(self.text, self.shared.sentences(language), language)
    }

    /// The words of the text: runs of letters and digits, and single characters of scripts that put no space between
    /// words. The host finds them once, for all stages that ask before an edit.
    ///
    /// ```
    /// # use textmill_stage::{Doc, Outcome, Plan, Result, Stage, Write};
    /// # /// What it is for.
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # #[serde(deny_unknown_fields)]
    /// # struct Config {}
    /// # struct Count { longest: Write<i64>, words: Write<i64> }
    /// # impl Stage for Count {
    /// #     const NAME: &'static str = "count";
    /// #     type Config = Config;
    /// #     fn new(_: Config, plan: &mut Plan) -> Result<Self> {
    /// #         Ok(Self { longest: plan.writes("longest"), words: plan.writes("words") })
    /// #     }
    /// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
    ///     let words = doc.words().count() as i64;
    ///     let longest = doc.sentences(Some("en")).map(|span| span.len()).max().unwrap_or(0);
    ///     doc.set(self.words, &words);
    ///     doc.set(self.longest, &(longest as i64));
    ///     Ok(Outcome::Keep)
    /// }
    /// # }
    ///
    /// let counted = textmill_stage::testing::open::<Count>("{}")?.run("Mr. Fox can't swim. He sinks.");
    /// assert_eq!(counted.fields["words"], 6);
    /// assert_eq!(counted.fields["longest"], "Mr. Fox can't swim.".len());
    /// # Ok::<(), textmill_stage::Error>(())
    /// ```
    pub fn words(&self) -> Words<'a> {
        Words::new(self.text, self.shared.words())
    }

    /// The value of a field; `None` where it is absent or null.
    pub fn get<T: Value>(&self, field: Read<T>) -> Option<T::Ref<'a>> {
        self.fields.get(field.column).copied().flatten().and_then(T::decode)
    }

    /// Deletes `span` (bytes) of the text.
    pub fn remove(&mut self, span: Span, rule: Deletes) {
        self.edit(span, "", rule.0);
    }

    /// Puts `replacement` in the place of `span` (bytes) of the text.
    ///
    /// Edits come in any order and do not overlap; an edit of no bytes inserts. Both [`Doc::remove`] and this take a span of
    /// the text as it came to the stage, in bytes, on character boundaries: one that cuts a character fails the document.
    ///
    /// ```
    /// use textmill_stage::Span;
    /// # use textmill_stage::{Deletes, Doc, Outcome, Plan, Result, Rewrites, Stage};
    /// # /// What it is for.
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # #[serde(deny_unknown_fields)]
    /// # struct Config {}
    /// # struct Tidy { space: Deletes, dash: Rewrites }
    /// # impl Stage for Tidy {
    /// #     const NAME: &'static str = "tidy";
    /// #     type Config = Config;
    /// fn new(_: Config, plan: &mut Plan) -> Result<Self> {
    ///     Ok(Self {
    ///         space: plan.deletes("space", "There is white space at the end of a line."),
    ///         dash: plan.rewrites("dash", "Two hyphens stand for a dash."),
    ///     })
    /// }
    ///
    /// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
    ///     for (start, hyphens) in doc.text().match_indices("--") {
    ///         doc.replace(Span::new(start, start + hyphens.len()), "–", self.dash);
    ///     }
    ///     for line in doc.lines() {
    ///         let kept = line.span.start + line.text.trim_end().len();
    ///         if kept < line.span.start + line.text.len() {
    ///             doc.remove(Span::new(kept, line.span.start + line.text.len()), self.space);
    ///         }
    ///     }
    ///     Ok(Outcome::Keep)
    /// }
    /// # }
    ///
    /// let tidied = textmill_stage::testing::open::<Tidy>("{}")?.run("rain  \nand -- wind\n");
    /// assert_eq!(tidied.text, "rain\nand – wind\n");
    /// let rules: Vec<_> = tidied.edits.iter().map(|(span, _, rule)| (span.start, *rule)).collect();
    /// assert_eq!(rules, [(4, "space"), (11, "dash")]);
    /// # Ok::<(), textmill_stage::Error>(())
    /// ```
    pub fn replace(&mut self, span: Span, replacement: &str, rule: Rewrites) {
        self.edit(span, replacement, rule.0);
    }

    /// Gives the document a whole new text. Prefer edits: they say what changed. Not beside edits of the same document.
    ///
    /// ```
    /// # use textmill_stage::{Doc, Outcome, Plan, Result, Rewrites, Stage};
    /// # /// What it is for.
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # #[serde(deny_unknown_fields)]
    /// # struct Config {}
    /// # struct Unescape { entities: Rewrites }
    /// # impl Stage for Unescape {
    /// #     const NAME: &'static str = "unescape";
    /// #     type Config = Config;
    /// #     fn new(_: Config, plan: &mut Plan) -> Result<Self> {
    /// #         Ok(Self { entities: plan.rewrites("entities", "The text was escaped for HTML.") })
    /// #     }
    /// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
    ///     // A text that stays as it is gets no new one: so it is not copied, and counts as unchanged.
    ///     if doc.text().contains("&amp;") {
    ///         doc.rewrite(doc.text().replace("&amp;", "&"), self.entities);
    ///     }
    ///     Ok(Outcome::Keep)
    /// }
    /// # }
    ///
    /// let stage = textmill_stage::testing::open::<Unescape>("{}")?;
    /// assert_eq!(stage.run("rain &amp; wind").text, "rain & wind");
    /// # Ok::<(), textmill_stage::Error>(())
    /// ```
    pub fn rewrite(&mut self, text: String, rule: Rewrites) {
        self.answer.rewrite = Some((text, rule.0));
    }

    /// Sets a field.
    pub fn set<T: Value>(&mut self, field: Write<T>, value: &T) {
        self.answer.sets.push((field.column, Some(value.encode().into_owned())));
    }

    /// Removes a field.
    pub fn unset<T: Value>(&mut self, field: Write<T>) {
        self.answer.sets.push((field.column, None));
    }

    /// One more document, which follows this one and goes on to the next stage. This one stays; drop it if it should not.
    ///
    /// ```
    /// use textmill_stage::NewDocument;
    /// # use textmill_stage::{Doc, Drops, Emits, Outcome, Plan, Result, Stage, Write};
    /// # /// What it is for.
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # #[serde(deny_unknown_fields)]
    /// # struct Config {}
    /// # struct Split { emits: Emits, number: Write<i64>, whole: Drops }
    /// # impl Stage for Split {
    /// #     const NAME: &'static str = "split";
    /// #     type Config = Config;
    /// fn new(_: Config, plan: &mut Plan) -> Result<Self> {
    ///     Ok(Self {
    ///         emits: plan.emits(),
    ///         number: plan.writes("number"),
    ///         whole: plan.drops("split", "Its parts follow it."),
    ///     })
    /// }
    ///
    /// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
    ///     for (number, part) in (1..).zip(doc.text().split("\n\n")) {
    ///         doc.emit(NewDocument::new(part).with(self.number, &number), &self.emits);
    ///     }
    ///     Ok(Outcome::Drop(self.whole))
    /// }
    /// # }
    ///
    /// let split = textmill_stage::testing::open::<Split>("{}")?.run("one\n\ntwo");
    /// assert_eq!(split.emitted, ["one", "two"]);
    /// assert_eq!(split.dropped, Some("split"));
    /// # Ok::<(), textmill_stage::Error>(())
    /// ```
    pub fn emit(&mut self, document: NewDocument, _permission: &Emits) {
        self.answer.emits.push(document);
    }

    /// Reports a number that decided, and the threshold it was held against, so that reports can draw them.
    ///
    /// ```
    /// # use textmill_stage::{Doc, Drops, Outcome, Plan, Result, Stage};
    /// # /// What it is for.
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # #[serde(deny_unknown_fields)]
    /// # struct Config {}
    /// # struct DropTables { digits: Drops }
    /// # impl Stage for DropTables {
    /// #     const NAME: &'static str = "drop-tables";
    /// #     type Config = Config;
    /// #     fn new(_: Config, plan: &mut Plan) -> Result<Self> {
    /// #         Ok(Self { digits: plan.drops("digits", "More than half of the text is digits.") })
    /// #     }
    /// fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
    ///     const MOST: f64 = 0.5;
    ///     let digits = doc.text().bytes().filter(u8::is_ascii_digit).count();
    ///     let share = digits as f64 / doc.text().len().max(1) as f64;
    ///     doc.score("digits", share, Some(MOST));
    ///     Ok(if share > MOST { Outcome::Drop(self.digits) } else { Outcome::Keep })
    /// }
    /// # }
    ///
    /// let answered = textmill_stage::testing::open::<DropTables>("{}")?.run("1 2");
    /// assert_eq!(answered.scores, [("digits", 2.0 / 3.0, Some(0.5))]);
    /// assert_eq!(answered.dropped, Some("digits"));
    /// # Ok::<(), textmill_stage::Error>(())
    /// ```
    pub fn score(&mut self, name: &'static str, value: f64, threshold: Option<f64>) {
        self.answer.scores.push((name, value, threshold.unwrap_or(f64::NAN)));
    }

    fn edit(&mut self, span: Span, replacement: &str, rule: u32) {
        let answer = &mut *self.answer;
        answer.sorted &= answer.edits.last().is_none_or(|last| last.span.end <= span.start);
        let start = answer.replacements.len();
        answer.replacements.push_str(replacement);
        let replacement = Span::new(start, answer.replacements.len());
        answer.edits.push(EditRecord { span, replacement, rule });
    }
}

impl NewDocument {
    /// A document with this text (and an id made from its parent's).
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), fields: Vec::new() }
    }

    /// Sets a field of it.
    #[must_use]
    pub fn with<T: Value>(mut self, field: Write<T>, value: &T) -> Self {
        self.fields.push((field.column, value.encode().into_owned()));
        self
    }
}

impl Answer {
    fn clear(&mut self) {
        self.edits.clear();
        self.replacements.clear();
        self.rewrite = None;
        self.sets.clear();
        self.emits.clear();
        self.scores.clear();
        self.sorted = true;
    }

    /// Puts the edits in order and checks them against the text.
    pub(crate) fn finish(&mut self, text: &str) -> Result<()> {
        if self.rewrite.is_some() && !self.edits.is_empty() {
            return Err(Error::document("edits and a whole new text for the same document"));
        }
        if !self.sorted {
            self.edits.sort_by_key(|edit| edit.span);
        }
        let mut end = 0;
        for edit in &self.edits {
            if edit.span.of(text).is_none() {
                return Err(bad_edit(edit.span, "is outside of the text or cuts a character"));
            }
            if edit.span.start < end {
                return Err(bad_edit(edit.span, "overlaps the edit before it"));
            }
            end = edit.span.end;
        }
        Ok(())
    }
}

fn bad_edit(span: Span, what: &str) -> Error {
    Error::document(format!("the edit of bytes {span:?} {what}"))
}
