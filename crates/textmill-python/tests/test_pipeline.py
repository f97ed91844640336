"""Documents one by one, and what a pipeline says of itself."""

import os
import pickle
import subprocess
import sys
import threading

import pytest

import textmill

TEASER = "One line.\n\nREAD MORE: Council Sets Aside Money for a Second Tram Line\n\nAnother line.\n"
CLEAN = "One line.\n\nAnother line.\n"

CUT = "[[stage]]\nid = 'links'\nuses = 'strip-links'\nwith = { max-removed = 0.9 }\n"


def test_texts_and_dictionaries_are_documents(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    documents = [TEASER, {"id": "b", "text": CLEAN, "more": [1, {"two": None}]}]
    assert list(pipeline.process(documents)) == [{"text": CLEAN}, documents[1]]
    assert list(pipeline.process(iter([]))) == []


def test_more_documents_than_a_batch_come_in_their_order(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    found = list(pipeline.process({"id": str(number), "text": TEASER} for number in range(1000)))
    assert [document["id"] for document in found] == [str(number) for number in range(1000)]


def test_every_document_is_told_of(obey):
    pipeline = textmill.Pipeline(obey("with.children = 1\n"))
    texts = ["kept", "DROP", "FAIL", "PANIC", "EMIT", "CUT it", 5]
    found = list(pipeline.process([{"text": text} for text in texts], outcome=True, edits=True))
    outcomes = [(document["text"], document["_outcome"], document["_reason"]) for document in found]
    assert outcomes[:3] == [
        ("kept", "kept", None),
        ("DROP", "dropped", "word"),
        ("FAIL", "failed", "was told to fail"),
    ]
    assert outcomes[3][:2] == ("PANIC", "failed") and "was told to panic" in outcomes[3][2]
    assert [one[1] for one in outcomes[4:6]] == ["kept", "kept"], "and the one that it emitted"
    assert outcomes[6][:2] == (" it", "kept")
    edit = {"stage": "obey", "rule": "cut", "start": 0, "end": 3, "removed": "CUT", "added": ""}
    assert found[6]["_edits"] == [edit]
    assert outcomes[7] == (5, "failed", "the field `text` should be text, found a number")
    assert [document["_stage"] for document in found[1:4]] == ["obey"] * 3
    assert list(pipeline.process(["DROP", "FAIL", "PANIC"])) == []


def test_what_json_has_no_form_for_is_refused_before_anything_runs(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    with pytest.raises(TypeError, match="not JSON serializable"):
        list(pipeline.process([{"text": "a", "when": object()}]))


def test_text_that_is_no_unicode_costs_its_document(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT))
    found = list(pipeline.process(["a", "\udc80", "b"], outcome=True))
    assert [document["_outcome"] for document in found] == ["kept", "failed", "kept"]
    assert found[1]["text"] == "\udc80"


def test_mistakes_are_those_of_the_command_line(pipeline_file, textmill_program):
    path = pipeline_file(CUT + "[[stage]]\nuses = 'summarise'\n[[stage]]\nuses = 'clean'\nwith = { x = 1 }\n")
    with pytest.raises(textmill.PipelineError) as caught:
        textmill.Pipeline(path)
    ran = subprocess.run([textmill_program, "check", path], capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr.strip() == str(caught.value)
    first = caught.value.places[0]
    assert (first.file, first.line, first.column) == (str(path), 7, 8)
    assert "summarise" in first.message
    assert isinstance(caught.value, ValueError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.places) == (str(caught.value), caught.value.places)


def test_options_in_the_place_of_those_of_the_file(pipeline_file):
    path = pipeline_file("[[stage]]\nuses = 'summarize'\n")
    text = "The first sentence is long enough to be one. The second is as well, they say. So is the third."
    (one,) = textmill.Pipeline(path, overrides=["summarize.sentences=1"]).process([text])
    (two,) = textmill.Pipeline(path, overrides=["summarize.sentences=2"]).process([text])
    assert len(one["summary"]) < len(two["summary"])
    with pytest.raises(ValueError, match="expected `STAGE.KEY=VALUE`"):
        textmill.Pipeline(path, overrides=["summarize"])
    with pytest.raises(textmill.PipelineError, match="sentencs"):
        textmill.Pipeline(path, overrides=["summarize.sentencs=2"])


def test_a_plugin_that_is_not_there_is_named(pipeline_file):
    with pytest.raises(textmill.PipelineError, match="libnothing.so"):
        textmill.Pipeline(pipeline_file("plugins = ['./libnothing.so']\n" + CUT))


def test_locked_pipelines_use_what_is_locked(obey, textmill_program):
    path = obey()
    with pytest.raises(textmill.PipelineError, match="lock"):
        textmill.Pipeline(path, locked=True)
    subprocess.run([textmill_program, "lock", path], check=True, capture_output=True)
    assert list(textmill.Pipeline(path, locked=True).process(["a"])) == [{"text": "a"}]


def test_a_process_of_its_own_contains_a_crash(obey):
    pipeline = textmill.Pipeline(obey("isolation = 'process'\n"))
    found = list(pipeline.process(["one", "SEGV", "EXIT", "two"], outcome=True))
    assert [document["_outcome"] for document in found] == ["kept", "failed", "failed", "kept"]
    assert found[1]["_reason"] == "the plugin's process was killed by SIGSEGV"
    assert found[2]["_reason"] == "the plugin's process exited with code 0"


def test_it_says_what_it_is(news):
    pipeline = textmill.Pipeline(news)
    assert pipeline.name == "news"
    assert pipeline.path == str(news)
    assert pipeline.stages == ["clean", "dedup-title", "links", "summarize"]
    assert repr(pipeline) == f"textmill.Pipeline({str(news)!r}: clean -> dedup-title -> links -> summarize)"
    assert textmill.__version__.count(".") == 2


def test_it_can_be_pickled(pipeline_file):
    pipeline = textmill.Pipeline(pipeline_file(CUT), overrides=["links.max-removed=0.0"])
    again = pickle.loads(pickle.dumps(pipeline))
    assert list(again.process([TEASER])) == list(pipeline.process([TEASER])) == [{"text": TEASER}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_process_that_was_forked_off_has_its_own(obey):
    pipeline = textmill.Pipeline(obey("isolation = 'process'\n"))
    assert list(pipeline.process(["a"])) == [{"text": "a"}]
    child = os.fork()
    if child == 0:
        found = list(pipeline.process(["SEGV", "CUTb"]))
        os._exit(0 if found == [{"text": "b"}] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(pipeline.process(["c"])) == [{"text": "c"}]


def in_a_child(work):
    """Whether this is true in a process that is forked off."""
    child = os.fork()
    if child == 0:
        is_true = False
        try:
            is_true = work()
        finally:
            os._exit(0 if is_true else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_process_that_cannot_open_it_again_never_uses_the_parents(pipeline_file):
    path = pipeline_file(CUT)
    pipeline = textmill.Pipeline(path)

    def is_refused():
        with pytest.raises(textmill.PipelineError):
            list(pipeline.process(["a"]))
        return True

    path.unlink()
    assert in_a_child(lambda: is_refused() and is_refused())
    assert list(pipeline.process(["a"])) == [{"text": "a"}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_relative_path_is_found_again_from_another_folder(pipeline_file, tmp_path, monkeypatch):
    from textmill._shipment import Shipment

    monkeypatch.chdir(pipeline_file(CUT).parent)
    pipeline = textmill.Pipeline("p.toml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    again = pickle.loads(pickle.dumps(pipeline))
    twice = pickle.loads(pickle.dumps(again))
    assert (pipeline.path, again.path, twice.path) == ("p.toml",) * 3
    assert list(twice.process([TEASER])) == [{"text": CLEAN}]
    assert in_a_child(lambda: list(pipeline.process([TEASER])) == [{"text": CLEAN}])
    assert list(Shipment(pipeline).open(str).process([TEASER])) == [{"text": CLEAN}]


def test_many_threads_share_one(news):
    pipeline = textmill.Pipeline(news)
    texts = [f"Title {number}\n\nTitle {number}\n\n{TEASER}" * 5 for number in range(300)]
    expected = list(pipeline.process(texts))
    found = {}

    def work(number):
        found[number] = list(pipeline.process(texts))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all(found[number] == expected for number in range(4))


def test_nothing_of_arrow_is_needed_to_import_it():
    program = "import sys; sys.modules['pyarrow'] = None; import textmill; print(textmill.__version__)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == textmill.__version__
