"""A mesh of tiny children as a process of its own, ended in every way there is."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archwright.local.processes import ProcessId, identify

TINY_MESH = Path(__file__).with_name("tiny_mesh.py")
SECONDS_MAX = 20.0


class TinyMesh:
    """One `tiny_mesh.py`, what it has said, and its children."""

    def __init__(self, state: Path, *children: str) -> None:
        self.state = state
        self.process = subprocess.Popen(
            [sys.executable, str(TINY_MESH), str(state), *children],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def hear(self, words: str) -> str:
        """Wait for a line that holds these words."""
        deadline = time.monotonic() + SECONDS_MAX
        while not self.said or words not in self.said[-1]:
            try:
                self.said.append(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                pytest.fail(f"never said {words!r}, but: {self.said}")
        return self.said[-1]

    def child(self, name: str) -> ProcessId:
        """Return the newest process of a child."""
        ready = [json.loads(line) for line in self.log(name) if line.startswith("{")]
        found = identify(ready[-1]["pid"])
        assert found is not None
        return found

    def log(self, name: str) -> list[str]:
        return (self.state / "logs" / f"{name}.log").read_text().splitlines()

    def wait(self) -> int:
        return self.process.wait(SECONDS_MAX)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))


@pytest.fixture
def tiny_mesh(tmp_path: Path) -> Iterator[Callable[..., TinyMesh]]:
    with contextlib.ExitStack() as stack:

        def start(*children: str) -> TinyMesh:
            mesh = TinyMesh(tmp_path / "state", *children)
            stack.callback(mesh.process.wait, SECONDS_MAX)
            stack.callback(mesh.process.kill)
            return mesh

        yield start


def test_ctrl_c_stops_the_children_last_one_first_and_leaves_nothing(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("database", "service")
    mesh.hear("up")
    children = [mesh.child("database"), mesh.child("service")]

    mesh.process.send_signal(signal.SIGINT)

    assert mesh.wait() == 0
    assert not any(child.is_alive() for child in children)
    assert not (mesh.state / "mesh.json").exists()


def test_sigterm_stops_the_mesh_as_ctrl_c_does(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("service")
    mesh.hear("up")
    child = mesh.child("service")

    mesh.process.send_signal(signal.SIGTERM)

    assert mesh.wait() == 0
    assert not child.is_alive()


def test_a_second_ctrl_c_ends_a_child_that_does_not_want_to(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("service:stubborn,deaf")
    mesh.hear("up")
    child = mesh.child("service")
    began = time.monotonic()

    mesh.process.send_signal(signal.SIGINT)
    mesh.hear("Stopping")
    mesh.process.send_signal(signal.SIGINT)

    assert mesh.wait() == 0
    assert time.monotonic() - began < 4  # the child would have been given five seconds
    assert not child.is_alive()


def test_a_child_that_ignores_the_signal_is_killed_when_its_time_is_over(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("service:stubborn,deaf")
    mesh.hear("up")

    mesh.process.send_signal(signal.SIGINT)

    mesh.hear("service did not stop within 5 s and was killed")
    assert mesh.wait() == 0


def test_ctrl_c_while_the_mesh_is_starting_stops_what_has_started(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("database", "service:silent")
    until(lambda: "says hello" in "".join(mesh.log("service")) if (mesh.state / "logs/service.log").exists() else False)
    child = mesh.child("database")

    mesh.process.send_signal(signal.SIGINT)

    assert mesh.wait() == 0
    assert not child.is_alive()


def test_after_the_supervisor_is_killed_no_child_remains(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("attentive", "inattentive:deaf", "stubborn:deaf,stubborn")
    mesh.hear("up")
    children = [mesh.child(name) for name in ("attentive", "inattentive", "stubborn")]

    mesh.process.kill()

    until(lambda: not any(child.is_alive() for child in children))


def test_a_process_that_the_mesh_did_not_start_is_never_touched(tiny_mesh: Callable[..., TinyMesh]) -> None:
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as decoy:
        mesh = tiny_mesh("service")
        mesh.hear("up")
        child = mesh.child("service")

        mesh.process.kill()
        until(lambda: not child.is_alive())

        assert decoy.poll() is None
        decoy.kill()


def test_the_next_mesh_starts_once_the_killed_ones_children_are_gone(tiny_mesh: Callable[..., TinyMesh]) -> None:
    killed = tiny_mesh("service:deaf,stubborn")
    killed.hear("up")
    child = killed.child("service")
    killed.process.kill()
    killed.wait()

    tiny_mesh("service").hear("up")

    assert not child.is_alive()


def test_a_second_mesh_on_the_same_folder_is_refused_by_name(tiny_mesh: Callable[..., TinyMesh]) -> None:
    first = tiny_mesh("service")
    first.hear("up")

    second = tiny_mesh("service")

    second.hear(f"is up on the state folder {first.state} already as process {first.process.pid}")
    assert second.wait() != 0
    assert first.child("service").is_alive()


def test_a_child_that_crashes_is_started_again_on_the_same_port(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("service")
    mesh.hear("up")
    before = mesh.child("service")

    os.kill(before.pid, signal.SIGKILL)

    mesh.hear("service ended with signal SIGKILL; starting it again in")
    mesh.hear("service is up again")
    assert mesh.child("service") != before
    addresses = {json.loads(line)["address"] for line in mesh.log("service") if line.startswith("{")}
    assert len(addresses) == 1


def test_a_child_that_does_not_start_is_named_and_its_last_words_are_shown(tiny_mesh: Callable[..., TinyMesh]) -> None:
    mesh = tiny_mesh("database", "service:broken")

    mesh.hear("service ended with exit code 3 before it was ready. Its last lines:")
    mesh.hear("the disk is full")
    assert mesh.wait() == 1


def until(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not claim():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
