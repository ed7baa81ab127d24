"""What every repository of models does: on disk, over HTTP, and in memory. What came out is read with git itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dulwich.repo import Repo
from git_server import GitServer, git, git_server

from services.repository.composing import Form, commit_of
from services.repository.git import GitRepository
from services.repository.memory import MemoryRepository
from services.repository.port import ModelRepository, RepositoryRefused
from services.repository.remote import Remote

FORM = Form("models/current", b"Archwright <archwright@example.com>")
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILES = {"model.xml": b"<model/>\n", "deliverables/Gr\u00f6\u00dfe (1).json": b"{}", "empty": b""}
BRANCH = "workflows/wf_1"


class World:
    """A repository, what is to be tested on it, and others who use it too."""

    def __init__(self, kind: str, folder: Path, server: GitServer | None) -> None:
        self.kind = kind
        self.place = folder / "models.git"
        self._own = folder / "own"
        Repo.init_bare(str(self.place), mkdir=True, default_branch=b"main").close()
        self._url = server.url if server is not None else str(self.place)
        self._memory = MemoryRepository(FORM)

    def repository(self, *, replica: int = 1, base: str | None = None) -> ModelRepository:
        if self.kind == "memory":
            self._memory.base = base
            return self._memory
        return GitRepository(Remote(self._url), self._own / str(replica), FORM, base=base)

    def others_commit(self, branch: str, files: Mapping[str, bytes]) -> None:
        """Commit as a person does, upon what is there."""
        form = Form("docs", b"Ann <ann@example.com>")
        if self.kind == "memory":
            there = self._memory
            parent = there.branches.get(branch)
            made = commit_of(there.objects, parent, form, "by hand\n", files, datetime(2026, 11, 24, tzinfo=UTC))
            there.branches[branch] = there.hold(made)
            return
        with Repo(str(self.place)) as repo:
            ref = b"refs/heads/" + branch.encode()
            tip = repo.refs.read_loose_ref(ref)
            made = commit_of(repo.object_store, tip, form, "by hand\n", files, datetime(2026, 11, 24, tzinfo=UTC))
            for each in made.objects:
                repo.object_store.add_object(each)
            repo.refs[ref] = made.object_id

    def git(self, *words: str) -> str:
        """Ask git about what is there."""
        if self.kind == "memory":
            with Repo(str(self.place)) as repo:
                for object_id in self._memory.objects:
                    repo.object_store.add_object(self._memory.objects[object_id])
                for name, tip in self._memory.branches.items():
                    repo.refs[b"refs/heads/" + name.encode()] = tip
                for name, tip in self._memory.tags.items():
                    repo.refs[b"refs/tags/" + name.encode()] = tip
        return git(self.place, *words)


@pytest.fixture(params=["memory", "disk", "http"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param != "http":
        yield World(request.param, tmp_path, None)
        return
    async with git_server(tmp_path / "models.git") as server:
        yield World("http", tmp_path, server)


async def test_files_are_on_a_branch_of_their_own(world: World) -> None:
    kept = await world.repository().commit(BRANCH, "what and why\n", FILES, AT)

    assert kept.is_new
    assert world.git("rev-parse", BRANCH) == kept.commit_id
    assert world.git("ls-tree", "-r", "-z", "--name-only", BRANCH).split("\0")[:-1] == [
        f"models/current/{name}" for name in sorted(FILES)
    ]
    assert world.git("show", f"{BRANCH}:models/current/model.xml") == "<model/>"
    assert world.git("log", "-1", "--format=%an <%ae> %at %ct %s", BRANCH) == (
        f"Archwright <archwright@example.com> {int(AT.timestamp())} {int(AT.timestamp())} what and why"
    )
    assert world.git("fsck", "--strict") in {"", "notice: HEAD points to an unborn branch (main)"}


async def test_the_same_a_second_time_is_no_second_commit(world: World) -> None:
    first = await world.repository().commit(BRANCH, "m\n", FILES, AT)
    second = await world.repository(replica=2).commit(BRANCH, "m\n", FILES, AT)

    assert (second.commit_id, second.is_new) == (first.commit_id, False)
    assert world.git("rev-list", "--count", BRANCH) == "1"


async def test_what_people_commit_after_it_stays(world: World) -> None:
    first = await world.repository().commit(BRANCH, "m\n", FILES, AT)
    world.others_commit(BRANCH, {"notes.md": b"mine"})

    again = await world.repository().commit(BRANCH, "m\n", FILES, AT)

    assert (again.commit_id, again.is_new) == (first.commit_id, False)
    assert world.git("log", "-1", "--format=%s", BRANCH) == "by hand"


async def test_a_commit_upon_what_others_began_keeps_their_files(world: World) -> None:
    world.others_commit(BRANCH, {"notes.md": b"mine"})

    await world.repository().commit(BRANCH, "m\n", FILES, AT)

    assert world.git("rev-list", "--count", BRANCH) == "2"
    assert world.git("show", f"{BRANCH}:docs/notes.md") == "mine"
    assert world.git("show", f"{BRANCH}:models/current/model.xml") == "<model/>"


async def test_the_folder_holds_these_files_and_no_others(world: World) -> None:
    await world.repository().commit(BRANCH, "one\n", {"old.xml": b"old"}, AT)
    await world.repository().commit(BRANCH, "two\n", {"new.xml": b"new"}, AT)

    assert world.git("ls-tree", "-r", "--name-only", BRANCH) == "models/current/new.xml"


async def test_branches_come_from_the_base(world: World) -> None:
    world.others_commit("main", {"guide.md": b"read me"})

    await world.repository(base="main").commit(BRANCH, "m\n", FILES, AT)

    assert world.git("rev-parse", f"{BRANCH}^") == world.git("rev-parse", "main")
    assert world.git("show", f"{BRANCH}:docs/guide.md") == "read me"


async def test_a_base_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(RepositoryRefused, match="no branch 'main'"):
        await world.repository(base="main").commit(BRANCH, "m\n", FILES, AT)


async def test_a_tag_says_what_it_names_and_stays(world: World) -> None:
    repository = world.repository()
    kept = await repository.commit(BRANCH, "m\n", FILES, AT)

    assert await repository.tag("approved/wf_1", kept.commit_id, "by ann\n", AT)
    world.others_commit(BRANCH, {"notes.md": b"mine"})
    assert not await repository.tag("approved/wf_1", kept.commit_id, "by bob\n", AT)

    assert world.git("cat-file", "-t", "approved/wf_1") == "tag"
    assert world.git("rev-parse", "approved/wf_1^{commit}") == kept.commit_id
    assert world.git("for-each-ref", "--format=%(contents:subject)", "refs/tags") == "by ann"


async def test_two_at_once_make_one_commit_and_one_tag(world: World) -> None:
    here, there = world.repository(replica=1), world.repository(replica=2)
    kept = await asyncio.gather(*(each.commit(BRANCH, "m\n", FILES, AT) for each in (here, there, here, there)))
    told = await asyncio.gather(*(each.tag("approved/wf_1", kept[0].commit_id, "t\n", AT) for each in (here, there)))

    assert len({each.commit_id for each in kept}) == 1
    assert world.git("rev-list", "--count", BRANCH) == "1"
    assert any(told)
    assert world.git("tag", "--list") == "approved/wf_1"


async def test_branches_of_many_workflows_stand_beside_each_other(world: World) -> None:
    here, there = world.repository(replica=1), world.repository(replica=2)
    await asyncio.gather(
        *(
            (here, there)[number % 2].commit(f"workflows/wf_{number}", f"{number}\n", {"n": b"%d" % number}, AT)
            for number in range(8)
        )
    )

    assert [world.git("show", f"workflows/wf_{number}:models/current/n") for number in range(8)] == list("01234567")
