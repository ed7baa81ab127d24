"""Ranges of semantic versions, as a step asks for a capability.

Written here because it is a page: the libraries for it are for package managers, and carry their rules. What is left
out of a version counts as zero (`1.2` is `1.2.0`); versions before a release are in a range only if it names one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

_NUMBER = r"(0|[1-9][0-9]{0,8})"
_VERSION = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_COMPARISON = re.compile(r"(\^|~|>=|<=|>|<|=)?(.+)")
_AFTER_OPERATOR = re.compile(r"(\^|~|>=|<=|>|<|=)\s+")

_Release: TypeAlias = tuple[int, int, int]
_Prerelease: TypeAlias = tuple[tuple[bool, int, str], ...]

RANGE_EXAMPLE = "^1.2, ~1.2, >=1.0 <2 or 1.2.3"


class RangeInvalid(ValueError):
    """A text is no range of versions."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version, in the order of precedence: a release comes after the versions before it."""

    release: _Release
    is_release: bool
    prerelease: _Prerelease = ()

    @classmethod
    def read(cls, text: str) -> Version | None:
        """Return the version that a text is, or None when it is none."""
        found = _VERSION.fullmatch(text)
        if found is None:
            return None
        major, minor, patch, before = found.groups()
        parts = tuple(_identifier(part) for part in before.split(".")) if before else ()
        return cls((int(major), int(minor or 0), int(patch or 0)), not before, parts)


@dataclass(frozen=True, slots=True)
class Range:
    """Versions for which all comparisons with the bounds hold."""

    text: str
    bounds: tuple[tuple[str, Version], ...]

    @classmethod
    def read(cls, text: str) -> Range:
        """Return the range that a text is: `^1.2`, `~1.2`, `1.2.3`, or comparisons that must all hold.

        Raises RangeInvalid.
        """
        return _read(text)

    def holds(self, version: Version) -> bool:
        """Return whether a version is in the range."""
        if not version.is_release and all(
            bound.is_release or bound.release != version.release for _, bound in self.bounds
        ):
            return False
        return all(_compare(operator, version, bound) for operator, bound in self.bounds)


@lru_cache(maxsize=1024)
def _read(text: str) -> Range:
    bounds: list[tuple[str, Version]] = []
    words = _AFTER_OPERATOR.sub(r"\1", text.replace(",", " ")).split()
    if not words:
        raise RangeInvalid(f"a range of versions is expected, such as {RANGE_EXAMPLE}")
    for word in words:
        found = _COMPARISON.fullmatch(word)
        assert found is not None  # an operator that may be missing, and anything at all
        operator, rest = found.groups()
        version = Version.read(rest)
        if version is None:
            raise RangeInvalid(f"{word!r} is no range of versions, such as {RANGE_EXAMPLE}")
        match operator:
            case "^":
                bounds += [(">=", version), ("<", _after_caret(version, rest))]
            case "~":
                bounds += [(">=", version), ("<", _after_tilde(version, rest))]
            case _:
                bounds.append((operator or "=", version))
    return Range(text, tuple(bounds))


def _compare(operator: str, version: Version, bound: Version) -> bool:
    match operator:
        case ">=":
            return version >= bound
        case "<=":
            return version <= bound
        case ">":
            return version > bound
        case "<":
            # A version before a release is of that release, so it is not below it.
            return version < bound and not (bound.is_release and version.release == bound.release)
        case _:
            return version == bound


def _after_caret(version: Version, text: str) -> Version:
    """Return the first version that may break what this one promises: the left-most number that is not 0 counts."""
    major, minor, patch = version.release
    said = re.split(r"[-+]", text)[0].count(".") + 1
    if major or said == 1:
        return Version((major + 1, 0, 0), is_release=True)
    if minor or said == 2:
        return Version((0, minor + 1, 0), is_release=True)
    return Version((0, 0, patch + 1), is_release=True)


def _after_tilde(version: Version, text: str) -> Version:
    """Return the next minor version, or the next major one when no minor one is said."""
    major, minor, _ = version.release
    if "." in re.split(r"[-+]", text)[0]:
        return Version((major, minor + 1, 0), is_release=True)
    return Version((major + 1, 0, 0), is_release=True)


def _identifier(part: str) -> tuple[bool, int, str]:
    """Return a part of a pre-release so that numbers come before words, and numbers in their order."""
    return (False, int(part), "") if part.isdecimal() else (True, 0, part)
