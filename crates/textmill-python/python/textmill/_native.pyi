"""The compiled part."""

from collections.abc import Sequence
from typing import Any

VERSION: str

class Pipeline:
    def __init__(
        self,
        path: str,
        overrides: Sequence[str],
        locked: bool,
        plugin_dirs: Sequence[str],
        python: str | None,
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def stages(self) -> list[str]: ...
    @property
    def text_field(self) -> str: ...
    @property
    def id_field(self) -> str: ...
    def comparing(self) -> list[str]: ...
    def identity(self) -> list[tuple[str, str]]: ...
    def files(self) -> list[tuple[str, str, bool]]: ...
    def record(
        self,
        counts: bytes,
        kept: int,
        dropped: int,
        failed: int,
        failures: list[tuple[str, str | None, str]],
    ) -> str: ...
    def process_batch(self, data: Any, outcome: bool, edits: bool) -> Table: ...
    def process_json(
        self, documents: list[str], edits: bool
    ) -> list[
        tuple[
            int | None,
            str | None,
            str,
            str | None,
            str | None,
            list[tuple[str, str, int, int, str, str]],
        ]
    ]: ...
    def schema_for(self, schema: Any, outcome: bool, edits: bool) -> Schema: ...

class Table:
    """Rows that have passed a pipeline, for any library that takes Arrow."""

    @property
    def num_rows(self) -> int:
        """How many rows there are."""

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""

    @property
    def schema(self) -> Schema:
        """The columns with their types."""

    def counts(self) -> list[bytes]:
        """What the stages counted, of each batch."""

    def __len__(self) -> int: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class Schema:
    """The columns of a table."""

    @property
    def names(self) -> list[str]:
        """The names of the columns."""

    def __arrow_c_schema__(self) -> object: ...

def add_counts(counts: Sequence[bytes]) -> bytes: ...
def run_json(record: str) -> str: ...
def run_html(record: str) -> str: ...
def work() -> None: ...
