"""Batches of Arrow."""

import gzip
import json
import subprocess
import sys
import threading
import time

import duckdb
import pandas
import polars
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
import pytest

import textmill

from test_pipeline import CLEAN, CUT, TEASER

STRINGS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]


def texts(values, type=None):
    return pa.array(values, type or pa.string())


@pytest.mark.parametrize("type", STRINGS, ids=str)
def test_text_of_every_type_keeps_its_type(pipeline_file, type):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    values = [TEASER, None, CLEAN, TEASER]
    table = pa.table({"text": texts(values).cast(type)})
    found = pa.table(pipeline.process_batch(table))
    assert found.schema == table.schema
    assert found["text"].to_pylist() == [CLEAN, CLEAN, CLEAN], "a document without a text fails"


def buffers(column):
    return [buffer.address if buffer else None for chunk in column.chunks for buffer in chunk.buffers()]


def test_what_nobody_reads_is_not_copied(news):
    pipeline = textmill.Pipeline(news)
    table = pa.table(
        {
            "id": ["a", "b", "c"],
            "nested": [[{"x": 1.5}], None, []],
            "text": [TEASER] * 3,
            "bytes": pa.array([b"\xff\xfe", None, b""], pa.binary()),
            "when": pa.array([1, None, 3], pa.duration("ms")),
            "union": pa.array([1, 2, 3]).dictionary_encode(),
        }
    )
    found = pa.table(pipeline.process_batch(table))
    assert found.column_names == [*table.column_names, "title", "summary"]
    for name in ["id", "nested", "bytes", "when", "union"]:
        assert found[name] == table[name]
        assert buffers(found[name]) == buffers(table[name]), name


def test_rows_that_stay_are_those_of_their_documents(obey):
    pipeline = textmill.Pipeline(obey())
    table = pa.table({"text": ["a", "DROP", "c", "FAIL", "PANIC", "f"], "n": range(6), "list": [[n] for n in range(6)]})
    found = pa.table(pipeline.process_batch(table))
    assert found["n"].to_pylist() == [0, 2, 5]
    assert found["list"].to_pylist() == [[0], [2], [5]]
    told = pa.table(pipeline.process_batch(table, outcome=True))
    assert told["n"].to_pylist() == list(range(6))
    assert told["text"].to_pylist() == table["text"].to_pylist()
    assert told["_outcome"].to_pylist() == ["kept", "dropped", "kept", "failed", "failed", "kept"]
    assert told["_reason"].to_pylist()[1] == "word"
    assert told["_stage"].to_pylist() == [None, "obey", None, "obey", "obey", None]


def test_fields_of_every_kind_become_columns(obey):
    pipeline = textmill.Pipeline(obey())
    found = pa.table(pipeline.process_batch(pa.table({"text": ["SET", "no", "SET UNSET"], "count": [6, 6, 6]})))
    assert found.schema.field("boolean").type == pa.bool_()
    assert found.schema.field("integer").type == pa.int64()
    assert found.schema.field("float").type == pa.float64()
    assert found.schema.field("texts").type == pa.list_(pa.string())
    assert found["boolean"].to_pylist()[:2] == [True, None]
    assert found["texts"].to_pylist()[1] is None


def test_documents_that_are_emitted_stand_behind_their_parents(obey):
    pipeline = textmill.Pipeline(obey("with.children = 2\n"))
    table = pa.table({"id": ["a", "b"], "text": ["EMIT", "two"], "n": [1, 2]})
    found = pa.table(pipeline.process_batch(table))
    assert found["id"].to_pylist() == ["a", "a#1", "a#2", "b"]
    assert found["n"].to_pylist() == [1, None, None, 2]
    assert found.schema.field("n").nullable


