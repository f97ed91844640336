//! A document is written as it was read, but for what changed.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use textmill_io::{Chunk, Document, EncodedBatch, FieldKind, FieldNames, Input, Output};

use crate::util::Folder;

/// A change of a document.
#[derive(Clone, Debug)]
enum Change {
    Text(String),
    Set(String, Value),
    Remove(String),
    Decode(String),
}

/// Reads the lines, does `change` to each document, and returns the output.
fn pass(lines: &[u8], name: &str, fields: FieldNames, change: impl Fn(&mut Document<'_>)) -> String {
    let folder = Folder::with(&[(name, lines)]);
    let mut options = folder.input(name);
    options.fields = fields;
    let mut reader = Input::open(options).unwrap().reader();
    let mut output = Output::open(&folder.output("out.jsonl")).unwrap();
    let encoder = output.encoder();
    let (mut chunk, mut batch) = (Chunk::default(), EncodedBatch::default());
    while reader.next(&mut chunk).unwrap() {
        batch.clear();
        for document in chunk.documents() {
            let mut document = document.unwrap();
            change(&mut document);
            encoder.encode(&document, &mut batch);
        }
        encoder.finish(&mut batch).unwrap();
        assert!(output.write(&batch).unwrap().is_empty());
    }
    output.publish().unwrap();
    std::fs::read_to_string(folder.at("out.jsonl")).unwrap()
}

fn check(line: &str, change: impl Fn(&mut Document<'_>), expected: &str) {
    let found = pass(line.as_bytes(), "a.jsonl", FieldNames::same(), change);
    assert_eq!(found, format!("{expected}\n"), "{line}");
}

fn set(name: &'static str, json: &'static str) -> impl Fn(&mut Document<'_>) {
    move |document| {
        document.set(name, FieldKind::Json, Some(json.to_owned())).unwrap();
    }
}

fn remove(names: &'static [&'static str]) -> impl Fn(&mut Document<'_>) {
    move |document| {
        for name in names {
            document.set(name, FieldKind::Json, None).unwrap();
        }
    }
}

#[test]
fn what_nobody_touched_is_written_as_it_was() {
    let lines = [
        r#"{"text":"x"}"#,
        r#" { "a" : 1.0e5 , "text":"\u0061\/" , "a":[ ],"\ud83d\ude00":12345678901234567890123 }  "#,
        "{\"text\":\"x\", \"odd\": \"\\ud800\"}\r",
    ];
    for line in lines {
        check(line, |_| (), line);
        check(line, |document| document.set_text(document.text().to_owned()), line);
        check(line, |document| document.decode("a", FieldKind::Text).unwrap_or_default(), line);
    }
}

#[test]
fn changes_are_put_in_their_place() {
    let line = r#"{ "a": 1, "text": "x", "b" : {"c": [2]} }"#;
    check(
        line,
        |document| document.set_text("\"y\"\n".into()),
        r#"{ "a": 1, "text": "\"y\"\n", "b" : {"c": [2]} }"#,
    );
    check(line, set("a", "[1,\n2]"), r#"{ "a": [1, 2], "text": "x", "b" : {"c": [2]} }"#);
    check(line, set("new", "true"), r#"{ "a": 1, "text": "x", "b" : {"c": [2]},"new":true }"#);
    check(line, remove(&["a"]), r#"{ "text": "x", "b" : {"c": [2]} }"#);
    check(line, remove(&["b"]), r#"{ "a": 1, "text": "x" }"#);
    check(line, remove(&["b", "a", "none"]), r#"{ "text": "x" }"#);
    check(r#"{"a":1,"b":2,"text":"x","a":3}"#, set("a", "4"), r#"{"a":4,"b":2,"text":"x"}"#);
    check(r#"{"a":1,"b":2,"text":"x","a":3}"#, remove(&["a", "b"]), r#"{"text":"x"}"#);
    check(r#"{"text":"x","a":1}"#, set("a", "1"), r#"{"text":"x","a":1}"#);
    check(
        r#"{"id":7,"text":"x"}"#,
        |document| {
            document.set("id", FieldKind::Text, Some("8".into())).unwrap();
        },
        r#"{"id":"8","text":"x"}"#,
    );
}

#[test]
fn mapped_names_stay_as_the_input_has_them() {
    let names = || FieldNames::new([("text", "content"), ("title", "headline")]);
    let change = |document: &mut Document<'_>| {
        document.decode("title", FieldKind::Text).unwrap();
        assert_eq!(document.field("title"), Some("T\n"));
        document.set("title", FieldKind::Text, Some("U".into())).unwrap();
        assert_eq!(document.field("title"), Some("U"));
        document.set_text("y".into());
    };
    let found = pass(br#"{"headline":"T\n","content":"x","text":0}"#, "a.jsonl", names(), change);
    assert_eq!(found, "{\"headline\":\"U\",\"content\":\"y\",\"text\":0}\n");
    let child = |document: &mut Document<'_>| {
        *document = document.child("c", "z");
        document.set("title", FieldKind::Text, Some("U".into())).unwrap();
    };
    let found = pass(br#"{"content":"x"}"#, "a.jsonl", names(), child);
    assert_eq!(found, "{\"id\":\"c\",\"headline\":\"U\",\"content\":\"z\"}\n");
}

#[test]
fn a_text_becomes_an_object_in_a_fixed_order() {
    let change = |document: &mut Document<'_>| {
        document.set("summary", FieldKind::Text, Some("s".into())).unwrap();
        document.set("n", FieldKind::Int, Some("1".into())).unwrap();
        document.set("title", FieldKind::Text, Some("t".into())).unwrap();
    };
    let found = pass(b"line\n", "dir/a.txt", FieldNames::same(), change);
    assert_eq!(found, "{\"id\":\"a.txt\",\"title\":\"t\",\"text\":\"line\\n\",\"summary\":\"s\",\"n\":1}\n");
}

#[test]
fn fields_are_what_stages_declare_or_fail() {
    let check_decode = |json: &str, kind: FieldKind, expected: Result<Option<&str>, &str>| {
        let change = |document: &mut Document<'_>| {
            let found =
                document.decode("f", kind).map(|()| document.field("f")).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(ToOwned::to_owned), "{json} as {kind}");
        };
        pass(format!("{{\"text\":\"\",\"f\": {json} }}").as_bytes(), "a.jsonl", FieldNames::same(), change);
    };
    check_decode(r#""a\tb""#, FieldKind::Text, Ok(Some("a\tb")));
    check_decode("null", FieldKind::Int, Ok(None));
    check_decode("true", FieldKind::Bool, Ok(Some("true")));
    check_decode("-12", FieldKind::Int, Ok(Some("-12")));
    check_decode("1e3", FieldKind::Float, Ok(Some("1e3")));
    check_decode(r#"["a", "\n"]"#, FieldKind::Texts, Ok(Some(r#"["a", "\n"]"#)));
    check_decode(r#"{"a": [1]}"#, FieldKind::Json, Ok(Some(r#"{"a": [1]}"#)));
    check_decode("1", FieldKind::Text, Err("the field `f` should be text, found a number"));
    check_decode("1.0", FieldKind::Int, Err("the field `f` should be a whole number, found a number"));
    check_decode("[1]", FieldKind::Texts, Err("the field `f` should be a list of texts, found a list"));
    check_decode(
        "1,\"f\":2",
        FieldKind::Int,
        Err("the field `f` should be a whole number, found it twice in one object"),
    );
    check_decode(
        r#"["\ud800"]"#,
        FieldKind::Json,
        Err("the field `f` should be JSON, found unexpected end of hex escape"),
    );
}

#[test]
fn what_is_no_json_cannot_be_set() {
    let change = |document: &mut Document<'_>| {
        for (kind, value) in [(FieldKind::Json, "{"), (FieldKind::Int, "1 2"), (FieldKind::Bool, "yes")] {
            document.set("f", kind, Some(value.to_owned())).unwrap_err();
        }
        document.set("text", FieldKind::Int, Some("1".into())).unwrap_err();
        document.set("text", FieldKind::Text, None).unwrap_err();
    };
    assert_eq!(pass(b"{\"text\":\"\"}", "a.jsonl", FieldNames::same(), change), "{\"text\":\"\"}\n");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["a", "b", "é\"\n", "}", "title"]).prop_map(str::to_owned),
        any::<String>()
    ]
    .prop_filter("these are set in other ways", |name| name != "id" && name != "text")
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<String>().prop_map(Change::Text),
        (any_name(), any_json()).prop_map(|(name, value)| Change::Set(name, value)),
        any_name().prop_map(Change::Remove),
        any_name().prop_map(Change::Decode),
    ]
}

/// White space that may stand between tokens, by a number.
fn space(seed: u64) -> &'static str {
    ["", " ", "\t", "  ", " \r"][(seed % 5) as usize]
}

/// The object as a person might have written it: white space anywhere.
fn written(object: &Map<String, Value>, seed: u64) -> String {
    let mut line = format!("{}{{", space(seed));
    for (index, (name, value)) in object.iter().enumerate() {
        let spaces = (1..5).map(|digit| space((seed / 5_u64.pow(digit)).wrapping_add(index as u64)));
        let spaces: Vec<_> = spaces.collect();
        let comma = if index == 0 { "" } else { "," };
        line.extend([comma, spaces[0], &json!(name).to_string(), spaces[1], ":", spaces[2]]);
        line.extend([&value.to_string(), spaces[3]]);
    }
    line + "}" + space(seed / 7)
}

fn apply(change: &Change, document: &mut Document<'_>, model: &mut Map<String, Value>) {
    match change {
        Change::Text(text) => {
            document.set_text(text.clone());
            model.insert("text".into(), json!(text));
        }
        Change::Set(name, Value::String(text)) => {
            document.set(name, FieldKind::Text, Some(text.clone())).unwrap();
            model.insert(name.clone(), json!(text));
        }
        Change::Set(name, value) => {
            document.set(name, FieldKind::Json, Some(value.to_string())).unwrap();
            model.insert(name.clone(), value.clone());
        }
        Change::Remove(name) => {
            document.set(name, FieldKind::Json, None).unwrap();
            model.shift_remove(name);
        }
        Change::Decode(name) => {
            document.decode(name, FieldKind::Json).unwrap();
            let expected = model.get(name).filter(|value| !value.is_null());
            let found = document.field(name).map(|json| serde_json::from_str::<Value>(json).unwrap());
            assert_eq!(found.as_ref(), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_documents_parse_as_the_model(
        fields in prop::collection::vec((any_name(), any_json()), 0..6),
        text in any::<String>(),
        at in 0_usize..6,
        seed in any::<u64>(),
        changes in prop::collection::vec(any_change(), 0..6),
        has_id in any::<bool>(),
    ) {
        let mut object = Map::new();
        for (index, (name, value)) in fields.into_iter().enumerate() {
            if index == at {
                object.insert("text".into(), json!(text));
            }
            object.insert(name, value);
        }
        object.entry("text").or_insert(json!(text));
        if has_id {
            object.insert("id".into(), json!("7"));
        }
        let line = written(&object, seed);
        let model = std::cell::RefCell::new(object);
        let found = pass(line.as_bytes(), "a.jsonl", FieldNames::same(), |document| {
            for change in &changes {
                apply(change, document, &mut model.borrow_mut());
            }
        });
        let model = model.into_inner();
        let parsed: Value = serde_json::from_str(&found).unwrap();
        prop_assert_eq!(&parsed, &Value::Object(model.clone()));
        let names: Vec<_> = parsed.as_object().unwrap().keys().collect();
        prop_assert_eq!(names, model.keys().collect::<Vec<_>>());
        prop_assert_eq!(found.matches('\n').count(), 1);
        let unchanged = pass(line.as_bytes(), "a.jsonl", FieldNames::same(), |_| ());
        prop_assert_eq!(unchanged, line + "\n");
    }

    #[test]
    fn any_bytes_are_read_and_every_line_is_accounted_for(
        bytes in prop::collection::vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(b"{}\"\\:,\n\r [text".to_vec()),
        ], 0..300),
        name in prop::sample::select(vec!["a.jsonl", "a.txt", "a.jsonl.gz", "a.txt.zst"]),
    ) {
        let folder = Folder::with(&[(name, &bytes)]);
        let (lines, counts) = crate::util::read_all(folder.input(name));
        prop_assert_eq!(counts.documents, lines.len() as u64);
        let is_plain = !bytes.starts_with(b"\x1f\x8b") && name == "a.jsonl";
        if is_plain {
            let ends = bytes.split(|byte| *byte == b'\n').count() - 1;
            let open_end = usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
            prop_assert_eq!(counts.blank_lines + lines.len() as u64, (ends + open_end) as u64);
        } else if !name.starts_with("a.jsonl") {
            prop_assert_eq!(lines.len(), 1);
        }
    }

    #[test]
    fn every_good_line_comes_back(texts in prop::collection::vec(any::<String>(), 0..20)) {
        let lines: String = texts.iter().map(|text| json!({ "text": text }).to_string() + "\n").collect();
        let found = pass(lines.as_bytes(), "a.jsonl", FieldNames::same(), |_| ());
        prop_assert_eq!(found, lines);
    }
}
