"""Apache Spark: two executors on loopback, and what is left when one of them is killed."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid

import jsonschema
import psutil
import pyarrow.parquet as parquet
import pytest

import textmill
from textmill.spark import run, transform

from helpers import WORKSPACE, cluster, lines, rows, sorted_by_id, with_unruly


@pytest.fixture(scope="module")
def spark():
    session = cluster().getOrCreate()
    yield session
    session.stop()


def same_record(found, expected):
    """`run.json` of a cluster, beside that of the command line: all but where things are and what is drawn at random."""

    def plain(record):
        record = json.loads(json.dumps(record))
        for key in ["input", "outputs", "times", "pipeline"]:
            del record[key]
        del record["failures"]["shown"]
        for stage in record["stages"]:
            del stage["field-samples"]
            for rule in stage["rules"]:
                del rule["samples"]
        return record

    assert plain(found) == plain(expected)


@pytest.fixture(scope="session")
def schema(textmill_program):
    printed = subprocess.run([textmill_program, "schema", "--run"], capture_output=True, check=True).stdout
    return json.loads(printed)


def test_documents_are_those_of_the_command_line(
    spark, news, news_documents, news_files, command_line, schema, tmp_path
):
    expected, record = command_line(news, news_documents, tmp_path / "cli")
    out = tmp_path / "out"
    done = run(spark, spark.read.parquet(str(news_files)), news, output=str(out))
    assert rows(out) == expected
    same_record(done.record, record)
    folder = tmp_path / ".out.textmill"
    written = json.loads((folder / "run.json").read_text())
    jsonschema.validate(written, schema)
    assert written == done.record
    assert "<html" in (folder / "report.html").read_text()
    assert done.is_well and done.docs["read"] == len(news_documents)
    assert [path.name for path in tmp_path.iterdir() if "textmill-" in path.name] == [], "the staging table is gone"


PIPELINES = sorted(path.name for path in (WORKSPACE / "pipelines").glob("*.toml"))


@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_of_this_repository(spark, textmill_program, tmp_path, name):
    shutil.copytree(WORKSPACE / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("out"))
    path = tmp_path / "pipelines" / name
    text = path.read_text()
    (source,) = re.findall(r"(?ms)^\[input\]\n.*?(?=^\[)", text)
    # What it reads, as Parquet, for both; and no columns, which JSON Lines have not.
    copy = tmp_path / "pipelines" / "copy.toml"
    copy.write_text(f"version = 1\n[output]\nuri = '{tmp_path}/in.parquet'\n{source}")
    subprocess.run([textmill_program, "run", "-q", copy], check=True)
    for section, uri in [("input", "in.parquet"), ("output", "cli.jsonl")]:
        text = re.sub(rf"(?ms)^\[{section}\]\n.*?(?=^\[)", f"[{section}]\nuri = '{tmp_path}/{uri}'\n\n", text)
    path.write_text(text)
    ran = subprocess.run([textmill_program, "run", "-q", path], capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stderr
    done = run(spark, spark.read.parquet(str(tmp_path / "in.parquet")), path, output=str(tmp_path / "out"))
    expected = sorted_by_id(lines(tmp_path / "cli.jsonl"))
    assert expected and rows(tmp_path / "out") == expected
    same_record(done.record, json.loads((tmp_path / ".cli.jsonl.textmill" / "run.json").read_text()))


def executors():
    """The processes of executors that this one has started."""
    mine = psutil.Process().children(recursive=True)
    return [one for one in mine if "CoarseGrainedExecutorBackend" in " ".join(one.cmdline())]


def test_an_executor_that_is_killed_costs_time_and_no_document(
    spark, news, news_documents, news_files, command_line, tmp_path
):
    expected, record = command_line(news, news_documents, tmp_path / "cli")
    # As many tasks as there are files, or there is nothing left to be done when it dies.
    frame = spark.read.parquet(str(news_files)).repartition(16)
    killed = []

    def kill():
        tracker = spark.sparkContext.statusTracker()
        while not killed:
            for stage in tracker.getActiveStageIds():
                known = tracker.getStageInfo(stage)
                if known and known.numTasks == 16 and known.numCompletedTasks >= 3 and known.numActiveTasks > 0:
                    (victim, *_) = executors()
                    os.kill(victim.pid, signal.SIGKILL)
                    killed.append((victim.pid, known.numCompletedTasks))
                    return
            time.sleep(0.02)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    done = run(spark, frame, news, output=str(tmp_path / "out"))
    killer.join(1)
    assert killed and not psutil.pid_exists(killed[0][0]), "nobody was killed in mid-job"
    assert rows(tmp_path / "out") == expected
    same_record(done.record, record)


POISON = ["kept", "PANIC", "DROP", "FAIL", "CUT me", "EMIT"]


def test_poison_costs_its_document(spark, unruly, tmp_path):
    path = with_unruly(tmp_path, unruly, "isolation = 'process'\nwith.children = 1\n")
    words = [*POISON, "SEGV", "ABORT", None, *["fine"] * 200]
    frame = spark.createDataFrame([(f"{n:03}", word, 6) for n, word in enumerate(words)], "id string, text string, count long")
    places = {name: str(tmp_path / name) for name in ["output", "dropped", "failed"]}
    done = run(spark, frame.repartition(4), path, **places)
    assert (done.docs["read"], done.docs["emitted"]) == (209, 1)
    assert (done.docs["kept"], done.docs["dropped"], done.docs["failed"]) == (204, 1, 5)
    assert not done.is_well
    kept = {document["id"]: document["text"] for document in rows(tmp_path / "output")}
    assert (kept["000"], kept["004"], len(kept)) == ("kept", " me", 204)
    failed = {document["id"]: document for document in rows(tmp_path / "failed")}
    assert sorted(failed) == ["001", "003", "006", "007", "008"]
    assert failed["006"]["_reason"] == "the plugin's process was killed by SIGSEGV"
    assert failed["006"]["text"] == "SEGV" and failed["006"]["_stage"] == "obey", "with its original"
    assert "was told to panic" in failed["001"]["_reason"]
    (dropped,) = rows(tmp_path / "dropped")
    assert (dropped["id"], dropped["_reason"], dropped["text"]) == ("002", "word", "DROP")
    shown = done.record["failures"]["shown"]
    assert [one["id"] for one in shown] == sorted(failed)


def test_a_panic_costs_its_document_without_isolation(spark, unruly, tmp_path):
    path = with_unruly(tmp_path, unruly)
    frame = spark.createDataFrame([(f"{n}", word) for n, word in enumerate(POISON)], "id string, text string")
    found = transform(frame, path, outcome=True, edits=True).orderBy("id").collect()
    outcomes = ["kept", "failed", "dropped", "failed", "kept", "kept"]
    assert [row["_outcome"] for row in found] == outcomes
    assert [edit.removed for edit in found[4]["_edits"]] == ["CUT"]
    assert [row["text"] for row in transform(frame, path).orderBy("id").collect()] == ["kept", " me", "EMIT"]


def test_text_that_is_not_utf8_costs_its_document(spark, tmp_path):
    frame = spark.sql(
        "select id, cast(unhex(hex) as string) as text from values ('a', '6f6e65'), ('b', '74FFFE6f'), ('c', '74') as t(id, hex)"
    )
    lenient, strict = tmp_path / "lenient.toml", tmp_path / "strict.toml"
    lenient.write_text("version = 1\n[[stage]]\nuses = 'clean'\n")
    strict.write_text("version = 1\ninput.invalid-utf8 = 'fail'\n[[stage]]\nuses = 'clean'\n")
    done = run(spark, frame, lenient, output=str(tmp_path / "lenient"))
    assert (done.docs["kept"], done.docs["replaced-utf8"]) == (3, 1)
    assert rows(tmp_path / "lenient")[1]["text"] == "t\ufffd\ufffdo"
    done = run(spark, frame, strict, output=str(tmp_path / "strict"))
    assert (done.docs["kept"], done.docs["failed"], done.docs["unreadable"]) == (2, 1, 1)
    (failed,) = rows(tmp_path / "strict.failed")
    assert (failed["id"], failed["_reason"]) == ("b", "the field `text` is not valid UTF-8 at byte 1")


def test_a_lock_and_files_that_options_name_go_along(spark, unruly, textmill_program, tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "words.txt").write_text("SECRET\n")
    folder = tmp_path / "pipelines"
    folder.mkdir()
    path = with_unruly(folder, unruly, "with.words = '../lists/words.txt'\n")
    subprocess.run([textmill_program, "lock", path], check=True, capture_output=True)
    pipeline = textmill.Pipeline(path, locked=True)
    frame = spark.createDataFrame([("a SECRET",), ("b",)], "text string")
    assert [row["text"] for row in transform(frame, pipeline).collect()] == ["b"]


def test_an_archive_that_was_damaged_on_its_way_is_refused(spark, news, tmp_path):
    from textmill import spark as adapter
    from textmill._shipment import Shipment

    shipment = Shipment(textmill.Pipeline(news, overrides=["summarize.sentences=1"]))
    shipment.sha256 = "0" * 64
    with pytest.raises(textmill.TextmillError, match="was damaged on its way"):
        next(adapter._process(shipment, iter([parquet.read_table]), False, False))


def test_an_output_that_is_there_is_refused(spark, news, tmp_path):
    (tmp_path / "out").mkdir()
    frame = spark.createDataFrame([("a",)], "text string")
    with pytest.raises(textmill.TextmillError, match="is there already"):
        run(spark, frame, news, output=str(tmp_path / "out"))
    done = run(spark, frame, news, output=str(tmp_path / "out"), overwrite=True, report=tmp_path / "report")
    assert done.docs["kept"] == 1 and (tmp_path / "report" / "run.json").exists()


def test_a_folder_for_staging_stays_as_it_is(spark, news, tmp_path):
    folder = tmp_path / "staging"
    folder.mkdir()
    (folder / "precious").write_text("somebody's")
    frame = spark.createDataFrame([("a",)], "text string")
    for overwrite in [False, True]:
        run(spark, frame, news, output=str(tmp_path / "out"), staging=f"{folder}/", overwrite=overwrite)
        assert [path.name for path in folder.iterdir()] == ["precious"]
    assert (folder / "precious").read_text() == "somebody's"


@pytest.mark.parametrize("step", ["_sum_of_counts", "_failures", "_written"])
def test_a_run_that_fails_leaves_no_staging_table(spark, news, tmp_path, monkeypatch, step):
    from textmill import spark as adapter

    folder = tmp_path / "staging"

    def fail(*_):
        assert len(list(folder.iterdir())) == 1, "the table is there"
        raise RuntimeError("the network is gone")

    monkeypatch.setattr(adapter, step, fail)
    with pytest.raises(RuntimeError, match="the network is gone"):
        run(spark, spark.createDataFrame([("a",)], "text string"), news, output=str(tmp_path / "out"), staging=str(folder))
    assert list(folder.iterdir()) == []


def test_what_failed_in_an_earlier_run_is_not_taken_for_this_ones(spark, unruly, tmp_path):
    path = with_unruly(tmp_path, unruly)
    well, ill = (spark.createDataFrame([(text,)], "text string") for text in ["fine", "FAIL"])
    out, failed = tmp_path / "out", tmp_path / "out.failed"
    assert run(spark, ill, path, output=str(out)).docs["failed"] == 1 and failed.exists()
    shutil.rmtree(out)
    with pytest.raises(textmill.TextmillError, match="the failed `.*out.failed` is there already"):
        run(spark, well, path, output=str(out))
    assert not out.exists(), "before anything runs"
    done = run(spark, well, path, output=str(out), overwrite=True)
    assert done.docs["failed"] == 0 and not failed.exists()
    # One that was asked for is there, and empty.
    run(spark, well, path, output=str(out), failed=str(failed), overwrite=True)
    assert rows(failed) == []


@pytest.mark.parametrize("name", ["_counts", "_Counts", "_outcome", "_Outcome", "_REASON"])
def test_columns_whose_names_are_taken_are_refused_by_name(spark, news, tmp_path, name):
    frame = spark.createDataFrame([("a", "b")], f"text string, {name} string")
    with pytest.raises(textmill.ColumnsError, match=f"there is a column `{name}` already"):
        run(spark, frame, news, output=str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
    (found,) = transform(frame, news).collect()
    assert found[name] == "b", "where nothing is added it is a column like others"


def test_executors_leave_no_archive_unpacked_behind(spark, news, tmp_path):
    # A name that no other pipeline has, because this is the folder of all programs.
    path = tmp_path / f"{uuid.uuid4().hex}.toml"
    shutil.copy(news, path)
    frame = spark.createDataFrame([("a",)] * 4, "text string").repartition(4)
    assert transform(frame, path).count() == 4
    assert list(pathlib.Path(tempfile.gettempdir()).glob(f"textmill-*/tree/{path.name}")) == []


def test_columns_that_it_cannot_work_with_are_named_before_anything_runs(spark, news, tmp_path):
    frame = spark.createDataFrame([(1,)], "text long")
    with pytest.raises(textmill.ColumnsError, match="the column `text` is Int64, and no text"):
        run(spark, frame, news, output=str(tmp_path / "out"))
    with pytest.raises(textmill.ColumnsError, match="there is no column `text`"):
        transform(frame.withColumnRenamed("text", "other"), news)


def test_columns_of_every_type_go_through(spark, news, tmp_path):
    frame = spark.sql(
        "select 'A text.' as text, 1Y as b, 2S as s, cast(1.5 as decimal(9, 2)) as d, date'2024-01-02' as day,"
        " timestamp'2024-01-02 03:04:05' as t, array(1, null) as a, map('k', struct(1 as x)) as m, x'00FF' as raw,"
        " cast(null as string) as nothing"
    )
    (expected,) = frame.collect()
    (found,) = transform(frame, news).collect()
    assert all(found[name] == expected[name] for name in frame.columns)


def test_stages_that_compare_documents_are_refused_by_name(news):
    from textmill._shipment import refuse_what_compares

    class Comparing:
        name = "corpus"

        class _opened:
            @staticmethod
            def comparing():
                return ["dedup"]

    with pytest.raises(textmill.TextmillError, match="`corpus` cannot run on Spark: `dedup` compares documents"):
        refuse_what_compares(Comparing(), "Spark")
    refuse_what_compares(textmill.Pipeline(news), "Spark")
