from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from archwright.local import state

RECORD = state.MeshRecord(
    gateway="https://127.0.0.1:8443",
    engine="127.0.0.1:40001",
    registry="127.0.0.1:40002",
    metrics={"engine": "http://127.0.0.1:40003/metrics"},
    ca_file="/state/certificates/ca.pem",
    token_key_file="/state/keys/token-key.pem",
    enrolment_token_file="/state/keys/enrolment.token",
    token_issuer="archwright-local",
    token_audience="archwright",
    pid=os.getpid(),
)


@pytest.fixture
def place(tmp_path: Path) -> state.StateFolder:
    made = state.StateFolder(tmp_path / "state")
    made.make()
    return made


def test_a_mesh_that_is_up_is_found(place: state.StateFolder) -> None:
    with state.hold(place):
        state.write(place, RECORD)

        assert state.find(place.root) == RECORD


def test_where_no_mesh_was_ever_up_none_is_found(tmp_path: Path) -> None:
    with pytest.raises(state.MeshNotUp, match="archwright up"):
        state.find(tmp_path / "nowhere")


def test_a_record_that_outlived_its_mesh_is_not_believed(place: state.StateFolder) -> None:
    state.write(place, RECORD)

    with pytest.raises(state.MeshNotUp):
        state.find(place.root)


def test_a_second_mesh_on_the_same_folder_is_refused_and_told_where_the_first_is(place: state.StateFolder) -> None:
    with state.hold(place):
        state.write(place, RECORD)

        with pytest.raises(state.StateInUse, match=rf"process {os.getpid()}, at https://127.0.0.1:8443"):
            state.hold(place).__enter__()


def test_a_lock_file_that_was_left_behind_holds_nobody_off(place: state.StateFolder) -> None:
    place.lock.touch()

    with state.hold(place):
        pass


def test_a_mesh_that_is_being_stopped_by_its_reaper_is_waited_for(place: state.StateFolder) -> None:
    with state.hold(place):
        state.write(place, replace(RECORD, pid=2**22 + 1))  # beyond every pid

        with pytest.raises(state.StateInUse):
            state.hold(place, wait_seconds=0.2).__enter__()


def test_the_folders_are_their_owners_alone(place: state.StateFolder) -> None:
    folders = [place.root, *place.root.iterdir()]

    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_the_environment_names_the_folder_when_no_option_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARCHWRIGHT_STATE", str(tmp_path))

    assert state.folder().root == tmp_path
    assert state.folder(Path("/other")).root == Path("/other")
