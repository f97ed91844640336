//! From any format to any other and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use textmill_io::{
    Chunk, Column, Document, EncodedBatch, FieldKind, Input, InputOptions, Output, OutputOptions,
};

use crate::util::Folder;

/// Reads `from`, does `change` to each document, and writes `to`. The messages of those that could not be written.
fn pass(folder: &Folder, from: &str, to: &str, change: impl Fn(&mut Document<'_>)) -> Vec<String> {
    pass_with(folder.input(from), folder.output(to), change)
}

fn pass_with(from: InputOptions, to: OutputOptions, change: impl Fn(&mut Document<'_>)) -> Vec<String> {
    let input = Input::open(from).unwrap();
    let mut output = Output::open(&OutputOptions { input: input.columns(), overwrite: true, ..to }).unwrap();
    let encoder = output.encoder();
    let mut reader = input.reader();
    let (mut chunk, mut batch) = (Chunk::default(), EncodedBatch::default());
    let mut refused = Vec::new();
    while reader.next(&mut chunk).unwrap() {
        batch.clear();
        for document in chunk.documents() {
            let mut document = document.unwrap();
            change(&mut document);
            encoder.encode(&document, &mut batch);
        }
        encoder.finish(&mut batch).unwrap();
        refused.extend(output.write(&batch).unwrap().into_iter().map(|refused| refused.message));
    }
    output.publish().unwrap();
    refused
}

fn json_lines(folder: &Folder, name: &str) -> Vec<BTreeMap<String, Value>> {
    let text = std::fs::read_to_string(folder.at(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Documents with what formats differ in: null and absent, empty and blank, line ends, numbers of any length, nesting.
fn documents() -> String {
    let mut lines: String = [
        r#"{"id":"a","text":"one\ntwo, \"three\"\t","title":"T","n":1.50,"big":123456789012345678901234567890}"#,
        r#"{"id":"b","text":"","title":"","url":null,"nested":{"a":[1,null,{"b":"c"}]},"empty":{}}"#,
        r#"{"id":"c","text":" ","summary":["not","text"],"extra":{"a":1},"":0,"é\"":"\u0000"}"#,
        r#"{"id":"d","text":"\r\n","title":7,"extra":"text"}"#,
    ]
    .map(|line| line.to_owned() + "\n")
    .concat();
    lines.extend((0..700).map(|n| format!("{{\"id\":\"{n}\",\"text\":\"document {n}\",\"n\":{n}}}\n")));
    lines
}

const NAMES: [&str; 10] = [
    "a.jsonl",
    "a.csv",
    "a.tsv.gz",
    "a.parquet",
    "a.arrow",
    "b.jsonl.zst",
    "b.csv.zst",
    "b.csv.bz2",
    "b.jsonl.xz",
    "b.tsv.lz4",
];

#[test]
fn any_format_to_any_other_keeps_the_documents() {
    let folder = Folder::with(&[("in.jsonl", documents().as_bytes())]);
    let expected = json_lines(&folder, "in.jsonl");
    for first in NAMES {
        assert!(pass(&folder, "in.jsonl", first, |_| ()).is_empty());
        for second in NAMES {
            let second = format!("second-{second}");
            assert!(pass(&folder, first, &second, |_| ()).is_empty(), "{first} to {second}");
            pass(&folder, &second, "out.jsonl", |_| ());
            assert_eq!(json_lines(&folder, "out.jsonl"), expected, "{first} to {second}");
        }
    }
}

/// Columns of many types, nested ones among them.
fn columns() -> Vec<(&'static str, ArrayRef)> {
    let rows = 600;
    let mut lists = ListBuilder::new(Int32Builder::new());
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for row in 0..rows {
        lists.append_option((row % 3 > 0).then(|| (0..row % 3).map(Some)));
        maps.keys().append_value(format!("key {row}"));
        maps.values().append_option((row % 2 > 0).then_some(row));
        maps.append(row % 5 > 0).unwrap();
    }
    let numbers: Int64Array = (0..rows).map(|row| (row % 7 > 0).then_some(i64::from(row))).collect();
    let times = TimestampMicrosecondArray::from_iter_values((0..rows).map(i64::from)).with_timezone("UTC");
    let fields: Vec<(Arc<arrow_schema::Field>, ArrayRef)> = vec![
        (
            Arc::new(arrow_schema::Field::new("when", times.data_type().clone(), true)),
            Arc::new(times.clone()),
        ),
        (
            Arc::new(arrow_schema::Field::new("number", numbers.data_type().clone(), true)),
            Arc::new(numbers.clone()),
        ),
    ];
    let languages: DictionaryArray<Int32Type> =
        (0..rows).map(|row| if row % 2 == 0 { "en" } else { "de" }).collect();
    vec![
        ("id", Arc::new(Int64Array::from_iter_values((0..rows).map(i64::from)))),
        ("lists", Arc::new(lists.finish())),
        ("text", Arc::new(LargeStringArray::from_iter_values((0..rows).map(|row| format!("text {row}"))))),
        ("map", Arc::new(maps.finish())),
        ("struct", Arc::new(StructArray::from(fields))),
        ("time", Arc::new(times)),
        ("title", Arc::new((0..rows).map(|row| (row % 2 > 0).then_some("title")).collect::<StringArray>())),
        ("view", Arc::new(StringViewArray::from_iter_values((0..600).map(|row| "x".repeat(row % 40))))),
        ("language", Arc::new(languages)),
        ("score", Arc::new(Float64Array::from_iter_values((0..rows).map(|row| f64::from(row) / 3.0)))),
    ]
}

fn parquet_bytes(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(250)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn read_parquet(folder: &Folder, name: &str) -> RecordBatch {
    let file = std::fs::File::open(folder.at(name)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap()
}

#[test]
fn columns_of_parquet_come_back_as_they_were() {
    let folder = Folder::with(&[("a.parquet", &parquet_bytes(columns()))]);
    pass(&folder, "a.parquet", "b.arrow", |_| ());
    pass(&folder, "b.arrow", "c.parquet", |_| ());
    let (before, after) = (read_parquet(&folder, "a.parquet"), read_parquet(&folder, "c.parquet"));
    for (field, column) in before.schema().fields().iter().zip(before.columns()) {
        let found = after.column_by_name(field.name()).unwrap();
        // An Arrow file has the values themselves in the place of a dictionary, which may change in its midst.
        let expected = match column.data_type() {
            DataType::Dictionary(..) => &arrow_cast::cast(column, found.data_type()).unwrap(),
            _ => column,
        };
        assert_eq!(found, expected, "{}", field.name());
    }
    let names: Vec<_> = after.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names.last().unwrap(), "extra");
    assert_eq!(after.column_by_name("extra").unwrap().null_count(), 600);
}

#[test]
fn only_what_changed_is_another_in_parquet() {
    let folder = Folder::with(&[("a.parquet", &parquet_bytes(columns()))]);
    let change = |document: &mut Document<'_>| {
        if document.id().ends_with('7') {
            document.set_text("changed".to_owned());
            document.set("language", FieldKind::Text, Some("fr".to_owned())).unwrap();
            document.set("title", FieldKind::Text, None).unwrap();
            document.set("time", FieldKind::Text, Some("noon".to_owned())).unwrap();
            document.set("added", FieldKind::Int, Some("5".to_owned())).unwrap();
        }
    };
    assert!(pass(&folder, "a.parquet", "b.parquet", change).is_empty());
    let (before, after) = (read_parquet(&folder, "a.parquet"), read_parquet(&folder, "b.parquet"));
    for name in ["id", "lists", "map", "struct", "view", "score"] {
        assert_eq!(after.column_by_name(name), before.column_by_name(name), "{name}");
    }
    assert_eq!(after.slice(0, 7).columns()[..10], before.slice(0, 7).columns()[..10]);
    pass(&folder, "b.parquet", "b.jsonl", |_| ());
    let found = serde_json::to_value(&json_lines(&folder, "b.jsonl")[17]).unwrap();
    let expected = serde_json::json!({
        "id": 17, "lists": [0, 1], "text": "changed", "map": {"key 17": 17}, "language": "fr", "score": 17.0 / 3.0,
        "struct": {"when": "1970-01-01T00:00:00.000017Z", "number": 17}, "view": "x".repeat(17), "added": 5,
        "time": "noon",
    });
    assert_eq!(found, expected);
}

#[test]
fn columns_that_nobody_needs_are_not_read() {
    let folder = Folder::with(&[("a.parquet", &parquet_bytes(columns()))]);
    let needed = Some(["id", "text"].map(str::to_owned).to_vec());
    pass_with(InputOptions { needed, ..folder.input("a.parquet") }, folder.output("a.jsonl"), |_| ());
    assert_eq!(json_lines(&folder, "a.jsonl")[3].keys().collect::<Vec<_>>(), ["id", "text"]);
}

#[test]
fn declared_columns_have_their_types() {
    let lines = "{\"id\":\"1\",\"text\":\"a\",\"n\":5,\"tags\":[\"x\"],\"good\":false,\"score\":2,\"any\":[1],\"more\":1}\n";
    let folder = Folder::with(&[("a.jsonl", (lines.to_owned() + "{\"text\":\"b\",\"n\":5.5}\n").as_bytes())]);
    let kinds = [
        ("text", None),
        ("n", Some(FieldKind::Int)),
        ("tags", Some(FieldKind::Texts)),
        ("good", Some(FieldKind::Bool)),
        ("score", Some(FieldKind::Float)),
        ("any", Some(FieldKind::Json)),
    ];
    let columns = kinds.map(|(name, kind)| Column { name: name.to_owned(), kind }).to_vec();
    let output = OutputOptions { columns: Some(columns), ..folder.output("a.parquet") };
    let refused = pass_with(folder.input("a.jsonl"), output, |_| ());
    assert_eq!(refused, ["the column `n` should hold a whole number, found a number"]);
    let found = read_parquet(&folder, "a.parquet");
    let types: Vec<_> = found.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types, ["Utf8", "Int64", "List(Utf8)", "Boolean", "Float64", "Utf8", "Utf8"]);
    pass(&folder, "a.parquet", "b.jsonl", |_| ());
    let line = std::fs::read_to_string(folder.at("b.jsonl")).unwrap();
    let expected =
        r#"{"text":"a","n":5,"tags":["x"],"good":false,"score":2.0,"any":"[1]","id":"1","more":1}"#;
    assert_eq!(line, format!("{expected}\n"));
}

#[test]
fn an_output_without_documents_is_whole() {
    let folder = Folder::with(&[("in.jsonl", b"")]);
    for name in NAMES {
        pass(&folder, "in.jsonl", name, |_| ());
        assert!(crate::util::read_all(folder.input(name)).0.is_empty(), "{name}");
    }
}

#[test]
fn a_table_whose_columns_have_one_name_is_refused() {
    let array = || -> ArrayRef { Arc::new(StringArray::from(vec!["x"])) };
    let fields =
        ["text", "a", "a"].map(|name| arrow_schema::Field::new(name, arrow_schema::DataType::Utf8, true));
    let schema = Arc::new(arrow_schema::Schema::new(fields.to_vec()));
    let batch = RecordBatch::try_new(schema, vec![array(), array(), array()]).unwrap();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let folder = Folder::with(&[("a.arrows", &writer.into_inner().unwrap())]);
    let (lines, _) = crate::util::read_all(folder.input("a.arrows"));
    assert_eq!(lines, ["a.arrows:1@0 ! cannot read the file: the schema names the column `a` twice"]);
}

#[test]
fn every_compression_says_that_it_is_damaged() {
    let lines =
        crate::util::json_lines((0..5000).map(|n| format!("{{\"text\":\"line {n} of {}\"}}", n * 7919)));
    let folder = Folder::with(&[("in.jsonl", lines.as_bytes())]);
    for extension in ["gz", "zst", "bz2", "xz", "lz4"] {
        let name = format!("a.jsonl.{extension}");
        pass(&folder, "in.jsonl", &name, |_| ());
        let whole = std::fs::read(folder.at(&name)).unwrap();
        let check = |bytes: &[u8], what: &str| {
            folder.put(&name, bytes);
            let (read, _) = crate::util::read_all(folder.input(&name));
            let (last, before) = read.split_last().unwrap();
            assert!(last.contains(" ! "), "{name} {what}: {last}");
            // What is wrong within is found at its end.
            let is_cut = what.contains("cut");
            let text = |line: &'_ str| line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned();
            let mut same = before.iter().zip(lines.lines());
            assert!(!is_cut || same.all(|(read, line)| line.contains(&text(read))), "{name} {what}");
        };
        check(&whole[..whole.len() / 2], "cut in half");
        check(&whole[..whole.len() - 1], "cut by a byte");
        check(&whole[..3], "cut to three bytes");
        check(b"", "empty");
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 0x55;
        check(&flipped, "with another byte");
        folder.put(&name, &[&whole[..], &whole[..]].concat());
        assert_eq!(crate::util::read_all(folder.input(&name)).0.len(), 10_000, "{name} twice");
    }
}
