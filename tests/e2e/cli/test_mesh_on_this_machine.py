"""`archwright up`, with everything that belongs to it, brought up and down in every way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest

from archwright.local import envoy, programs

Archwright = Callable[..., subprocess.CompletedProcess[str]]


def test_everything_is_up(mesh, archwright: Archwright) -> None:
    shown = archwright("status").stdout

    assert f"{len(programs.ROLES)} online" in shown
    assert all(f"{role}-1" in shown for role in programs.ROLES)


def test_a_second_up_on_the_same_folder_is_refused_and_says_where_the_first_is(mesh, archwright: Archwright) -> None:
    second = archwright("up")

    assert second.returncode == 2
    assert f"already as process {mesh.process.pid}, at {mesh.record().gateway}" in second.stderr


def test_a_port_that_was_asked_for_and_is_taken_is_refused(archwright: Archwright) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused = archwright("up", "--ephemeral", "--gateway-port", str(port))

    assert refused.returncode == 2
    assert f"Port {port} is taken" in refused.stderr


def test_a_crashed_engine_is_started_again_where_it_was(mesh, archwright: Archwright) -> None:
    before, address = mesh.pid_of("services.engine"), mesh.record().engine

    os.kill(before, signal.SIGKILL)
    mesh.hear("engine ended with signal SIGKILL; starting it again")
    mesh.hear("engine is up again")

    assert mesh.pid_of("services.engine") != before
    assert mesh.record().engine == address
    assert archwright("workflows", "list").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_stops_everything_and_leaves_nothing(fresh_mesh, number: signal.Signals) -> None:
    with fresh_mesh("--ephemeral") as mesh:
        mesh.hear("The mesh is up")
        processes = mesh.processes()

        assert mesh.stop(number) == 0

        assert "Everything has stopped." in mesh.printed
        assert "was killed" not in mesh.printed
        assert not [process for process in processes if process.is_alive()]


def test_after_the_supervisor_is_killed_nothing_remains(fresh_mesh, until) -> None:
    with fresh_mesh() as mesh:
        mesh.hear("The mesh is up")
        processes = mesh.processes()

        mesh.stop(signal.SIGKILL)

        until(lambda: not any(process.is_alive() for process in processes), 30)


def test_when_the_usual_port_is_taken_another_one_is_found_and_said(fresh_mesh) -> None:
    with hold_port(envoy.USUAL_PORT), fresh_mesh() as mesh:
        mesh.hear(f"Port {envoy.USUAL_PORT} is taken; the gateway listens on")
        mesh.hear("The mesh is up")

        assert not mesh.record().gateway.endswith(f":{envoy.USUAL_PORT}")
        mesh.stop()


def test_two_meshes_that_start_at_once_have_a_port_each(fresh_mesh) -> None:
    with fresh_mesh() as one, fresh_mesh() as other:
        for mesh in (one, other):
            mesh.hear("The mesh is up")

        assert one.record().gateway != other.record().gateway


def hold_port(port: int) -> AbstractContextManager[object]:
    """Make sure that somebody, at worst we, listens on the port."""
    return socket.create_server((envoy.HOST, port)) if envoy.is_free(port) else nullcontext()
