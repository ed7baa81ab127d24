from __future__ import annotations

import pytest

from archwright.cli.lengths import length_of, seconds_of
from archwright.cli.show import duration
from archwright.errors import RequestInvalid


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("8h", 28_800), ("30d", 2_592_000)])
def test_lengths_of_time_are_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "15", "m", "1.5h", "-3m", "15 m", "4w"])
def test_what_is_no_length_of_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(RequestInvalid, match="90s, 15m, 8h or 30d"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (59.94, "59.9 s"), (125, "2 min 05 s"), (3720, "1 h 02 min")]
)
def test_lengths_of_time_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("text", ["90s", "15m", "8h", "7d", "25h"])
def test_a_length_is_read_as_it_was_typed(text: str) -> None:
    assert length_of(seconds_of(text)) == text


def test_a_length_is_told_in_the_largest_unit_that_fits() -> None:
    assert (length_of(7200), length_of(172_800), length_of(61)) == ("2h", "2d", "61s")
