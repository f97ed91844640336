"""How fast the package is: `python crates/textmill-python/bench.py --textmill target/release/textmill`.

Prints, of the articles beside the checkout or of our own samples many times over: the text that `process_batch` passes through
`news.toml` in a second of processor time on one thread, beside the command line with `-j 1`; what Spark takes around it; how
large the wheel is; how long an import takes. Processor time, and the better of some rounds in turn, because other programs run
meanwhile; only the ratios mean something elsewhere.
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pyarrow as pa

import textmill

WORKSPACE = pathlib.Path(__file__).resolve().parents[2]
NEWS = WORKSPACE.parent / "shared" / "data" / "news-10k.jsonl.gz"
PIPELINE = WORKSPACE / "pipelines" / "news.toml"
MB = 1_000_000


def documents():
    if NEWS.exists():
        with gzip.open(NEWS, "rt") as file:
            return [json.loads(line) for line in file]
    samples = sorted((WORKSPACE / "pipelines" / "samples" / "news").iterdir())
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in samples]
    return [{"id": str(n), "text": texts[n % len(texts)]} for n in range(10_000)]


def processor_time(work):
    begin = time.process_time()
    work()
    return time.process_time() - begin


def of_a_child(arguments):
    """The processor time of a program, and of what it starts."""
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(child.stderr.read().decode())
    return used.ru_utime + used.ru_stime


def best_in_turn(rounds, *works):
    """The least that each took, one after the other, some times."""
    taken = [[work() for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*taken)]


def compare(table, lines, program, rounds, folder):
    size = sum(len(text.encode()) for text in table["text"].to_pylist()) / MB
    pipeline = textmill.Pipeline(PIPELINE)
    source = folder / "in.jsonl"
    source.write_text(lines)
    run = [program, "run", PIPELINE, "-q", "-j", "1", "--fresh", "--overwrite", "-i", source, "-o", folder / "out.jsonl"]
    batch = lambda: processor_time(lambda: pipeline.process_batch(table))  # noqa: E731
    here, there = best_in_turn(rounds, batch, lambda: of_a_child(run))
    print(f"process_batch, one thread     {size / here:7.1f} MB/s of text")
    print(f"textmill run -j 1             {size / there:7.1f} MB/s of text (reads and writes JSON Lines in memory)")
    print(f"ratio                         {there / here:7.2f}")


def spark(table, folder, rounds):
    from pyspark.sql import SparkSession

    import pyarrow.parquet as parquet

    from textmill.spark import transform

    parquet.write_table(table, folder / "in.parquet", compression="zstd")
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()
    frame = session.read.parquet(str(folder / "in.parquet"))

    def timed(what):
        begin = time.perf_counter()
        what.write.format("noop").mode("overwrite").save()
        return time.perf_counter() - begin

    same = frame.mapInArrow(unchanged, frame.schema)
    pipeline = textmill.Pipeline(PIPELINE)

    def bare():
        begin = time.perf_counter()
        pipeline.process_batch(table)
        return time.perf_counter() - begin

    alone, through, empty = best_in_turn(rounds, bare, lambda: timed(transform(frame, PIPELINE)), lambda: timed(same))
    print(f"process_batch, by the clock   {alone:7.2f} s")
    print(f"the same through local[1]     {through:7.2f} s, {through / alone:.2f} times as long")
    print(f"of that, mapInArrow of nothing{empty:7.2f} s")
    session.stop()


def unchanged(batches):
    yield from batches


def importing(rounds):
    """How much longer Python takes to start when it imports the package."""
    program = [sys.executable, "-c"]
    with_it, without = best_in_turn(
        rounds, lambda: of_a_child([*program, "import textmill"]), lambda: of_a_child([*program, "pass"])
    )
    print(f"import textmill               {1000 * (with_it - without):7.1f} ms, beside {1000 * without:.1f} ms for Python itself")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--textmill", default=WORKSPACE / "target" / "release" / "textmill", help="the command line")
    parser.add_argument("--wheel", help="a wheel, for its size")
    parser.add_argument("--spark", action="store_true", help="through Spark too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=10_000)
    arguments = parser.parse_args()
    found = documents()[: arguments.documents]
    table = pa.Table.from_pylist(found)
    lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        compare(table, lines, arguments.textmill, arguments.rounds, pathlib.Path(folder))
        if arguments.spark:
            spark(table, pathlib.Path(folder), min(arguments.rounds, 3))
    if arguments.wheel:
        print(f"wheel                         {os.path.getsize(arguments.wheel) / MB:7.1f} MB")
    importing(arguments.rounds)


if __name__ == "__main__":
    main()
