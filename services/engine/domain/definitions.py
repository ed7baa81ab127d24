"""Versions of definitions, and the channels that point at them.

Where a version is asked for, three things may be said: a version, a channel, or `latest`, which is also what nothing
means. A version begins with a digit and a channel with a letter, so that no word can be both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from archwright.errors import (
    DefinitionDeprecated,
    DefinitionNotFound,
    DefinitionVersionTaken,
    LimitReached,
    RequestInvalid,
    Violation,
)
from archwright.language.versions import Version

LATEST: Final = "latest"
"""The channel that nobody moves: the highest version that is neither a pre-release nor deprecated."""

CHANNELS_MAX: Final = 50
"""Of one definition."""

_CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TOLD_MAX = 10


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Why new workflows should not follow a version."""

    at: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class DefinitionVersion:
    """A version of a definition, without what it says. `channels` are told where versions are listed."""

    name: str
    version: str
    content_hash: str
    created_at: datetime
    created_by: str
    built_in: bool
    deprecation: Deprecation | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A word that points at a version; `latest` was pointed there by nobody."""

    definition: str
    name: str
    version: str
    updated_at: datetime | None = None
    updated_by: str = ""


def require_version(text: str) -> None:
    """Raise RequestInvalid unless a text is a version itself."""
    if not _is_version(text):
        said = f"version is {text[:80]!r}; it must be a version itself, such as '1.2.0', and no channel."
        raise RequestInvalid(said, violations=[Violation("version", said)], facts={"field": "version"})


def require_channel(name: str) -> None:
    """Raise RequestInvalid unless somebody may have a channel of this name."""
    if name == LATEST:
        said = "The channel 'latest' is reserved: it follows the highest version by itself. Choose another name."
    elif not _CHANNEL.fullmatch(name):
        said = (
            f"channel is {name[:80]!r}; it takes lower-case letters, digits, _ and -, a letter first, at most 64, "
            "such as 'stable'."
        )
    else:
        return
    raise RequestInvalid(said, violations=[Violation("channel", said)], facts={"field": "channel"})


def highest_first(versions: Iterable[DefinitionVersion]) -> list[DefinitionVersion]:
    """Return versions in the order of semantic versioning; those that differ by build metadata only, by their text."""
    return sorted(versions, key=_precedence, reverse=True)


def latest_of(versions: Iterable[DefinitionVersion]) -> DefinitionVersion | None:
    """Return what the channel `latest` points at among the versions of one definition."""
    return max((each for each in versions if _may_be_latest(each)), key=_precedence, default=None)


def shown_of(versions: Sequence[DefinitionVersion]) -> DefinitionVersion:
    """Return which of its versions a definition is listed by: the latest, or else the highest."""
    return latest_of(versions) or max(versions, key=_precedence)


def with_latest(channels: Iterable[Channel], versions: Sequence[DefinitionVersion]) -> list[Channel]:
    """Return channels by name, with `latest` where the versions have one."""
    latest = latest_of(versions)
    first = [] if latest is None else [Channel(latest.name, LATEST, latest.version)]
    return sorted([*first, *channels], key=lambda channel: channel.name)


def pointed_at(versions: Iterable[DefinitionVersion], channels: Iterable[Channel]) -> list[DefinitionVersion]:
    """Return versions, the highest first, each with the channels that point at it."""
    names: dict[str, list[str]] = {}
    for channel in channels:
        names.setdefault(channel.version, []).append(channel.name)
    return [replace(each, channels=tuple(names.get(each.version, ()))) for each in highest_first(versions)]


def require_room(name: str, channels: Iterable[Channel], wanted: str) -> None:
    """Raise LimitReached when a definition may not have one more channel."""
    names = {channel.name for channel in channels}
    if wanted not in names and len(names) >= CHANNELS_MAX:
        raise LimitReached(
            f"Definition {name!r} has {CHANNELS_MAX} channels, which is as many as it may have. Delete one first: "
            f"`archwright definitions channel list {name}` shows them.",
            facts={"definition_name": name, "limit": str(CHANNELS_MAX)},
        )


def require_startable(which: DefinitionVersion) -> None:
    """Raise DefinitionDeprecated when new workflows should not follow a version."""
    if which.deprecation is not None:
        raise DefinitionDeprecated.named(which.name, which.version, which.deprecation.note)


def version_taken(which: DefinitionVersion) -> DefinitionVersionTaken:
    """Return the refusal of other content under a version that is published."""
    return DefinitionVersionTaken(
        f"Version {which.version} of {which.name!r} is published with other content. "
        "A published version never changes: give this one a new version.",
        facts={"definition_name": which.name, "definition_version": which.version},
    )


def not_found(
    name: str, wanted: str, versions: Sequence[DefinitionVersion], channels: Iterable[Channel], known: Sequence[str]
) -> DefinitionNotFound:
    """Return the refusal that names what was asked for, and what of it there is."""
    if not versions:
        return DefinitionNotFound.named(name, wanted if _is_version(wanted) else "", known=known)
    facts = {"definition_name": name, "definition_version": wanted}
    there = ", ".join(_told(each) for each in highest_first(versions)[:_TOLD_MAX])
    more = f" and {len(versions) - _TOLD_MAX} more" if len(versions) > _TOLD_MAX else ""
    if wanted in ("", LATEST):
        said = (
            f"Definition {name!r} has no version that could be the latest one, since pre-releases and deprecated "
            f"versions are passed over. Name one of these: {there}{more}."
        )
    elif _is_version(wanted):
        said = f"There is no definition {name!r}, version {wanted[:80]!r}. There are: {there}{more}."
    else:
        named = ", ".join(sorted({LATEST, *(each.name for each in channels)}))
        said = f"Definition {name!r} has no channel {wanted[:80]!r}. There are: {named}; and versions: {there}{more}."
    return DefinitionNotFound(f"{said} `archwright definitions versions {name}` shows them all.", facts=facts)


def _is_version(text: str) -> bool:
    return text[:1].isdecimal()


def _may_be_latest(each: DefinitionVersion) -> bool:
    return each.deprecation is None and "-" not in each.version.partition("+")[0]


def _precedence(each: DefinitionVersion) -> tuple[Version, str]:
    version = Version.read(each.version)
    assert version is not None  # what is published was read as one
    return version, each.version


def _told(each: DefinitionVersion) -> str:
    return f"{each.version} (deprecated)" if each.deprecation is not None else each.version
