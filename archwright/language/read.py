"""A definition's text to a tree, whichever of the two it is written in."""

from __future__ import annotations

import re

from archwright.errors import PayloadTooLarge

from .json_text import read_json
from .model import Place
from .tree import Malformed, Node
from .yaml_text import read_yaml

SIZE_MAX = 1 << 20
"""Of a text, in bytes."""

# What YAML calls printable; JSON needs no other characters either, since it may escape them.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BYTE_ORDER_MARK = "\ufeff"


def read(source: str) -> Node:
    """Return the tree of a text in YAML or JSON.

    Raises Malformed with the place of the first thing that cannot be read, and PayloadTooLarge.
    """
    size = len(source.encode(errors="surrogatepass"))
    if size > SIZE_MAX:
        raise PayloadTooLarge(
            f"The definition has {size:,} bytes; the limit is {SIZE_MAX:,}. Split it into several definitions.",
            facts={"field": "source", "size_bytes": str(size), "limit_bytes": str(SIZE_MAX)},
        )
    text = source.removeprefix(_BYTE_ORDER_MARK)
    if strange := _UNPRINTABLE.search(text):
        before = text[: strange.start()]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise Malformed(place, f"the character U+{ord(strange[0]):04X} may not stand in a text; write it as an escape")
    if not text.lstrip().startswith("{"):
        return read_yaml(text)
    try:
        return read_json(text)
    except Malformed as not_json:
        # What begins with a brace may still be YAML in its flow style.
        try:
            return read_yaml(text)
        except Malformed as not_yaml:
            looks_like_json = text.lstrip()[1:].lstrip().startswith('"')
            raise (not_json if looks_like_json else not_yaml) from None
