from __future__ import annotations

from pathlib import Path

from archwright.local.child_log import ChildLog


def test_a_log_that_has_grown_too_long_makes_room_and_keeps_its_predecessor(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "engine.log", bytes_max=10)

    log.append(b"first\n")
    log.append(b"second\n")
    log.append(b"third\n")

    assert (tmp_path / "engine.log").read_bytes() == b"third\n"
    assert (tmp_path / "engine.log.1").read_bytes() == b"second\n"


def test_the_last_lines_are_the_newest(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "engine.log")
    log.append(b"".join(b"line %d\n" % number for number in range(2000)))

    assert log.last_lines(2) == ["line 1998", "line 1999"]


def test_a_log_is_continued_after_a_restart(tmp_path: Path) -> None:
    ChildLog(tmp_path / "engine.log").append(b"before\n")
    ChildLog(tmp_path / "engine.log").append(b"after\n")

    assert (tmp_path / "engine.log").read_bytes() == b"before\nafter\n"