def test_an_id_that_is_not_there_is_not_made_up(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    found = pa.table(pipeline.process_batch(pa.table({"id": ["a", None], "text": [TEASER, TEASER]})))
    assert found["id"].to_pylist() == ["a", None]


def test_edits_are_listed(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    found = pa.table(pipeline.process_batch(pa.table({"text": [TEASER, CLEAN]}), edits=True))
    (edit,), nothing = found["_edits"].to_pylist()
    assert nothing == []
    assert TEASER.encode()[edit["start"] : edit["end"]].decode() == edit["removed"]
    assert (edit["stage"], edit["rule"], edit["added"]) == ("links", "teaser", "")


def test_the_schema_is_told_beforehand(news, obey):
    for path, asked in [(news, {}), (news, {"outcome": True, "edits": True}), (obey("with.children = 1\n"), {})]:
        pipeline = textmill.Pipeline(path)
        for type in STRINGS:
            schema = pa.schema([("text", type), ("summary", pa.null()), pa.field("n", pa.int8(), nullable=False)])
            batch = pa.record_batch([texts([TEASER]).cast(type), pa.nulls(1), pa.array([1], pa.int8())], schema=schema)
            told = pa.schema(pipeline.schema_for(schema, **asked))
            assert pa.table(pipeline.process_batch(batch, **asked)).schema == told
            assert pa.table(pipeline.process_batch(batch.slice(0, 0), **asked)).schema == told


def test_a_batch_comes_out_as_one(news):
    pipeline = textmill.Pipeline(news)
    batch = pa.record_batch({"text": [TEASER] * 1000})
    assert pa.record_batch(pipeline.process_batch(batch)).num_rows == 1000
    assert pa.table(pipeline.process_batch(pa.table({"text": []}, pa.schema([("text", pa.string())])))).num_rows == 0
    stream = pa.RecordBatchReader.from_batches(batch.schema, iter([batch] * 3))
    found = pipeline.process_batch(stream)
    assert (len(found), found.num_rows, found.column_names[0]) == (3000, 3000, "text")


def test_slices_are_read_where_they_are(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    table = pa.table({"text": [str(n) for n in range(100)], "n": range(100)}).slice(40, 20)
    for type in STRINGS:
        found = pa.table(pipeline.process_batch(table.set_column(0, "text", table["text"].cast(type))))
        assert found["text"].to_pylist() == [str(n) for n in range(40, 60)] == [str(n) for n in found["n"].to_pylist()]


def test_polars_duckdb_and_pandas(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    frame = polars.DataFrame({"text": [TEASER, None], "n": [1, 2]})
    assert polars.DataFrame(pipeline.process_batch(frame)).to_dicts() == [{"text": CLEAN, "n": 1}]
    relation = duckdb.sql("select * from frame")
    found = pipeline.process_batch(relation)
    taken = pa.table(found)
    assert duckdb.sql("select n, text from taken").fetchall() == [(1, CLEAN)]
    frame = pandas.DataFrame({"text": [TEASER, CLEAN], "n": [1, 2]})
    assert pa.table(pipeline.process_batch(frame)).to_pandas()["text"].tolist() == [CLEAN, CLEAN]


def test_polars_needs_no_pyarrow(pipeline_file):
    program = (
        "import sys; sys.modules['pyarrow'] = None; import polars, textmill; "
        "p = textmill.Pipeline(sys.argv[1]); f = polars.DataFrame({'text': [sys.argv[2]]}); "
        "print(polars.DataFrame(p.process_batch(f))['text'][0], end='')"
    )
    arguments = [sys.executable, "-c", program, pipeline_file(CUT), TEASER]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == CLEAN


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"a": [1]}, "there is no column `text`; there are `a`"),
        ({"text": [1]}, "the column `text` is Int64, and no text"),
        ({"text": ["a"], "summary": [1]}, "the column `summary` is Int64, and a stage sets it to text"),
    ],
)
def test_columns_that_it_cannot_work_with_are_named(news, columns, message):
    pipeline = textmill.Pipeline(news)
    table = pa.table(columns)
    for work in [lambda: pipeline.process_batch(table), lambda: pipeline.schema_for(table.schema)]:
        with pytest.raises(textmill.ColumnsError, match=message) as caught:
            work()
        assert caught.value.hint and f"hint: {caught.value.hint}" in str(caught.value)


def test_what_is_no_arrow_is_refused(news):
    pipeline = textmill.Pipeline(news)
    with pytest.raises(TypeError, match="expected a batch or a table of Arrow.*found `list`"):
        pipeline.process_batch([1])
    with pytest.raises(TypeError, match="expected a schema of Arrow, found `dict`"):
        pipeline.schema_for({})
    with pytest.raises(textmill.ColumnsError, match="there is a column `_outcome` already"):
        pipeline.process_batch(pa.table({"text": ["a"], "_outcome": ["b"]}), outcome=True)


