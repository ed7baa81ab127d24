"""Reads dates, quarters, times of day and service around the clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archwright.agents.v1.model_pb2 import Fact
from services.agents.roles.business_analyst import bounds
from services.agents.roles.business_analyst.quantity import Dimension, Reading

_MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATES = (
    re.compile(r"(?<!\w)(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?!\w)"),
    re.compile(r"(?<!\w)(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>20\d\d)(?!\w)"),
    re.compile(
        rf"(?<!\w)(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?P<name>{_MONTH})\.?,? (?P<year>20\d\d)(?!\w)", re.IGNORECASE
    ),
    re.compile(
        rf"(?<!\w)(?P<name>{_MONTH})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>20\d\d)(?!\w)", re.IGNORECASE
    ),
    re.compile(rf"(?<!\w)(?P<name>{_MONTH})\.? (?P<year>20\d\d)(?!\w)", re.IGNORECASE),
    re.compile(r"(?<!\w)(?P<quarter>Q[1-4])[ /-]?(?P<year>20\d\d)(?!\w)", re.IGNORECASE),
    re.compile(r"(?<!\w)(?:the )?(?P<part>end|start|beginning|middle) of (?P<year>20\d\d)(?!\w)", re.IGNORECASE),
    re.compile(
        r"(?<=\bby )(?P<year>20\d\d)(?!\w)|(?<=\bin )(?P<year2>20\d\d)(?!\w)|(?<=\buntil )(?P<year3>20\d\d)(?!\w)"
    ),
)
_TIME_OF_DAY = re.compile(r"(?<![\w.])(?:\d{1,2}(?::\d{2})?\s?[ap]\.?m\b\.?|\d{1,2}:\d{2})(?!\w)", re.IGNORECASE)
_SERVICE_TIME = re.compile(r"(?<!\w)24 ?[x/×] ?7(?: ?[x/×] ?365)?(?!\w)", re.IGNORECASE)  # noqa: RUF001 - as typed


def read(text: str) -> Iterator[Reading]:
    """Yield every date and time of `text`, the most particular forms first."""
    for pattern in _DATES:
        yield from (_date(text, match) for match in pattern.finditer(text))
    for match in _SERVICE_TIME.finditer(text):
        yield Reading(match.start(), match.end(), Dimension.SERVICE_TIME, None, "", "24x7")
    for match in _TIME_OF_DAY.finditer(text):
        yield Reading(match.start(), match.end(), Dimension.TIME_OF_DAY, None, "", match.group().lower())


def _date(text: str, match: re.Match[str]) -> Reading:
    parts = {key: value for key, value in match.groupdict().items() if value}
    plain = parts.get("year") or parts.get("year2") or parts.get("year3") or ""
    if "quarter" in parts:
        plain += "-" + parts["quarter"].upper()
    elif "part" in parts:
        plain += {"end": "-12-31", "middle": "-06-30"}.get(parts["part"].lower(), "-01-01")
    else:
        if "name" in parts:
            month = next(at for at, name in enumerate(_MONTHS, 1) if name.startswith(parts["name"].lower()[:3]))
            plain += f"-{month:02d}"
        elif "month" in parts:
            plain += f"-{int(parts['month']):02d}"
        if "day" in parts:
            plain += f"-{int(parts['day']):02d}"
    start, op = bounds.before(text, match.start())
    return Reading(start, match.end(), Dimension.DATE, None, "", plain, Fact.LE if op == Fact.EQ else op)
