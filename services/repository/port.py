"""What a repository of architecture models promises, and how it says that something was not kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archwright.errors import DependencyUnavailable, InvalidArgument


class RepositoryFailed(DependencyUnavailable):
    """The repository did not answer, or others kept changing the branch; time may mend it."""


class RepositoryRefused(InvalidArgument):
    """Nothing will be kept until somebody changes something."""


class BaseMissing(RepositoryRefused):
    """The branch is not there from which those of workflows are to come."""

    def __init__(self, repository: str, base: str) -> None:
        super().__init__(
            f"{repository} has no branch {base!r}, from which others are to come. "
            "Create it, or leave `base` out of the rule."
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A commit that is in the repository."""

    commit_id: str
    is_new: bool
    """Whether it was not there before."""


class ModelRepository(Protocol):
    """A place with branches and tags. Everything raises RepositoryFailed or RepositoryRefused, without secrets."""

    async def commit(self, branch: str, message: str, files: Mapping[str, bytes], at: datetime) -> Kept:
        """Put these files, and no others, into the repository's folder on a branch, which is made when it is not there.

        A commit with this message and time that is on the branch already is returned as it is, whatever came after
        it. The same files, message and time on the same parent are the same commit. Files outside of the folder stay.
        """
        ...

    async def tag(self, name: str, commit_id: str, message: str, at: datetime) -> bool:
        """Name a commit for good, and return whether that is new; a tag that is there is never moved or changed."""
        ...
