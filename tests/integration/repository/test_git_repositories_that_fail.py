"""Git repositories that are away, closed, busy or broken: what is said, and what comes of it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dulwich.repo import Repo
from git_server import git, git_server

from services.repository.composing import Form, commit_of
from services.repository.git import ATTEMPTS_MAX, GitRepository
from services.repository.port import RepositoryFailed, RepositoryRefused
from services.repository.remote import Remote

FORM = Form("architecture", b"Archwright <archwright@example.com>")
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILES = {"model.xml": b"<model/>\n"}
BRANCH = "workflows/wf_1"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    found = tmp_path / "models.git"
    Repo.init_bare(str(found), mkdir=True).close()
    return found


def others_commit(place: Path, text: str) -> None:
    """Do as somebody else who pushes to the same branch."""
    with Repo(str(place)) as repo:
        ref = b"refs/heads/" + BRANCH.encode()
        made = commit_of(
            repo.object_store, repo.refs.read_loose_ref(ref), Form("docs", b"Ann <a@b>"), text, {"n": text.encode()}, AT
        )
        for each in made.objects:
            repo.object_store.add_object(each)
        repo.refs[ref] = made.object_id


async def test_a_branch_that_moves_during_the_push_is_fetched_and_committed_upon(place: Path, tmp_path: Path) -> None:
    async with git_server(place, before_push=lambda: others_commit(place, "meanwhile")) as server:
        kept = await GitRepository(Remote(server.url), tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)

    assert git(place, "log", "--format=%s", BRANCH).splitlines() == ["m", "meanwhile"]
    assert git(place, "rev-parse", BRANCH) == kept.commit_id


async def test_more_than_fits_into_one_piece_arrives_whole(place: Path, tmp_path: Path) -> None:
    large = os.urandom(3 << 20)
    async with git_server(place) as server:
        await GitRepository(Remote(server.url), tmp_path / "own", FORM).commit(BRANCH, "m\n", {"large": large}, AT)

    assert git(place, "cat-file", "-s", f"{BRANCH}:architecture/large") == str(3 << 20)
    git(place, "fsck", "--strict")


async def test_a_repository_that_is_not_there_is_named(tmp_path: Path) -> None:
    place = tmp_path / "nowhere.git"
    with pytest.raises(RepositoryRefused, match=r"no git repository at .*nowhere\.git"):
        await GitRepository(Remote(str(place)), tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)


async def test_a_repository_that_its_server_does_not_have_is_named(place: Path, tmp_path: Path) -> None:
    async with git_server(place) as server:
        remote = Remote(server.url.replace("models", "other"))
        with pytest.raises(RepositoryRefused, match=r"no git repository at http://.*other\.git"):
            await GitRepository(remote, tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)


async def test_the_right_password_opens_and_a_wrong_one_is_told_without_showing_it(place: Path, tmp_path: Path) -> None:
    async with git_server(place, password=PASSWORD) as server:
        right = Remote(server.url, "archwright", PASSWORD)
        kept = await GitRepository(right, tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)
        wrong = Remote(server.url, "archwright", "of-mine")
        with pytest.raises(RepositoryRefused, match="does not take our user and password") as raised:
            await GitRepository(wrong, tmp_path / "other", FORM).commit(BRANCH, "m\n", FILES, AT)

    assert kept.is_new
    assert "of-mine" not in str(raised.value)


async def test_one_who_may_only_read_is_told_so(place: Path, tmp_path: Path) -> None:
    async with git_server(place, forbids_writing=True) as server:
        with pytest.raises(RepositoryRefused, match="does not let us do that"):
            await GitRepository(Remote(server.url), tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)


async def test_a_branch_that_is_protected_is_told_with_the_words_of_the_server(place: Path, tmp_path: Path) -> None:
    (place / "hooks" / "update").write_text("#!/bin/sh\nexit 1\n")
    (place / "hooks" / "update").chmod(0o755)
    async with git_server(place) as server:
        repository = GitRepository(Remote(server.url), tmp_path / "own", FORM)
        with pytest.raises(RepositoryRefused, match="refuses the branch workflows/wf_1: hook declined"):
            await repository.commit(BRANCH, "m\n", FILES, AT)

    assert git(place, "branch", "--list") == ""


async def test_a_server_that_is_away_is_tried_later(place: Path, tmp_path: Path) -> None:
    async with git_server(place) as server:
        url = server.url
    with pytest.raises(RepositoryFailed, match="does not answer"):
        await GitRepository(Remote(url), tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)


async def test_a_branch_that_others_never_leave_alone_is_named(place: Path, tmp_path: Path) -> None:
    async with git_server(place) as server:

        def meanwhile() -> None:
            others_commit(place, f"{len(server.asked)}")
            server.before_push = meanwhile

        server.before_push = meanwhile
        with pytest.raises(RepositoryRefused, match="the branch workflows/wf_1: failed to update ref"):
            await GitRepository(Remote(server.url), tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)

    assert git(place, "rev-list", "--count", BRANCH) == str(ATTEMPTS_MAX)


@pytest.mark.parametrize("damage", ["objects", "HEAD", "lock", "nonsense"])
async def test_a_damaged_copy_of_ours_is_made_anew(place: Path, tmp_path: Path, damage: str) -> None:
    own = tmp_path / "own"
    repository = GitRepository(Remote(str(place)), own, FORM)
    first = await repository.commit(BRANCH, "m\n", FILES, AT)
    assert not (await repository.commit(BRANCH, "m\n", FILES, AT)).is_new
    match damage:
        case "objects":
            shutil.rmtree(own / "objects")
            (own / "objects" / "pack").mkdir(parents=True)
        case "HEAD":
            (own / "HEAD").unlink()
        case "lock":
            (own / "refs" / "heads" / f"{BRANCH}.lock").touch()
        case _:
            shutil.rmtree(own)
            own.mkdir()
            (own / "config").write_bytes(b"\0")

    if damage == "lock":
        with pytest.raises(RepositoryFailed, match="is damaged, and fetched anew"):
            await repository.commit(BRANCH, "m\n", FILES, AT)
    again = await repository.commit(BRANCH, "m\n", FILES, AT)

    assert (again.commit_id, again.is_new) == (first.commit_id, False)


async def test_a_folder_that_cannot_be_used_is_named(place: Path, tmp_path: Path) -> None:
    (tmp_path / "own").write_bytes(b"no folder")
    with pytest.raises(RepositoryFailed, match=r"The folder .*own/1 for what is fetched cannot be used"):
        await GitRepository(Remote(str(place)), tmp_path / "own" / "1", FORM).commit(BRANCH, "m\n", FILES, AT)


async def test_what_was_fetched_is_not_fetched_again(place: Path, tmp_path: Path) -> None:
    async with git_server(place) as server:
        repository = GitRepository(Remote(server.url), tmp_path / "own", FORM)
        await repository.commit(BRANCH, "m\n", FILES, AT)
        await repository.commit(BRANCH, "m\n", FILES, AT)
        server.asked.clear()

        await repository.commit(BRANCH, "m\n", FILES, AT)

    assert server.asked
    assert not [asked for asked in server.asked if asked.startswith(f"/{place.name}/git-receive-pack")]


async def test_a_repository_is_reached_by_the_ssh_of_the_machine(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `ssh` in front on the path does on this machine what the real one has done on another."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n'
    )
    (programs / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    remote = Remote(f"ssh://git@models.example.com:2222{place}", key_file=Path("/etc/archwright/key"))

    kept = await GitRepository(remote, tmp_path / "own", FORM).commit(BRANCH, "m\n", FILES, AT)

    assert git(place, "rev-parse", BRANCH) == kept.commit_id
    asked = (tmp_path / "asked").read_text()
    assert "BatchMode=yes" in asked
    assert "-p 2222 -i /etc/archwright/key" in asked
    assert "git@models.example.com" in asked
