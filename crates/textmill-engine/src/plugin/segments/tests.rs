use std::ptr;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use textmill_stage::{Doc, Outcome, Plan, Result, Stage, Write};
use textmill_text::{lines, sentences_in, words};

use super::*;
use crate::plugin::{Answers, OpenedStage, Registry};

#[derive(Deserialize, JsonSchema)]
struct NoOptions {}

/// Writes down what the SDK gives it.
struct Parts(Write<Json>);

impl Stage for Parts {
    const NAME: &'static str = "parts";
    type Config = NoOptions;

    fn new(_: NoOptions, plan: &mut Plan) -> Result<Self> {
        Ok(Self(plan.writes("parts")))
    }

    fn process(&self, doc: &mut Doc<'_>) -> Result<Outcome> {
        let lines: Vec<_> =
            doc.lines().map(|line| json!([line.text, line.span.start, line.span.end])).collect();
        let words: Vec<_> = doc
            .words()
            .map(|word| json!([word.text, word.span.start, word.span.end, word.unspaced]))
            .collect();
        let sentences =
            LANGUAGES.map(|code| doc.sentences(code).map(|it| [it.start, it.end]).collect::<Vec<_>>());
        doc.set(self.0, &json!([lines, words, sentences]));
        Ok(Outcome::Keep)
    }
}

const LANGUAGES: [Option<&str>; 4] = [None, Some("de"), Some("no language"), Some("de-AT")];

/// What each of four stages sees of texts with the service, on their way through the ABI, and how many of the texts have
/// words that are shared in the end.
fn shared(texts: &[String]) -> ([Vec<Json>; 4], usize) {
    let registry = Registry::new(&[textmill_stage::vtable::<Parts>]);
    let stage = OpenedStage::open(&registry, "parts", &json!({}), Vec::new()).unwrap();
    let columns = [texts.iter().map(|text| text.as_str().into()).collect()];
    let (mut segments, mut answers) = (Segments::default(), Answers::default());
    segments.begin_with(texts.len());
    let value = |answer: &mut crate::plugin::Answer| answer.sets[0].1.take().unwrap();
    let seen = [(); 4].map(|()| {
        stage.worker().unwrap().process(&columns, &mut segments, &mut answers).unwrap();
        answers.iter_mut().map(|answer| serde_json::from_str(&value(answer)).unwrap()).collect()
    });
    (seen, segments.documents.iter().filter(|found| found.words.is_known).count())
}

/// What a stage sees without.
fn own(text: &str) -> Json {
    let stage = textmill_stage::testing::open::<Parts>("{}").unwrap();
    stage.run(text).fields.remove("parts").unwrap()
}

/// What it should see.
fn expected(text: &str) -> Json {
    let lines: Vec<_> = lines(text).map(|line| json!([line.text, line.span.start, line.span.end])).collect();
    let words: Vec<_> =
        words(text).map(|word| json!([word.text, word.span.start, word.span.end, word.unspaced])).collect();
    let sentences =
        LANGUAGES.map(|code| sentences_in(text, code).map(|it| [it.start, it.end]).collect::<Vec<_>>());
    json!([lines, words, sentences])
}

proptest! {
    #[test]
    fn a_stage_sees_the_same_with_and_without_the_service(
        texts in proptest::collection::vec("([ .!?\r\n)',’…•a1X]|\\PC|\r\n|Mr\\.|bes\\. |1\\.|。|“|你){0,60}", 1..5)
    ) {
        let expected: Vec<_> = texts.iter().map(|text| expected(text)).collect();
        let (seen, known) = shared(&texts);
        prop_assert_eq!(known, texts.len());
        for seen in seen {
            prop_assert_eq!(&seen, &expected);
        }
        prop_assert_eq!(texts.iter().map(|text| own(text)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_text_that_is_too_long_is_left_to_the_stage() {
    let mut segments = Segments::default();
    let key = segments.add();
    segments.hand([key]);
    for (len, is_found) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
        let text = "a".repeat(len);
        assert_eq!(segments.finder(&[text.as_str().into()]).document(0).is_some(), is_found);
    }
}

/// How many words the document with this key has; `None` where the stage is told to look for itself.
fn ask(segments: &mut Segments, key: DocumentKey, text: &str, only_if_shared: u32) -> Option<usize> {
    segments.hand([key]);
    let texts = [Str::from(text)];
    let mut finder = segments.finder(&texts);
    let mut out = abi::Segments { ptr: ptr::null(), len: 0 };
    // SAFETY: the context of a finder that is alive, and a place for the answer.
    let status = unsafe { find_words((&raw mut finder).cast(), 0, only_if_shared, &raw mut out) };
    (status == abi::OK).then_some(out.len)
}

#[test]
fn words_are_found_once_until_an_edit_or_the_next_batch() {
    let mut segments = Segments::default();
    segments.begin();
    let (one, other) = (segments.add(), segments.add());
    let known = |segments: &Segments| [one, other].map(|key| segments.documents[key.0].words.is_known);
    assert_eq!(known(&segments), [false, false], "nothing is found that nobody asks for");
    assert_eq!(ask(&mut segments, one, "a b c", 0), Some(3));
    assert_eq!(ask(&mut segments, other, "a b", 0), Some(2));
    assert_eq!(ask(&mut segments, one, "the list is not made again", 0), Some(3));
    segments.forget(one);
    assert_eq!(known(&segments), [false, true]);
    assert_eq!(ask(&mut segments, one, "a", 0), Some(1));
    assert_eq!(ask(&mut segments, other, "", 0), Some(2));
    segments.begin();
    assert_eq!(known(&segments), [false, false]);
    let one = segments.add();
    assert_eq!(ask(&mut segments, one, "d e f g", 0), Some(4));
}

#[test]
fn what_one_stage_alone_asks_for_is_not_kept() {
    let mut segments = Segments::default();
    segments.begin();
    let keys = [(); 8].map(|()| segments.add());
    for key in keys {
        assert_eq!(ask(&mut segments, key, "a b", 1), None);
    }
    assert_eq!(ask(&mut segments, keys[0], "a b", 0), Some(2), "a stage that cannot do without gets them");
    for key in keys {
        ask(&mut segments, key, "a b", 1);
    }
    segments.begin();
    let key = segments.add();
    assert_eq!(ask(&mut segments, key, "a b", 1), Some(2), "every second list was asked for again");
}

#[test]
fn sentences_of_two_languages_are_kept_side_by_side() {
    let mut segments = Segments::default();
    let key = segments.add();
    segments.hand([key]);
    let texts = ["Obst, bes. Äpfel.".into()];
    let mut finder = segments.finder(&texts);
    let mut ask = |code| finder.sentences(0, code, 0).map(<[_]>::as_ptr_range);
    let (none, german) = (ask(None), ask(Some("de")));
    assert_eq!((ask(Some("xx")), ask(Some("DE"))), (none.clone(), german.clone()), "neither has moved");
    assert_ne!(none, german);
}

#[test]
fn a_batch_of_nothing_known_is_no_mistake() {
    let mut out = abi::Segments { ptr: ptr::null(), len: 0 };
    // SAFETY: null is a context that the function knows.
    assert_eq!(unsafe { find_lines(ptr::null_mut(), 0, 0, &raw mut out) }, abi::E_UNSUPPORTED);
    let mut segments = Segments::default();
    let mut finder = segments.finder(&[]);
    // SAFETY: the context of a finder that is alive.
    let status = unsafe { find_words((&raw mut finder).cast(), 7, 0, &raw mut out) };
    assert_eq!(status, abi::E_UNSUPPORTED);
}
