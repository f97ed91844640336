"""The same pipeline over a data frame of Polars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textmill._pipeline import Path, Pipeline

if TYPE_CHECKING:
    from polars import DataFrame


def transform(
    frame: DataFrame, pipeline: Pipeline | Path, *, outcome: bool = False, edits: bool = False
) -> DataFrame:
    """Passes the rows of a data frame through all stages; the columns are those of `Pipeline.process_batch`.

    Raises:
        ColumnsError: There is no column of texts, or a stage sets what a column cannot hold.
    """
    opened = pipeline if isinstance(pipeline, Pipeline) else Pipeline(pipeline)
    return type(frame)(opened.process_batch(frame, outcome=outcome, edits=edits))
