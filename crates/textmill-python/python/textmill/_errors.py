"""What can go wrong, as exceptions that say what the command line says."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A mistake in a pipeline file, and where it is."""

    file: str
    """The file, as it was named; empty where no file could be read."""
    line: int | None
    """The line, from 1."""
    column: int | None
    """The column in characters, from 1."""
    message: str
    """What is wrong, in one line."""
    hint: str | None
    """What to do about it, where that is known."""


class TextmillError(Exception):
    """Something that textmill cannot do. A document that fails is no such error."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class PipelineError(TextmillError, ValueError):
    """A pipeline file with mistakes. The text is what `textmill check` prints; `places` are the mistakes one by one."""

    def __init__(
        self, message: str, places: list[tuple[str, int | None, int | None, str, str | None]]
    ) -> None:
        super().__init__(message)
        self.args = (message, places)
        self.places = [Place(*place) for place in places]


class ColumnsError(TextmillError, ValueError):
    """Columns that a pipeline cannot work with: there is no text, or a stage sets what one cannot hold."""
