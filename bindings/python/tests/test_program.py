"""`python -m bitspike` is the command line."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import MODELS

import bitspike

OWN = [sys.executable, "-m", "bitspike"]


def exits(command, *arguments, code=0):
    said = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert said.returncode == code, said.stderr
    return said.stdout, said.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["classify", "a gripping, funny film", "dull"], 0),
        (["classify", "--model", str(MODELS / "sst2-ternary"), "--json", "fine"], 0),
        (["inspect", str(MODELS / "sst2-tiny")], 0),
        (["distil", "--help"], 0),
        (["serve", "--help"], 0),
        ([], 2),
        (["classify", "--no-such-flag"], 2),
        (["classify", "--timesteps", "3", "--input", "/no/such/file.tsv"], 1),
    ],
)
def test_what_is_said_is_what_the_program_says(program, arguments, code):
    assert exits(OWN, *arguments, code=code) == exits([program], *arguments, code=code)


def test_version():
    said, _ = exits(OWN, "--version")
    assert said.startswith(f"bitspike {bitspike.__version__}")
    # As the program is built unless it is told otherwise.
    assert "built with: train, parquet, arrow, download, serve\nbuilt without: otel\n" in said


def test_the_script_is_the_same():
    script = Path(sys.executable).with_name("bitspike")
    if not script.is_file():
        pytest.skip("the package is not installed")
    assert exits([script], "classify", "fine") == exits(OWN, "classify", "fine")


def test_a_reader_that_goes_away_is_no_failure():
    child = subprocess.Popen([*OWN, "distil", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    with child.stderr:
        assert child.stderr.read() == b""
    assert child.wait() == 0
