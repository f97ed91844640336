"""Textmill runs documents through a pipeline of small stages, and says what each of them changed.

>>> pipeline = textmill.Pipeline("news.toml")
>>> for document in pipeline.process(["READ MORE: ...", "..."]):
...     print(document["text"])
>>> cleaned = pyarrow.table(pipeline.process_batch(table))

The pipeline is the file that `textmill run` takes; what it says of input and output is of no matter here. `textmill.spark`
runs it on a cluster.
"""

from textmill._errors import ColumnsError, PipelineError, Place, TextmillError
from textmill._native import VERSION as __version__
from textmill._native import Schema, Table
from textmill._pipeline import Pipeline

__all__ = [
    "ColumnsError",
    "Pipeline",
    "PipelineError",
    "Place",
    "Schema",
    "Table",
    "TextmillError",
    "__version__",
]
