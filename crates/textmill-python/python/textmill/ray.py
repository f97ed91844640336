"""The same pipeline in Ray Data, for a map and nothing else.

Ray tries a task again for ever and has no commit for a whole job: where that matters, use `textmill.spark`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from textmill._pipeline import Path, Pipeline
from textmill._shipment import Shipment, refuse_what_compares

if TYPE_CHECKING:
    from ray.data import Dataset


def transform(
    dataset: Dataset,
    pipeline: Pipeline | Path,
    *,
    outcome: bool = False,
    edits: bool = False,
    **options: Any,
) -> Dataset:
    """Passes the rows of a dataset through all stages, wherever Ray has them; the columns are those of `Pipeline.process_batch`.

    Args:
        options: For `Dataset.map_batches`: `concurrency`, `batch_size`, `num_cpus` and others.

    Raises:
        TextmillError: A stage compares documents with each other.
    """
    opened = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline)
    refuse_what_compares(opened, "Ray")
    shipment = Shipment(opened)

    def work(batch: pa.Table) -> pa.Table:
        return pa.table(shipment.open(str).process_batch(batch, outcome=outcome, edits=edits))

    return dataset.map_batches(work, batch_format="pyarrow", **options)
