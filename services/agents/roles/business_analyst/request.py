"""What the client sent, and what kind of request it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment, RequirementsSpec
from archwright.sdk.errors import Permanent
from services.agents.change.given import baseline_of
from services.agents.model.graph import Model
from services.agents.roles.business_analyst import lexicon

_TYPES = {
    "new_architecture": RequirementsSpec.NEW_ARCHITECTURE,
    "modification": RequirementsSpec.MODIFICATION,
    "review": RequirementsSpec.REVIEW,
}
_CHANGES: tuple[tuple[str, ChangeAssessment.ChangeKind.ValueType], ...] = (
    (r"replac\w*|migrat\w*|moderni[sz]\w*", ChangeAssessment.REPLACE),
    (r"decommission\w*|retir\w*|remov\w*|shut\w* down|switch\w* off", ChangeAssessment.REMOVE),
    (r"consolidat\w*|merg\w*", ChangeAssessment.MERGE),
    (r"split\w*", ChangeAssessment.SPLIT),
    (r"integrat\w*|connect\w*", ChangeAssessment.INTEGRATE),
    (r"mov\w*|relocat\w*", ChangeAssessment.MOVE),
    (r"upgrad\w*|extend\w*|enhanc\w*|expand\w*", ChangeAssessment.EXTEND),
    (r"add\w*|introduc\w*", ChangeAssessment.ADD),
)
_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character: JSON can carry it, UTF-8 cannot."""
_WORD = re.compile(r"[^\W\d_]+")
_LANGUAGE_WORDS_MIN = 3


@dataclass(frozen=True, slots=True)
class Request:
    """A client's request, as it came."""

    text: str
    title: str = ""
    request_type: str = ""
    baseline: Model | None = None
    """The model of what exists, where the request came with one."""

    @classmethod
    def from_input(cls, task_input: object) -> Request:
        """Return the request in a step's input; raises `Permanent`, naming what does not fit, as no retry mends it."""
        content = task_input.get("request") if isinstance(task_input, Mapping) else None
        if isinstance(content, str):
            content = {"request": content}
        if not isinstance(content, Mapping) or not isinstance(content.get("request"), str):
            raise Permanent(
                "The input needs `request`, an object whose own `request` is the text to analyse.", code="INPUT_INVALID"
            )
        request_type = content.get("request_type") or ""
        if request_type and request_type not in _TYPES:
            raise Permanent(f"request_type {request_type!r} is none of {', '.join(_TYPES)}.", code="INPUT_INVALID")
        title = content.get("title")
        text = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", content["request"])
        return cls(text, title if isinstance(title, str) else "", request_type, baseline_of(dict(content)))

    @property
    def id(self) -> str:
        """An id that the same text always gets."""
        return f"req-{hashlib.sha256(self.text.encode()).hexdigest()[:12]}"

    @property
    def type(self) -> RequirementsSpec.RequestType.ValueType:
        """What the client calls it; where nothing is said, a change where a model of what exists came with it."""
        otherwise = RequirementsSpec.MODIFICATION if self.baseline else RequirementsSpec.NEW_ARCHITECTURE
        return _TYPES.get(self.request_type, otherwise)


def change_kind(text: str) -> ChangeAssessment.ChangeKind.ValueType:
    """Return what a request for a change wants done, by the first verb that says so."""
    found = [
        (match.start(), kind)
        for pattern, kind in _CHANGES
        if (match := re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE))
    ]
    return min(found, default=(0, ChangeAssessment.EXTEND))[1]


def language(text: str) -> str:
    """Return the language of a text by its little words; `und` where too few of them are known."""
    words = [word.lower() for word in _WORD.findall(text[:20_000])]
    counts = {code: sum(word in known for word in words) for code, known in lexicon.wording().languages.items()}
    best = max(counts, key=lambda code: counts[code])
    if counts[best] < _LANGUAGE_WORDS_MIN and not (counts["en"] and counts["en"] == counts[best]):
        return "und"
    return "en" if counts["en"] == counts[best] else best