def not_utf8(values, type):
    """Texts that are not, as a program would make them that does not look."""
    binary = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
    array = pa.array(values, binary[type])
    return pa.Array.from_buffers(type, len(array), array.buffers(), array.null_count)


@pytest.mark.parametrize("type", STRINGS[:3], ids=str)
def test_text_that_is_not_utf8_costs_its_document(pipeline_file, type):
    values = [b"one", b"tw\xff\xfeo " + b"longer than twelve bytes", None, b"three"]
    table = pa.table({"text": not_utf8(values, type), "n": range(4)})
    replaced = textmill.Pipeline(pipeline_file(CUT))
    found = pa.table(replaced.process_batch(table, outcome=True))
    assert found["text"].to_pylist()[1] == "tw\ufffd\ufffdo longer than twelve bytes"
    assert found["_outcome"].to_pylist() == ["kept", "kept", "failed", "kept"]
    strict = textmill.Pipeline(pipeline_file("input.invalid-utf8 = 'fail'\n" + CUT))
    found = pa.table(strict.process_batch(table, outcome=True))
    assert found["_outcome"].to_pylist() == ["kept", "failed", "failed", "kept"]
    assert found["_reason"].to_pylist()[1] == "the field `text` is not valid UTF-8 at byte 2"
    assert pa.table(strict.process_batch(table))["n"].to_pylist() == [0, 3]


def test_a_list_with_text_that_is_not_utf8_costs_its_document_alone(obey):
    lists = pa.ListArray.from_arrays([0, 1, 2, 4], not_utf8([b"a", b"\xff", b"b", b"c"], pa.string()))
    table = pa.table({"text": ["one", "two", "three"], "texts": lists})
    found = pa.table(textmill.Pipeline(obey()).process_batch(table, outcome=True))
    assert found["_outcome"].to_pylist() == ["kept", "failed", "kept"]
    assert found["_reason"].to_pylist()[1] == "the field `texts` holds text that is not valid UTF-8"


def test_columns_that_nobody_reads_may_hold_anything(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    other = not_utf8([b"\xff", b"b"], pa.string())
    found = pa.table(pipeline.process_batch(pa.table({"text": ["a", "b"], "other": other})))
    assert found["other"].cast(pa.binary()).to_pylist() == [b"\xff", b"b"]


def test_other_threads_run_meanwhile(obey, tmp_path):
    pipeline = textmill.Pipeline(obey())
    meeting = tmp_path / "meeting"

    def come():
        while not meeting.exists():
            time.sleep(0.001)
        meeting.unlink()

    thread = threading.Thread(target=come, daemon=True)
    thread.start()
    # The stage goes on when the other thread has come, and fails the document when it cannot.
    found = pa.table(pipeline.process_batch(pa.table({"text": [f"MEET {meeting}"]}), outcome=True))
    assert found["_outcome"].to_pylist() == ["kept"]
    thread.join()


def test_documents_are_those_of_the_command_line(news, textmill_program, tmp_path):
    lines = [
        {"id": str(n), "text": f"Title {n}\n\nTitle {n}\n\n{TEASER * (n % 5)}", "more": {"n": n}} for n in range(700)
    ]
    source = tmp_path / "in.jsonl.gz"
    with gzip.open(source, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    run = [textmill_program, "run", news, "-i", source, "-o", tmp_path / "out.jsonl", "-q"]
    subprocess.run(run, check=True)
    expected = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    found = pa.table(textmill.Pipeline(news).process_batch(pa.Table.from_pylist(lines))).to_pylist()
    found = [{name: value for name, value in one.items() if value is not None} for one in found]
    assert found == expected
    assert list(textmill.Pipeline(news).process(lines)) == expected


def test_a_stream_that_breaks_off_leaves_nothing_behind(news):
    pipeline = textmill.Pipeline(news)
    batch = pa.record_batch({"text": [TEASER] * 10})

    def batches():
        yield batch
        raise RuntimeError("the network is gone")

    for _ in range(3):
        with pytest.raises(ValueError, match="the network is gone"):
            pipeline.process_batch(pa.RecordBatchReader.from_batches(batch.schema, batches()))
        assert len(pipeline.process_batch(batch)) == 10
