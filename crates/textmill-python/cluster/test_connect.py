"""Spark Connect, and Sail, which speaks its protocol: the same code."""

import os
import subprocess
import sys

import pytest

from helpers import WORKSPACE, with_unruly

PROGRAM = '''
import sys
from pyspark.sql import SparkSession

from helpers import rows
from textmill.spark import run, transform

server, pipeline, out = sys.argv[1:]
if server == "sail":
    from pysail.spark import SparkConnectServer

    sail = SparkConnectServer("127.0.0.1", 0)
    sail.start(background=True)
    remote = f"sc://127.0.0.1:{sail.listening_address[1]}"
    spark = SparkSession.builder.remote(remote).getOrCreate()
else:
    spark = (
        SparkSession.builder.remote("local[2]")
        .config("spark.connect.grpc.binding.address", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
texts = ["kept", "PANIC", "DROP", "FAIL", "CUT me", "SEGV"]
frame = spark.createDataFrame([(f"{n}", text) for n, text in enumerate(texts)], "id string, text string")
done = run(spark, frame, pipeline, output=f"{out}/output", dropped=f"{out}/dropped", failed=f"{out}/failed")
found = {name: [(row["id"], row["text"]) for row in rows(f"{out}/{name}")] for name in ["output", "dropped", "failed"]}
assert found["output"] == [("0", "kept"), ("4", " me")], found
assert found["dropped"] == [("2", "DROP")], found
assert found["failed"] == [("1", "PANIC"), ("3", "FAIL"), ("5", "SEGV")], found
assert (done.docs["read"], done.docs["kept"], done.docs["dropped"], done.docs["failed"]) == (6, 2, 1, 3)
assert sorted(row["text"] for row in transform(frame, pipeline).collect()) == [" me", "kept"]
print("done", done)
'''


SAIL = os.environ.get("TEXTMILL_SAIL_PYTHON")
"""A Python that has Sail, and a client of a version that it speaks with."""

NO_SAIL = pytest.mark.skipif(SAIL is None, reason="TEXTMILL_SAIL_PYTHON names no Python that has Sail")


@pytest.mark.parametrize(
    "server, python", [("connect", sys.executable), pytest.param("sail", SAIL, marks=NO_SAIL)], ids=["connect", "sail"]
)
def test_the_same_code_through_the_protocol(server, python, unruly, tmp_path):
    path = with_unruly(tmp_path, unruly, "isolation = 'process'\n")
    # A process of its own: a session of Connect and a classic one do not get along in one.
    environment = {**os.environ, "PYSPARK_PYTHON": python, "PYTHONPATH": str(WORKSPACE / "crates" / "textmill-python" / "cluster")}
    arguments = [python, "-c", PROGRAM, server, path, tmp_path]
    ran = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0 and "6 read + 0 emitted = 2 kept + 1 dropped + 3 failed" in ran.stdout, ran.stderr[-4000:]
