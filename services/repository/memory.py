"""A repository in memory, which makes the very objects that a real one would hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dulwich.object_store import MemoryObjectStore
from dulwich.objects import ObjectID

from services.repository.composing import Form, Made, commit_of, found, tag_of
from services.repository.port import BaseMissing, Kept


class MemoryRepository:
    """The ModelRepository of one process."""

    def __init__(self, form: Form, *, base: str | None = None) -> None:
        self._form = form
        self.base = base
        self.objects = MemoryObjectStore()
        self.branches: dict[str, ObjectID] = {}
        self.tags: dict[str, ObjectID] = {}

    async def commit(self, branch: str, message: str, files: Mapping[str, bytes], at: datetime) -> Kept:
        """Put these files, and no others, into the repository's folder on a branch."""
        tip = self.branches.get(branch)
        if tip is not None and (there := found(self.objects, tip, message, at)):
            return Kept(there.decode(), is_new=False)
        parent = tip or self.branches.get(self.base or "")
        if parent is None and self.base:
            raise BaseMissing("The memory", self.base)
        made = commit_of(self.objects, parent, self._form, message, files, at)
        self.branches[branch] = self.hold(made)
        return Kept(made.object_id.decode(), is_new=True)

    async def tag(self, name: str, commit_id: str, message: str, at: datetime) -> bool:
        """Name a commit for good, and return whether that is new."""
        if name in self.tags:
            return False
        self.tags[name] = self.hold(tag_of(commit_id, self._form, name, message, at))
        return True

    def hold(self, made: Made) -> ObjectID:
        """Take objects in, and return the id of the one that others name."""
        for each in made.objects:
            self.objects.add_object(each)
        return made.object_id
