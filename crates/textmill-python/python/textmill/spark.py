"""The same pipeline on a cluster: Apache Spark.

Spark moves the data, starts again what died, and commits; textmill is the function that it maps. Classic PySpark and Spark
Connect are one and the same here, and so is Sail, which speaks the protocol of Connect.

>>> from textmill.spark import run, transform
>>> clean = transform(df, "news.toml")
>>> done = run(spark, df, "news.toml", output="s3a://bucket/clean", failed="s3a://bucket/failed")
>>> done.docs["kept"]

`CLUSTER.md` beside the source says what has to be installed where, what is shipped, and what is exactly-once.
"""

from __future__ import annotations

import atexit
import os
import pathlib
import shutil
import tempfile
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from textmill import _native as native
from textmill._errors import ColumnsError, TextmillError
from textmill._pipeline import Path, Pipeline
from textmill._run import Run
from textmill._shipment import Shipment, refuse_what_compares

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_OUTCOME = ["_outcome", "_reason", "_stage"]

_COUNTS = "_counts"
"""The column of the staging table that holds what the stages counted: in the first row of each batch. It is committed with the
rows, so that what a task did that was run twice is counted once; Spark's accumulators would count it twice."""

_FAILURES = 20
"""How many failed documents are named, as in a run of the command line."""

_WRITING = {
    # Snappy's native part is missing on some systems.
    "compression": "zstd",
    # Renames what a job wrote when the whole job is done; 2 does so task by task, and shows what a failed job has left.
    "mapreduce.fileoutputcommitter.algorithm.version": "1",
}


def transform(
    df: DataFrame, pipeline: Pipeline | Path, *, outcome: bool = False, edits: bool = False
) -> DataFrame:
    """Passes the rows of a data frame through all stages, wherever Spark has them.

    The columns are those of `Pipeline.process_batch`. What was dropped or failed is not among the rows, unless `outcome` asks
    for all of them.

    Raises:
        ColumnsError: There is no column of texts, or a stage sets what a column cannot hold.
        TextmillError: A stage compares documents with each other.
    """
    opened = _open(pipeline)
    shipment = _ship(df.sparkSession, opened)
    schema = _schema(df, opened, outcome, edits)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _process(shipment, batches, outcome, edits)

    return df.mapInArrow(work, schema)


def run(
    spark: SparkSession,
    df: DataFrame,
    pipeline: Pipeline | Path,
    *,
    output: str,
    dropped: str | None = None,
    failed: str | None = None,
    report: Path | None = None,
    staging: str | None = None,
    overwrite: bool = False,
    edits: bool = False,
) -> Run:
    """Runs a pipeline over a data frame and writes what becomes of each document, as Parquet.

    All rows go into one table first, with what became of each. When Spark has committed it, it is split into the outputs and
    counted: read + emitted = kept + dropped + failed, or nothing is published. Documents are counted in that table and in
    the outputs, never by accumulators, because Spark counts twice what it tries twice.

    Args:
        output: The folder for documents that were kept, a URI that Spark can write to.
        dropped: The folder for those that a stage dropped: rows as they came, with `_reason` and `_stage`. Without it they are
            only counted.
        failed: The folder for those that failed, likewise. Without it they are beside the output, under its name with
            `.failed` behind it, because a document is not lost for want of an argument; if none failed, nothing is there.
        report: A folder on this machine for `run.json` and `report.html`. Without it they are where the command line has them,
            in the hidden folder beside the output, if that is on this machine.
        staging: The folder in which the table lies that all rows go into, under a name that no other run has. Without it, it
            lies beside the output. It is removed at the end, also of a run that fails; nothing else in the folder is touched.
            Through Connect this process removes it, which it can where the table is on this machine: elsewhere, as in an
            object store, `textmill-*` stays and is yours to remove.
        overwrite: Replace what is there, with the `.failed` of an earlier run.
        edits: Keep the column `_edits` in the outputs.

    Raises:
        ColumnsError: There is no column of texts, or a stage sets what a column cannot hold.
        TextmillError: A stage compares documents with each other; an output is there already; the documents do not add up.
    """
    started, began = int(time.time()), time.monotonic()
    opened = _open(pipeline)
    where = _staging(output, staging)
    places = {"failed": failed or f"{output.rstrip('/')}.failed", "dropped": dropped, "output": output}
    if not overwrite:
        _check_free(spark, places)
    shipment = _ship(spark, opened)
    schema = _schema(df, opened, True, edits, with_counts=True).add(_COUNTS, "binary")

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _process(shipment, batches, True, edits, with_counts=True)

    try:
        df.mapInArrow(work, schema).write.options(**_WRITING).mode("error").parquet(where)
        staged = spark.read.schema(schema).parquet(where)
        ends = {row["_outcome"]: row["count"] for row in staged.groupBy("_outcome").count().collect()}
        counts = _sum_of_counts(staged)
        failures = _failures(staged, opened)
        record = opened._opened.record(counts, ends.get("kept", 0), ends.get("dropped", 0), ends.get("failed", 0), failures)
        if failed is None and not ends.get("failed") and (not overwrite or _remove(spark, f"{places['failed']}")):
            # What failed in an earlier run would be taken for this one's.
            places["failed"] = None
        written = _split(spark, staged, places, ends, overwrite)
    finally:
        _remove(spark, where)
    times = {"started": started, "seconds": time.monotonic() - began, "threads": _cores(spark)}
    done = Run._of(record, written, _inputs(df), times)
    folder = os.fspath(report) if report is not None else _beside(output)
    if folder is not None:
        done.write(folder)
    return done


