"""A git repository, here or elsewhere, written without any git installed.

What was fetched is kept in a folder of our own, so that only what is new is fetched again. It holds nothing that the
repository does not have, and may be removed at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from dulwich.client import GitClient
from dulwich.errors import ChecksumMismatch, MissingCommitError, NotGitRepository, ObjectMissing
from dulwich.file import FileLocked
from dulwich.objects import ObjectID
from dulwich.pack import pack_objects_to_data
from dulwich.refs import Ref
from dulwich.repo import Repo

from archwright.pacing import jittered
from services.repository.composing import Form, Made, commit_of, found, tag_of
from services.repository.port import BaseMissing, Kept, RepositoryFailed, RepositoryRefused
from services.repository.remote import Remote

ATTEMPTS_MAX: Final = 5
PAUSE_SECONDS: Final = 0.1
"""After an attempt that came to nothing; it doubles with each."""


class _Moved(Exception):
    """Somebody else changed the branch meanwhile."""


class GitRepository:
    """A ModelRepository that others may write too."""

    def __init__(self, remote: Remote, own: Path, form: Form, *, base: str | None = None) -> None:
        self._remote = remote
        self._own = own
        self._form = form
        self._base = base
        # A thread goes on when its caller has given up, so the next one must wait for the thread itself.
        self._lock = threading.Lock()

    async def commit(self, branch: str, message: str, files: Mapping[str, bytes], at: datetime) -> Kept:
        """Put these files, and no others, into the repository's folder on a branch."""
        return await asyncio.to_thread(self._commit, branch, message, files, at)

    async def tag(self, name: str, commit_id: str, message: str, at: datetime) -> bool:
        """Name a commit for good, and return whether that is new."""
        return await asyncio.to_thread(self._tag, name, commit_id, message, at)

    def _commit(self, branch: str, message: str, files: Mapping[str, bytes], at: datetime) -> Kept:
        ref = _branch(branch)
        wanted = [ref, _branch(self._base)] if self._base else [ref]
        with self._lock, self._opened() as own, self._remote.reached() as (client, path):
            for told in self._attempts(f"the branch {branch}"):
                tips = self._fetch(client, path, own, wanted)
                tip = tips.get(ref)
                if tip is not None and (there := found(own.object_store, tip, message, at)):
                    return Kept(there.decode(), is_new=False)
                parent = tip or tips.get(wanted[-1])
                if parent is None and self._base:
                    raise BaseMissing(self._remote.url, self._base)
                made = commit_of(own.object_store, parent, self._form, message, files, at)
                if _push(client, path, ref, tip, made, told):
                    return Kept(made.object_id.decode(), is_new=True)
        raise AssertionError("attempts end by raising")

    def _tag(self, name: str, commit_id: str, message: str, at: datetime) -> bool:
        ref, made = Ref(b"refs/tags/" + name.encode()), tag_of(commit_id, self._form, name, message, at)
        with self._lock, self._remote.reached() as (client, path):
            for told in self._attempts(f"the tag {name}"):
                if ref in client.get_refs(path.encode()).refs:
                    return False
                if _push(client, path, ref, None, made, told):
                    return True
        raise AssertionError("attempts end by raising")

    def _attempts(self, what: str) -> Iterator[list[str]]:
        """Yield a list for each attempt, which takes what the other side says against it; raise when all failed."""
        told: list[str] = []
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                time.sleep(jittered(PAUSE_SECONDS * 2.0**attempt))
            told.clear()
            yield told
        if told:
            raise RepositoryRefused(f"{self._remote.url} refuses {what}: {told[0]}.")
        raise RepositoryFailed(f"Others keep changing {what} of {self._remote.url}.")

    def _fetch(self, client: GitClient, path: str, own: Repo, wanted: Sequence[Ref]) -> Mapping[Ref, ObjectID]:
        tips: dict[Ref, ObjectID] = {}

        def missing(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            tips.update((ref, refs[ref]) for ref in wanted if ref in refs)
            return [tip for tip in tips.values() if tip not in own.object_store]

        client.fetch(path.encode(), own, determine_wants=missing)
        for ref, tip in tips.items():
            own.refs[ref] = tip  # so that the next fetch says what we have
        return tips

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Repo]:
        try:
            repo = self._open()
        except OSError as error:
            raise RepositoryFailed(f"The folder {self._own} for what is fetched cannot be used: {error}.") from error
        try:
            with repo:
                yield repo
        except (KeyError, ObjectMissing, MissingCommitError, ChecksumMismatch, FileLocked) as error:
            # Whoever died while writing it left it so. Everything in it can be fetched again.
            shutil.rmtree(self._own, ignore_errors=True)
            raise RepositoryFailed(f"What was fetched from {self._remote.url} is damaged, and fetched anew.") from error

    def _open(self) -> Repo:
        with contextlib.suppress(NotGitRepository):
            return Repo(str(self._own))
        begun = self._own.with_name(self._own.name + ".new")
        for left in (self._own, begun):
            shutil.rmtree(left, ignore_errors=True)
        begun.parent.mkdir(parents=True, exist_ok=True)
        Repo.init_bare(str(begun), mkdir=True).close()
        begun.rename(self._own)
        return Repo(str(self._own))


def _branch(name: str) -> Ref:
    return Ref(b"refs/heads/" + name.encode())


def _push(client: GitClient, path: str, ref: Ref, tip: ObjectID | None, made: Made, told: list[str]) -> bool:
    """Let `ref`, which is at `tip`, name what was made; return whether it does, and tell what was said against it."""

    def update(refs: dict[Ref, ObjectID]) -> dict[Ref, ObjectID]:
        if refs.get(ref) != tip:
            raise _Moved
        return {ref: made.object_id}

    def pack(*_: Any, **__: Any) -> Any:
        # Upon a parent that the other side has, nothing but what was made is new.
        return pack_objects_to_data(made.objects, deltify=False)

    try:
        answer = client.send_pack(path.encode(), update, pack)
    except (_Moved, FileLocked):  # the second where the repository is on this machine
        return False
    if problem := (answer.ref_status or {}).get(ref):
        told.append(problem)
        return False
    return True
