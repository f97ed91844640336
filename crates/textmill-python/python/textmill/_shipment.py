"""A pipeline on its way to another machine: the file, what it names, and how they are known again there.

All of it goes as one archive, whose name is its hash. Whoever unpacks it checks that hash first, and what was opened from
it afterwards: what runs there is what was opened here.
"""

from __future__ import annotations

import atexit
import copy
import hashlib
import io
import os
import pathlib
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import textmill
from textmill._errors import TextmillError
from textmill._pipeline import Pipeline

_PLUGINS = "plugins"
"""The folder of the archive for libraries that the pipeline file names without a path."""

_TREE = "tree"
"""The folder of the archive for the pipeline file, and for what lies where it says relative to it."""

_OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every entry, so that equal contents are equal archives."""


class File(NamedTuple):
    """A library or another file that a pipeline names."""

    written: str
    """The path or name in the pipeline file."""
    absolute: str
    """Where it is."""
    is_name: bool
    """Whether it was found in the folders of plugins."""


class Shipment:
    """A pipeline that can be opened on another machine.

    Paths that the pipeline file has relative to itself are the same there. What it names by an absolute path does not
    travel: it must be there already, with the same bytes.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.name = pipeline.name
        self._version = textmill.__version__
        self._overrides = pipeline._overrides
        self._locked = pipeline._locked
        self._identity = pipeline._opened.identity()
        self._path, archive = _pack(pipeline)
        self.sha256 = hashlib.sha256(archive).hexdigest()
        self._archive: bytes | None = archive

    @property
    def file_name(self) -> str:
        """The name of the archive, which no other one has."""
        return f"textmill-{self.sha256}.zip"

    def write_to(self, folder: str) -> str:
        """Writes the archive into a folder; its path there."""
        path = os.path.join(folder, self.file_name)
        pathlib.Path(path).write_bytes(self._archive or b"")
        return path

    def without_archive(self) -> Shipment:
        """The same, to go where the archive has gone by itself."""
        light = copy.copy(self)
        light._archive = None
        return light

    def open(self, find: Callable[[str], str], below: str | None = None) -> Pipeline:
        """The pipeline, opened on this machine, once for each process. `find` finds a file that was sent by itself. It is
        unpacked below a folder that somebody else removes; without one, in a folder that this process removes when it ends.

        Raises:
            TextmillError: It is not what was sent.
        """
        with _lock:
            known = _opened.get(self._key())
            if known is None:
                known = _opened[self._key()] = self._open(find, below)
            return known

    def _key(self) -> tuple[str, ...]:
        return (self.sha256, str(self._locked), *self._overrides)

    def _open(self, find: Callable[[str], str], below: str | None) -> Pipeline:
        if self._version != textmill.__version__:
            raise TextmillError(
                f"the pipeline `{self.name}` was sent by textmill {self._version}, and this is {textmill.__version__}",
                "install the same version on all machines",
            )
        folder = tempfile.mkdtemp(prefix="textmill-", dir=below)
        if below is None:
            _folders.append(folder)
        with zipfile.ZipFile(io.BytesIO(self._checked(find))) as archive:
            archive.extractall(folder)
        pipeline = Pipeline(
            os.path.join(folder, _TREE, self._path),
            overrides=self._overrides,
            locked=self._locked,
            plugin_dirs=[os.path.join(folder, _PLUGINS)],
        )
        for sent, found in zip(self._identity, pipeline._opened.identity()):
            if sent != found:
                raise TextmillError(
                    f"the pipeline `{self.name}` is another one here: `{sent[0]}` has the hash {found[1]}, not {sent[1]}",
                    "what a pipeline file names by an absolute path must be the same file on all machines",
                )
        return pipeline

    def _checked(self, find: Callable[[str], str]) -> bytes:
        archive = self._archive
        if archive is None:
            archive = pathlib.Path(find(self.file_name)).read_bytes()
        found = hashlib.sha256(archive).hexdigest()
        if found != self.sha256:
            raise TextmillError(
                f"the pipeline `{self.name}` was damaged on its way: its archive has the hash {found}, not {self.sha256}"
            )
        return archive


_lock = threading.Lock()

_opened: dict[tuple[str, ...], Pipeline] = {}

_folders: list[str] = []


def _forget_after_fork() -> None:
    """What was opened before belongs to the parent, and so do the folders."""
    global _lock
    _lock = threading.Lock()
    _opened.clear()
    _folders.clear()


def _clean_up() -> None:
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


atexit.register(_clean_up)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _pack(pipeline: Pipeline) -> tuple[str, bytes]:
    """The path of the pipeline file in the archive, and the archive."""
    path = pipeline._place
    files = [File(written, os.fspath(place), is_name) for written, place, is_name in pipeline._opened.files()]
    relative = [file for file in files if not file.is_name and not os.path.isabs(file.written)]
    places = {os.path.normpath(os.path.join(os.path.dirname(path), file.written)): file for file in relative}
    lock = os.path.join(os.path.dirname(path), "textmill.lock")
    root = os.path.commonpath([os.path.dirname(place) for place in [path, *places]])
    entries = {os.path.join(_TREE, os.path.relpath(place, root)): file.absolute for place, file in places.items()}
    entries[os.path.join(_TREE, os.path.relpath(path, root))] = path
    if os.path.exists(lock):
        entries[os.path.join(_TREE, os.path.relpath(lock, root))] = lock
    entries.update((os.path.join(_PLUGINS, file.written), file.absolute) for file in files if file.is_name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(entries.items()):
            archive.writestr(zipfile.ZipInfo(name, _OLDEST), pathlib.Path(source).read_bytes(), zipfile.ZIP_DEFLATED)
    return os.path.relpath(path, root), packed.getvalue()


def refuse_what_compares(pipeline: Pipeline, where: str) -> None:
    """Refuses a pipeline with stages that need to see more than one document.

    Raises:
        TextmillError: There is one; it is named.
    """
    stages = pipeline._opened.comparing()
    if stages:
        named = ", ".join(f"`{stage}`" for stage in stages)
        raise TextmillError(
            f"the pipeline `{pipeline.name}` cannot run on {where}: {named} compares documents with each other",
            "run it with `textmill run`, or leave the stage out",
        )