def _staging(output: str, staging: str | None) -> str:
    """A place that nothing else has, because it is removed as a whole."""
    name = f"textmill-{uuid.uuid4().hex}"
    return f"{staging.rstrip('/')}/{name}" if staging else f"{output.rstrip('/')}.{name}"


def _split(
    spark: SparkSession, staged: DataFrame, places: dict[str, str | None], ends: dict[str, int], overwrite: bool
) -> list[tuple[str, str, int, int, int]]:
    """Writes each row of the staging table to its place, the output last; what is there then, the output first."""
    from pyspark.sql import functions as f

    written = []
    for kind, place in places.items():
        if place is None:
            continue
        outcome = "kept" if kind == "output" else kind
        rows = staged.where(f.col("_outcome") == outcome)
        rows = rows.drop("_outcome", _COUNTS) if outcome != "kept" else rows.drop(*_OUTCOME, _COUNTS)
        rows.write.options(**_WRITING).mode("overwrite" if overwrite else "error").parquet(place)
        written.append(_written(spark, kind, place, rows.schema, ends.get(outcome, 0)))
    return written[::-1]


def _open(pipeline: Pipeline | Path) -> Pipeline:
    opened = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline)
    refuse_what_compares(opened, "Spark")
    return opened


def _process(
    shipment: Shipment,
    batches: Iterator[pa.RecordBatch],
    outcome: bool,
    edits: bool,
    with_counts: bool = False,
) -> Iterator[pa.RecordBatch]:
    """What the executors do."""
    pipeline = shipment.open(_find, _scratch())
    for batch in batches:
        table = pipeline.process_batch(batch, outcome=outcome, edits=edits)
        rows = pa.table(table)
        if with_counts:
            first = table.counts()[: rows.num_rows]
            column = pa.array(first + [None] * (rows.num_rows - len(first)), pa.binary())
            rows = rows.append_column(_COUNTS, column)
        yield from rows.to_batches()


def _add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The sum of what is in a partition of the staging table."""
    total = b""
    for batch in batches:
        total = native.add_counts([total, *batch.column(0).to_pylist()])
    if total:
        yield pa.record_batch([pa.array([total], pa.binary())], [_COUNTS])


def _sum_of_counts(staged: DataFrame) -> bytes:
    partial = staged.where(f"{_COUNTS} is not null").select(_COUNTS).mapInArrow(_add, f"{_COUNTS} binary")
    total = b""
    for row in partial.toLocalIterator():
        total = native.add_counts([total, bytes(row[_COUNTS])])
    return total


def _failures(staged: DataFrame, pipeline: Pipeline) -> list[tuple[str, str | None, str]]:
    failed = staged.where("_outcome = 'failed'")
    name = pipeline._opened.id_field
    if name in staged.columns:
        failed = failed.orderBy(failed[name])
    rows = failed.limit(_FAILURES).collect()
    ids = [row[name] if name in staged.columns and row[name] is not None else "" for row in rows]
    return [(str(id), row["_stage"], row["_reason"] or "") for id, row in zip(ids, rows)]


def _schema(df: DataFrame, pipeline: Pipeline, outcome: bool, edits: bool, with_counts: bool = False) -> StructType:
    """The columns of the data frame as they are, and those that are added in Spark's words."""
    from pyspark.sql.types import StructField, StructType

    asked = [(_OUTCOME, outcome), (["_edits"], edits), ([_COUNTS], with_counts)]
    _check_names(df.columns, [name for names, is_asked in asked if is_asked for name in names])
    before = pa.schema([(field.name, _arrow_type(field.dataType.typeName(), field.dataType)) for field in df.schema])
    after = list(pa.schema(pipeline.schema_for(before, outcome=outcome, edits=edits)))
    known = [
        # A column of nulls alone becomes what a stage sets.
        StructField(field.name, field.dataType if told.type == found.type else _spark_type(found.type), True, field.metadata)
        for field, told, found in zip(df.schema, before, after)
    ]
    added = [StructField(field.name, _spark_type(field.type)) for field in after[len(known) :]]
    return StructType(known + added)


def _check_names(columns: list[str], added: list[str]) -> None:
    """Spark takes names that differ in case alone for the same."""
    for column in columns:
        if column.lower() in added:
            raise ColumnsError(f"there is a column `{column}` already", "leave it out, or give it another name")


