"""What the tests need: the program `textmill` and a plugin that misbehaves, both built by the workspace."""

import os
import pathlib
import subprocess

import pytest

WORKSPACE = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", WORKSPACE / "target")) / "debug"


@pytest.fixture(scope="session")
def built():
    """The folder in which the workspace puts what it builds."""
    packages = ["-p", "textmill-cli", "-p", "textmill-unruly-plugin"]
    subprocess.run(["cargo", "build", "--quiet", "--locked", *packages], cwd=WORKSPACE, check=True)
    return TARGET


@pytest.fixture(scope="session")
def textmill_program(built):
    """The command line."""
    return built / "textmill"


@pytest.fixture(scope="session")
def unruly(built):
    """A library whose stage `obey` does what the words in a text say."""
    return built / "libtextmill_unruly_plugin.so"


@pytest.fixture(scope="session")
def news():
    """A pipeline that people run."""
    return WORKSPACE / "pipelines" / "news.toml"


@pytest.fixture
def pipeline_file(tmp_path):
    """Writes a pipeline file; its name."""

    def write(text, name="p.toml"):
        path = tmp_path / name
        path.write_text("version = 1\n" + text)
        return path

    return write


@pytest.fixture
def obey(pipeline_file, unruly):
    """A pipeline of the stage `obey`, with more lines for it."""

    def write(more=""):
        return pipeline_file(f"plugins = ['{unruly}']\n[[stage]]\nuses = 'obey'\n{more}")

    return write
