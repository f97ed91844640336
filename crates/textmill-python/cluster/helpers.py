"""What tests of clusters do again and again."""

import json
import pathlib
import shutil

import pyarrow.parquet as parquet

WORKSPACE = pathlib.Path(__file__).resolve().parents[3]

NEWS = WORKSPACE.parent / "shared" / "data" / "news-10k.jsonl.gz"


def cluster(master="local-cluster[2,1,1024]"):
    """A builder of a session with two executors of one core, each a process of its own."""
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "200",
        "spark.io.compression.codec": "zstd",
        "spark.sql.parquet.compression.codec": "zstd",
    }
    builder = SparkSession.builder.master(master) if master else SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def rows(folder):
    """What Spark wrote, as documents: no field where there is a null, and those of the column `extra` beside the others."""
    found = []
    for row in parquet.read_table(folder).to_pylist():
        extra = json.loads(row.pop("extra", None) or "{}")
        found.append({**{name: value for name, value in row.items() if value is not None}, **extra})
    return sorted_by_id(found)


def sorted_by_id(documents):
    ids = [document["id"] for document in documents]
    assert len(set(ids)) == len(ids), "a document is there twice"
    return sorted(documents, key=lambda document: document["id"])


def with_unruly(folder, unruly, more=""):
    """A pipeline whose plugin lies beside it, as it does for people."""
    shutil.copy(unruly, folder / "libunruly.so")
    path = folder / "poison.toml"
    path.write_text(f"version = 1\nplugins = ['./libunruly.so']\n[[stage]]\nuses = 'obey'\n{more}")
    return path
