"""A pipeline file, open."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Union

from textmill import _native as native
from textmill._native import Schema, Table

Document = Union[str, Mapping[str, Any]]
"""A text, or the fields of a document as `json` can write them."""

Path = Union[str, "os.PathLike[str]"]

_AT_ONCE = 256
"""How many documents pass the stages at once, as in a run."""


class ArrowArray(Protocol):
    """A batch of Arrow: of pyarrow, for instance."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...


class ArrowStream(Protocol):
    """A table of Arrow: of pyarrow, Polars, pandas or DuckDB, for instance."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


class ArrowSchema(Protocol):
    """A schema of Arrow."""

    def __arrow_c_schema__(self) -> object: ...


class Pipeline:
    """A pipeline file, with its stages open.

    Any number of threads can use it at once. It can be pickled: whoever unpickles it opens the same file again, as does a
    process that was forked off, at its first use.

    Args:
        path: The pipeline file.
        overrides: Options of stages in the place of those in the file, each `STAGE.KEY=VALUE`, as `--set` takes them.
        locked: Use only plugins and files whose hashes are in `textmill.lock`.
        plugin_dirs: Folders in which plugins are looked for that the file names without a path, before
            `TEXTMILL_PLUGIN_PATH`.

    Raises:
        PipelineError: All mistakes of the file that can be found at once, each with its place.
    """

    def __init__(
        self,
        path: Path,
        *,
        overrides: Sequence[str] = (),
        locked: bool = False,
        plugin_dirs: Sequence[Path] = (),
    ) -> None:
        self._path = os.fspath(path)
        # Where it is found again from another working directory.
        self._place = os.path.abspath(self._path)
        self._overrides = list(overrides)
        self._locked = locked
        self._plugin_dirs = [os.path.abspath(folder) for folder in plugin_dirs]
        self._open(self._path)

    def _open(self, path: str) -> None:
        pid = os.getpid()
        self._inner = native.Pipeline(path, self._overrides, self._locked, self._plugin_dirs, sys.executable or None)
        # Last: until then, whoever asks in a process that was forked off opens it too, and gets nothing of the parent's.
        self._pid = pid

    @property
    def _opened(self) -> native.Pipeline:
        if self._pid != os.getpid():
            # What the parent opened stays alive here: its processes are the parent's to end.
            _of_the_parent.append(self._inner)
            self._open(self._place)
        return self._inner

    @property
    def name(self) -> str:
        """What the pipeline file calls it."""
        return self._inner.name

    @property
    def path(self) -> str:
        """The pipeline file, as it was named."""
        return self._path

    @property
    def stages(self) -> list[str]:
        """The ids of its stages, in order."""
        return self._inner.stages

    def process(
        self, documents: Iterable[Document], *, outcome: bool = False, edits: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Passes documents through all stages, 256 at a time, and yields those that were kept, in their order.

        Args:
            documents: Texts, or dictionaries with the fields that the pipeline's input has.
            outcome: Yield all documents, with the fields `_outcome` (`kept`, `dropped` or `failed`), `_reason` (the rule
                or the error) and `_stage`. One that was dropped or failed is as it came.
            edits: Add the field `_edits`, a list of what the stages did to the text: `stage`, `rule`, `start` and `end` in
                bytes of the text that came to the stage, `removed`, `added`.

        Raises:
            TypeError: A field that JSON has no form for.
        """
        documents = iter(documents)
        while batch := list(itertools.islice(documents, _AT_ONCE)):
            yield from self._process(batch, outcome, edits)

    def _process(
        self, documents: list[Document], outcome: bool, edits: bool
    ) -> Iterator[dict[str, Any]]:
        inner = self._opened
        text = inner.text_field
        fields = [{text: one} if isinstance(one, str) else dict(one) for one in documents]
        written = [json.dumps(one) for one in fields]
        for number, found, what, reason, stage, changes in inner.process_json(written, edits):
            if what == "kept":
                document = json.loads(found or "{}")
            elif outcome:
                document = json.loads(found or "{}") if number is None else fields[number]
            else:
                continue
            if outcome:
                document.update(_outcome=what, _reason=reason, _stage=stage)
            if edits:
                document["_edits"] = [dict(zip(_EDIT, change)) for change in changes]
            yield document

    def process_batch(
        self, data: ArrowArray | ArrowStream, *, outcome: bool = False, edits: bool = False
    ) -> Table:
        """Passes the rows of a batch or a table of Arrow through all stages, without the interpreter's lock.

        The result has the same columns, and behind them those that stages add. Columns that no stage knows of are carried
        along, whatever they hold; where all rows stay, they are not copied. Text can be `string`, `large_string`,
        `string_view`, or a dictionary of them.

        Args:
            data: What has `__arrow_c_array__` or `__arrow_c_stream__`: of pyarrow, Polars, pandas, DuckDB and others.
            outcome: Return a row for each document, with the columns `_outcome` (`kept`, `dropped` or `failed`), `_reason`
                (the rule or the error) and `_stage`. The row of one that was dropped or failed is as it came, but for
                bytes that are not UTF-8.
            edits: Add the column `_edits`, a list for each document of what the stages did to its text: `stage`, `rule`,
                `start` and `end` in bytes of the text that came to the stage, `removed`, `added`.

        Returns:
            A table for `pyarrow.table`, `polars.DataFrame`, `duckdb.from_arrow` and others.

        Raises:
            ColumnsError: There is no column of texts, or a stage sets what a column cannot hold.
        """
        return self._opened.process_batch(data, outcome, edits)

    def schema_for(
        self, schema: ArrowSchema, *, outcome: bool = False, edits: bool = False
    ) -> Schema:
        """The columns of what `process_batch` returns for batches with these columns.

        Raises:
            ColumnsError: There is no column of texts, or a stage sets what a column cannot hold.
        """
        return self._inner.schema_for(schema, outcome, edits)

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._path, self._place, self._overrides, self._locked, self._plugin_dirs)

    def __repr__(self) -> str:
        return f"textmill.Pipeline({self._path!r}: {' -> '.join(self.stages)})"


_EDIT = ("stage", "rule", "start", "end", "removed", "added")

_of_the_parent: list[native.Pipeline] = []


def _reopen(path: str, place: str, overrides: list[str], locked: bool, plugin_dirs: list[str]) -> Pipeline:
    pipeline = Pipeline(place, overrides=overrides, locked=locked, plugin_dirs=plugin_dirs)
    pipeline._path = path
    return pipeline