def _arrow_type(name: str, of: Any) -> pa.DataType:
    """The type of a column in the words of Arrow, where stages could have to do with it. What it is beyond that nobody asks."""
    plain = {
        "string": pa.string(),
        "varchar": pa.string(),
        "char": pa.string(),
        "boolean": pa.bool_(),
        "byte": pa.int8(),
        "short": pa.int16(),
        "integer": pa.int32(),
        "long": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "binary": pa.binary(),
        "date": pa.date32(),
        "void": pa.null(),
    }
    if name in plain:
        return plain[name]
    if name == "array":
        return pa.list_(_arrow_type(of.elementType.typeName(), of.elementType))
    return pa.struct([])


def _spark_type(of: pa.DataType) -> Any:
    """The type of a column that stages set in the words of Spark."""
    from pyspark.sql import types

    if pa.types.is_list(of):
        return types.ArrayType(_spark_type(of.value_type))
    if pa.types.is_struct(of):
        return types.StructType([types.StructField(field.name, _spark_type(field.type)) for field in of])
    plain = {pa.bool_(): types.BooleanType(), pa.int64(): types.LongType(), pa.float64(): types.DoubleType()}
    return plain.get(of, types.StringType())


def _ship(spark: SparkSession, pipeline: Pipeline) -> Shipment:
    """Sends the pipeline to the executors. Where no files can be sent, it goes with the function."""
    shipment = Shipment(pipeline)
    path = _kept(shipment)
    if not _is_connect(spark):
        spark.sparkContext.addFile(path)
        return shipment.without_archive()
    try:
        spark.addArtifacts(path, file=True)
    except Exception:
        # Sail takes none.
        return shipment
    return shipment.without_archive()


def _kept(shipment: Shipment) -> str:
    """The archive as a file that stays as long as this process, because executors fetch it when they need it."""
    if shipment.sha256 not in _archives:
        folder = tempfile.mkdtemp(prefix="textmill-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _archives[shipment.sha256] = shipment.write_to(folder)
    return _archives[shipment.sha256]


_archives: dict[str, str] = {}


def _find(name: str) -> str:
    from pyspark import SparkFiles

    path: str = SparkFiles.get(name)
    return path


def _scratch() -> str | None:
    """The folder for files of an executor, where there is one: Spark removes it, and ends its Python workers so that they
    cannot."""
    try:
        from pyspark import SparkFiles

        root = os.path.abspath(SparkFiles.getRootDirectory())
    except Exception:
        # Sail has none.
        return None
    return root if os.access(root, os.W_OK) else None


def _is_connect(spark: SparkSession) -> bool:
    return type(spark).__module__.startswith("pyspark.sql.connect")


def _check_free(spark: SparkSession, places: dict[str, str | None]) -> None:
    for kind, place in places.items():
        if place is not None and _exists(spark, place):
            raise TextmillError(f"the {kind} `{place}` is there already", "name another place, or say `overwrite=True`")


def _written(
    spark: SparkSession, kind: str, place: str, schema: StructType, expected: int
) -> tuple[str, str, int, int, int]:
    """What is found of an output that was written: it must be as many documents as there were."""
    table = spark.read.schema(schema).parquet(place)
    found = table.count()
    if found != expected:
        raise TextmillError(
            f"the documents do not add up at the {kind}: {expected} were to be written, and `{place}` has {found}",
            "remove the outputs; this is a mistake in textmill, or somebody else writes there",
        )
    files = _files(table)
    local = [_local(file) for file in files]
    size = sum(os.path.getsize(file) for file in local if file is not None and os.path.exists(file))
    return kind, place, found, size, len(files)


def _inputs(df: DataFrame) -> list[str]:
    return _files(df)[:_FAILURES]


def _files(df: DataFrame) -> list[str]:
    try:
        return sorted(df.inputFiles())
    except Exception:
        # Not every server knows.
        return []


def _cores(spark: SparkSession) -> int:
    return 1 if _is_connect(spark) else spark.sparkContext.defaultParallelism


def _local(uri: str) -> str | None:
    """The path on this machine, if it is one."""
    parsed = urllib.parse.urlparse(uri)
    if parsed.scheme == "file":
        return urllib.parse.unquote(parsed.path)
    return uri if not parsed.scheme else None


def _beside(output: str) -> str | None:
    local = _local(output)
    if local is None or not os.path.isdir(local):
        return None
    path = pathlib.Path(local.rstrip("/"))
    return str(path.with_name(f".{path.name}.textmill"))


def _exists(spark: SparkSession, place: str) -> bool:
    """Whether something is there, as far as that can be known before it is written to."""
    if not _is_connect(spark):
        files, path = _hadoop(spark, place)
        return bool(files.exists(path))
    local = _local(place)
    return local is not None and os.path.exists(local)


def _remove(spark: SparkSession, place: str) -> bool:
    """Removes a table. Through Connect that is only possible on this machine; whether it was."""
    if not _is_connect(spark):
        files, path = _hadoop(spark, place)
        files.delete(path, True)
        return True
    local = _local(place)
    if local is not None:
        shutil.rmtree(local, ignore_errors=True)
    return local is not None


def _hadoop(spark: SparkSession, place: str) -> tuple[Any, Any]:
    """The file system of a place, and its path there."""
    context: Any = spark.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(place)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path
