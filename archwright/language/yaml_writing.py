"""JSON as YAML that this language reads as the same JSON.

YAML's own rules and ours differ on what is a number, and aliases are refused here; both are seen to.
"""

from __future__ import annotations

from typing import Any

import yaml

from .model import Json
from .yaml_text import is_plain_text

_LINE_WIDTH = 110

# YAML takes these for line breaks, and would change them on the way.
_ODD_BREAKS = frozenset("\r\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Write what comes twice twice."""
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if not is_plain_text(text) or not _ODD_BREAKS.isdisjoint(text):
        style = '"'
    elif "\n" in text:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)


def write_yaml(value: Json) -> str:
    """Return a JSON value as YAML, in the order that it is in."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_LINE_WIDTH)
