"""What the tests of clusters need beside that of all tests: Spark on loopback, and what the command line makes of documents."""

import gzip
import itertools
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from helpers import NEWS, WORKSPACE, lines, sorted_by_id

LOOPBACK = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}


def pytest_configure(config):
    """Before anything starts a virtual machine: its children run this Python, and listen to nobody else."""
    os.environ.update(LOOPBACK, PYSPARK_PYTHON=sys.executable, PYSPARK_DRIVER_PYTHON=sys.executable)


@pytest.fixture(scope="session")
def news_documents():
    """Ten thousand articles (`TEXTMILL_TEST_DOCUMENTS`: as many, for a build without optimization) where the measuring data is, or else some of our own."""
    if NEWS.exists():
        with gzip.open(NEWS, "rt") as file:
            most = int(os.environ.get("TEXTMILL_TEST_DOCUMENTS", "10000"))
            return [json.loads(line) for line in itertools.islice(file, most)]
    samples = sorted((WORKSPACE / "pipelines" / "samples" / "news").iterdir())
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in samples]
    return [{"id": f"{n}", "text": texts[n % len(texts)], "source": "samples"} for n in range(2000)]


@pytest.fixture(scope="session")
def news_files(tmp_path_factory, news_documents):
    """The same as 16 Parquet files, in a folder."""
    folder = tmp_path_factory.mktemp("news") / "in"
    folder.mkdir()
    table = pa.Table.from_pylist(news_documents)
    size = -(-table.num_rows // 16)
    for number in range(16):
        parquet.write_table(table.slice(number * size, size), folder / f"{number:02}.parquet", compression="zstd")
    return folder


@pytest.fixture(scope="session")
def command_line(textmill_program):
    """Runs a pipeline from the command line over documents: those that it keeps, and what it says of the others."""

    def run(path, documents, folder):
        folder.mkdir(exist_ok=True)
        source = folder / "in.jsonl"
        source.write_text("".join(json.dumps(one) + "\n" for one in documents))
        arguments = [textmill_program, "run", path, "-q", "-i", source, "-o", folder / "out.jsonl"]
        ran = subprocess.run(arguments, capture_output=True, text=True)
        assert ran.returncode in (0, 1), ran.stderr
        record = json.loads((folder / ".out.jsonl.textmill" / "run.json").read_text())
        return sorted_by_id(lines(folder / "out.jsonl")), record

    return run
