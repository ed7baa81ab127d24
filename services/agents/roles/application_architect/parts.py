"""The parts of a system before they are written down: what each is, what it keeps and which requirements it answers.

No part exists without a requirement or a named trigger; `rationale` says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from archwright.agents.v1.application_architect_pb2 import Component
from archwright.agents.v1.model_pb2 import Source
from services.agents.naming import last_plural, slug, title
from services.agents.roles.application_architect.reading import Subject, Use


class Reach(StrEnum):
    """How other parts use a part."""

    REST = "rest"
    EVENT = "event"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Part:
    """A component in the making."""

    key: str
    name: str
    type: Component.Type.ValueType
    responsibility: str
    rationale: str
    rule_id: str
    basis: Source.Basis.ValueType
    reach: Reach = Reach.REST
    subjects: tuple[Subject, ...] = ()
    req_ids: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    """Things that belong to a supporting part when the request names them."""
    external_id: str = ""
    """The system of others that an adapter talks to."""

    @property
    def id(self) -> str:
        """The component's id."""
        return f"CMP-{self.key}"

    @property
    def is_business(self) -> bool:
        """Whether the part was cut out of the business rather than triggered by a need that every system has."""
        return self.rule_id in {"APP-GROUP", "APP-CORE"}


def business_parts(groups: Sequence[Sequence[Subject]], uses: Sequence[Use]) -> tuple[Part, ...]:
    """Return one part for each group of things, named after the thing that most requirements are about."""
    parts = []
    for group in groups:
        ids = {one.id for one in group}
        about = dict.fromkeys(use.req_id for use in uses if use.subject_id in ids)
        # A thing that is only ever mentioned beside others is there because of those requirements.
        req_ids = tuple(about or dict.fromkeys(use.req_id for use in uses if ids & set(use.mentioned)))
        kept = _listed([last_plural(one.name.lower()) for one in group])
        parts.append(
            Part(
                key=slug(last_plural(group[0].name)),
                name=f"{title(group[0].name)} Management",
                type=Component.SERVICE,
                responsibility=f"Keeps {kept} and decides what may happen to them.",
                rationale=_reason(len(req_ids), kept, many=len(group) > 1),
                rule_id="APP-GROUP",
                basis=Source.DERIVED,
                subjects=tuple(group),
                req_ids=req_ids,
            )
        )
    return tuple(parts)


def _reason(requirements: int, kept: str, *, many: bool) -> str:
    asked = "1 requirement is" if requirements == 1 else f"{requirements} requirements are"
    return f"{asked} about {kept}{', which belong together' if many else ''}."


def _listed(names: Sequence[str]) -> str:
    *front, last = names
    return f"{', '.join(front)} and {last}" if front else last


def core_part(subject: str, req_ids: Sequence[str]) -> Part:
    """Return the part that answers requirements which name nothing that could be kept."""
    return Part(
        key="core",
        name="Core Service",
        type=Component.SERVICE,
        responsibility=f"Does what the request asks for without naming what it is done to: {subject}.",
        rationale="These requirements name no thing of the business and no need that another component answers.",
        rule_id="APP-CORE",
        basis=Source.ASSUMED,
        subjects=(Subject("DAT-request-record", "", "Request Record"),),
        req_ids=tuple(req_ids),
    )


def with_requirements(parts: Sequence[Part], more: Mapping[str, Sequence[str]]) -> tuple[Part, ...]:
    """Return `parts` with further requirements by part key, each requirement once and in the order of ids."""
    return tuple(
        replace(part, req_ids=tuple(sorted(dict.fromkeys([*part.req_ids, *more.get(part.key, ())])))) for part in parts
    )
