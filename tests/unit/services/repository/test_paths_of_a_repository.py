"""Names that agents choose are refused when a checkout of them could do harm anywhere."""

from __future__ import annotations

import pytest

from services.repository.domain.paths import PathRefused, require_path, require_together


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/etc/passwd", "a//b", "a/", ".", "..", "../x", "a/../b", "a/./b"),
        *(".git", ".git/config", "a/.GIT/hooks/x", "a/.Git", ".git./x", ".git /x", "GIT~1/x", ".g\u200cit/x"),
        *(
            "\uff0egit/config",
            ".\uff47it",
            "a\\b",
            "c:x",
            "a/b:c",
            "a\0b",
            "a\nb",
            "\x1b[2J",
            "\u202egnp.exe",
            "\udc80",
        ),
        *("a ", " a", "a.", "a./b", "x" * 256, "ö" * 128, "/".join(["x" * 100] * 11)),
    ],
    ids=ascii,
)
def test_a_hostile_name_is_refused_and_named(path: str) -> None:
    with pytest.raises(PathRefused, match="path"):
        require_path(path)


@pytest.mark.parametrize(
    "path", ["model.xml", "a/b/c.json", ".gitignore", ".github/x", "Größe (1) & 100%.txt", "模型.xml", "git", "-rf"]
)
def test_an_ordinary_name_is_taken(path: str) -> None:
    require_path(path)


@pytest.mark.parametrize(
    "paths",
    [
        ["a", "A"],
        ["x/a", "X/b"],
        ["straße", "STRASSE"],
        ["\u00e9", "e\u0301"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["A", "a/b"],
    ],
    ids=ascii,
)
def test_names_that_cannot_stand_beside_each_other_are_refused(paths: list[str]) -> None:
    with pytest.raises(PathRefused, match=r"both a file and a folder|differs from"):
        require_together(paths)


def test_names_in_one_folder_stand_beside_each_other() -> None:
    require_together(["a/b", "a/c", "b", "a/d/e", "a.b"])
