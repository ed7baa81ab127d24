"""The protos: their style, their promise not to break, and the stubs that must be theirs."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).with_name("buf")
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi", "descriptors.binpb")


def _output(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_protos_keep_their_style() -> None:
    _output(BUF, "lint")


def test_the_protos_break_nobody_who_speaks_those_of_the_last_release() -> None:
    if not (ROOT / ".git").is_dir():
        pytest.skip("no git folder here, so there is nothing to compare with")
    released = _newest_tag()
    # Before the first release the last commit stands in for it: it catches a break while it is being made.
    _output(BUF, "breaking", "--against", f".git#tag={released}" if released else ".git#ref=HEAD")


@pytest.mark.timeout(600)  # the first time, the generator is installed
def test_the_committed_stubs_are_those_of_the_protos(tmp_path: Path) -> None:
    _output("make", "protos", f"OUT={tmp_path}")

    committed, generated = _generated_in(ROOT), _generated_in(tmp_path)
    assert committed == generated
    _, differing, unreadable = filecmp.cmpfiles(ROOT, tmp_path, committed, shallow=False)
    assert [*differing, *unreadable] == [], "run `make protos` and commit what it changes"


def _newest_tag() -> str:
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def _generated_in(folder: Path) -> list[str]:
    found = {path.relative_to(folder) for pattern in GENERATED for path in (folder / "archwright").rglob(pattern)}
    return sorted(map(str, found))
