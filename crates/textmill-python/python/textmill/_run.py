"""What a run did: `run.json`."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

from textmill import _native as native
from textmill._pipeline import Path


class Run:
    """What a run did, as `run.json` says it; `textmill schema --run` prints the schema."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        """All of it."""

    @classmethod
    def _of(
        cls,
        record: str,
        outputs: list[tuple[str, str, int, int, int]],
        inputs: list[str],
        times: dict[str, Any],
    ) -> Run:
        found = json.loads(record)
        keys = ("kind", "path", "docs", "bytes", "files")
        found["outputs"] = [{**dict(zip(keys, output)), "sha256": None} for output in outputs]
        found["input"]["uris"] = inputs
        found["times"].update(times)
        return cls(found)

    @property
    def docs(self) -> dict[str, Any]:
        """What became of the documents: `read`, `emitted`, `kept`, `dropped`, `failed` and more."""
        docs: dict[str, Any] = self.record["docs"]
        return docs

    @property
    def is_well(self) -> bool:
        """Whether no more documents failed than `max-errors` allows, and all `[[check]]`s hold that are no mere warnings."""
        checks = self.record["checks"]
        broken = any(not check["holds"] for check in checks if check["severity"] == "error")
        return bool(self.record["failures"]["allowed"]) and not broken

    def to_json(self) -> str:
        """`run.json`, as the command line writes it."""
        return native.run_json(json.dumps(self.record))

    def to_html(self) -> str:
        """`report.html`: one file that loads nothing."""
        return native.run_html(json.dumps(self.record))

    def write(self, folder: Path) -> None:
        """Writes `run.json` and `report.html` into a folder, which is made if it is not there."""
        place = pathlib.Path(os.fspath(folder))
        place.mkdir(parents=True, exist_ok=True)
        for name, text in [("report.html", self.to_html()), ("run.json", self.to_json())]:
            part = place / f"{name}.part"
            part.write_text(text, encoding="utf-8")
            part.replace(place / name)

    def __repr__(self) -> str:
        docs = self.docs
        return (
            f"textmill.Run({docs['read']} read + {docs['emitted']} emitted = "
            f"{docs['kept']} kept + {docs['dropped']} dropped + {docs['failed']} failed)"
        )
