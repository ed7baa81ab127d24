"""What others have written shows all of itself on a terminal, and steers none."""

from __future__ import annotations

import pytest

from archwright.cli.printable import printable


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain, ümlaut, 漢字 and 🙂", "plain, ümlaut, 漢字 and 🙂"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2Jcleared", "\N{REPLACEMENT CHARACTER}[2Jcleared"),
        ("over\rwritten\x07", "over\N{REPLACEMENT CHARACTER}written\N{REPLACEMENT CHARACTER}"),
        ("left\u202eto right", "left\N{REPLACEMENT CHARACTER}to right"),
    ],
)
def test_only_what_a_terminal_would_obey_is_replaced(written: str, shown: str) -> None:
    assert printable(written) == shown
