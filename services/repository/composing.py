"""Makes git's objects of files: the same files, message, time and parent always make the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dulwich.index import commit_tree
from dulwich.object_store import BaseObjectStore, MemoryObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.walk import Walker

_FILE: Final = 0o100644
_FOLDER: Final = 0o040000


@dataclass(frozen=True, slots=True)
class Form:
    """What all commits to one repository have in common."""

    folder: str
    author: bytes
    """Such as `Ann <ann@example.com>`."""


@dataclass(frozen=True, slots=True)
class Made:
    """An object that is new, and all that must be sent with it."""

    object_id: ObjectID
    objects: Sequence[ShaFile]


def found(there: BaseObjectStore, tip: ObjectID, message: str, at: datetime) -> ObjectID | None:
    """Return the commit with this message and time among those that `tip` comes from."""
    seconds = int(at.timestamp())
    for entry in Walker(there, [tip], since=seconds):
        if entry.commit.commit_time == seconds and entry.commit.message == message.encode():
            return entry.commit.id
    return None


def commit_of(
    there: BaseObjectStore, parent: ObjectID | None, form: Form, message: str, files: Mapping[str, bytes], at: datetime
) -> Made:
    """Return a commit upon `parent` in whose folder these files are, and nothing else."""
    made = MemoryObjectStore()
    blobs = {path: Blob.from_string(content) for path, content in files.items()}
    for blob in blobs.values():
        made.add_object(blob)
    planted = commit_tree(made, [(path.encode(), blob.id, _FILE) for path, blob in blobs.items()])
    root = _tree_of(there, parent)
    commit = Commit()
    commit.tree = _plant(there, made, root, [name.encode() for name in form.folder.split("/")], planted)
    commit.parents = [] if parent is None else [parent]
    commit.author = commit.committer = form.author
    commit.author_time = commit.commit_time = int(at.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = message.encode()
    made.add_object(commit)
    return Made(commit.id, [made[object_id] for object_id in sorted(made)])


def tag_of(commit_id: str, form: Form, name: str, message: str, at: datetime) -> Made:
    """Return an annotated tag of a commit."""
    tag = Tag()
    tag.name = name.encode()
    tag.object = (Commit, ObjectID(commit_id.encode()))
    tag.tagger = form.author
    tag.tag_time, tag.tag_timezone = int(at.timestamp()), 0
    tag.message = message.encode()
    return Made(tag.id, [tag])


def _tree_of(there: BaseObjectStore, commit_id: ObjectID | None) -> Tree:
    if commit_id is None:
        return Tree()
    commit = there[commit_id]
    assert isinstance(commit, Commit)
    return _folder(there, commit.tree)


def _folder(there: BaseObjectStore, tree_id: ObjectID) -> Tree:
    tree = there[tree_id].copy()
    assert isinstance(tree, Tree)
    return tree


def _plant(
    there: BaseObjectStore, made: MemoryObjectStore, tree: Tree, names: Sequence[bytes], planted: ObjectID
) -> ObjectID:
    first, *rest = names
    if rest:
        below = _folder(there, tree[first][1]) if first in tree and tree[first][0] == _FOLDER else Tree()
        planted = _plant(there, made, below, rest, planted)
    tree.add(first, _FOLDER, planted)
    made.add_object(tree)
    return tree.id
