"""Ids as text: what is shown is read back, and nothing else is taken for an id."""

from __future__ import annotations

import pytest

from archwright import ids


def test_an_id_is_read_as_it_was_shown() -> None:
    for value in (ids.new_uuid() for _ in range(200)):
        assert ids.read("task", ids.show("task", value)) == value


@pytest.mark.parametrize("sign", list("_+- \niloU!é٣"))
@pytest.mark.parametrize("place", [0, 13, 25])
def test_a_sign_that_ids_do_not_have_is_refused_by_name(sign: str, place: int) -> None:
    letters = "0" * place + sign + "0" * (25 - place)
    with pytest.raises(ids.MalformedId, match="not a letter of ids"):
        ids.read("task", f"task_{letters}")


def test_an_id_of_another_kind_or_length_or_size_is_refused() -> None:
    shown = ids.show("task", ids.new_uuid())
    for text in (f"wf_{shown[5:]}", shown[:-1], f"{shown}0", "", f"task_{'z' * 26}"):
        with pytest.raises(ids.MalformedId):
            ids.read("task", text)
