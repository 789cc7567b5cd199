"""The examples in docstrings and in the guide run, and types hold."""

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import bitspike

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["", "._classifier", "._loaded", "._estimator", ".errors", ".results", ".data", ".weights", ".nir._recording"])
def test_docstrings(name):
    failed, tried = doctest.testmod(importlib.import_module(f"bitspike{name}"))
    assert failed == 0
    assert tried > 0 or name in (".data",)


def test_the_guide(monkeypatch):
    pytest.importorskip("pyarrow")
    pytest.importorskip("sklearn")
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert failed == 0 and tried > 5


def test_types_hold():
    pytest.importorskip("mypy")
    # The sources, which are what is installed: mypy takes a folder of site-packages for a library.
    package = ROOT / "bindings" / "python" / "python" / "bitspike"
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "bindings/python/pyproject.toml"),
        str(package),
    ]
    said = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert said.returncode == 0, said.stdout + said.stderr


def test_stubs_name_what_the_native_module_has():
    from bitspike import _native

    stubs = (Path(bitspike.__file__).parent / "_native.pyi").read_text()
    names = [name for name in vars(_native) if not name.startswith("__")]
    for name in names:
        assert f"class {name}" in stubs or f"def {name}" in stubs, name
        members = (
            [
                member
                for member in vars(
                    getattr(_native, name),
                )
                if not member.startswith("__")
            ]
            if isinstance(getattr(_native, name), type)
            else []
        )
        for member in members:
            assert f"def {member}(" in stubs, (name, member)


def test_the_package_says_that_it_is_typed():
    assert (Path(bitspike.__file__).parent / "py.typed").is_file()
