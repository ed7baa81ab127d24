"""What an agent may say of itself when it registers. Everything that is wrong is named at once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from archwright.errors import RequestInvalid, Violation
from archwright.language.model import Json
from archwright.language.schema import SchemaInvalid, validator
from archwright.language.versions import Version
from services.registry.domain.agent import CapabilityDetail

CAPABILITIES_MAX: Final = 64
LABELS_MAX: Final = 32
TASKS_MAX: Final = 1000
URL_LENGTH_MAX: Final = 2048
VERSION_LENGTH_MAX: Final = 32
SCHEMA_LENGTH_MAX: Final = 64 << 10

# No slash: `<tenant>/<agent_id>` must have one meaning.
AGENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
AGENT_TYPE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
CAPABILITY_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_LABEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}")
_LABEL_VALUE_LENGTH_MAX = 255
_SCHEMES = ("http", "https", "grpc", "grpcs")


@dataclass(frozen=True, slots=True)
class Registration:
    """A well-formed wish to be registered."""

    tenant: str
    agent_id: str
    agent_type: str
    capabilities: tuple[str, ...]
    max_concurrent_tasks: int
    health_check_url: str
    labels: Mapping[str, str]
    capability_details: tuple[CapabilityDetail, ...] = ()

    def __post_init__(self) -> None:
        """Raise RequestInvalid with every field that is wrong."""
        violations = tuple(_violations(self))
        if violations:
            wrong = "; ".join(f"{violation.field} {violation.description}" for violation in violations)
            raise RequestInvalid(f"The registration is refused: {wrong}.", violations=violations)


def _violations(registration: Registration) -> Iterator[Violation]:
    if not AGENT_ID.fullmatch(registration.agent_id):
        yield Violation("agent_id", "must be 1 to 128 letters, digits, dots, dashes or underscores")
    if not AGENT_TYPE.fullmatch(registration.agent_type):
        yield Violation("agent_type", "is required and must be of the form [a-z][a-z0-9_]*, at most 64 characters")
    if not 1 <= registration.max_concurrent_tasks <= TASKS_MAX:
        yield Violation("max_concurrent_tasks", f"must be 1 to {TASKS_MAX}")
    if not _is_health_check_url(registration.health_check_url):
        yield Violation("health_check_url", "must be an http, https, grpc or grpcs URL with a host, or empty")
    yield from _capability_violations(registration.capabilities)
    yield from _detail_violations(registration)
    yield from label_violations(registration.labels)


def _capability_violations(capabilities: tuple[str, ...]) -> Iterator[Violation]:
    if len(capabilities) > CAPABILITIES_MAX:
        yield Violation("capabilities", f"must be at most {CAPABILITIES_MAX}, not {len(capabilities)}")
    for position, capability in enumerate(capabilities[:CAPABILITIES_MAX]):
        name, separator, version = capability.partition("@")
        if not CAPABILITY_NAME.fullmatch(name):
            yield Violation(f"capabilities[{position}]", f"is {capability[:80]!r}, not `name` or `name@version`")
        elif separator and (len(version) > VERSION_LENGTH_MAX or Version.read(version) is None):
            yield Violation(
                f"capabilities[{position}]",
                f"is {capability[:80]!r}; its version must be a semantic one such as 1.4.0, of at most "
                f"{VERSION_LENGTH_MAX} characters, because steps ask for ranges of them",
            )


def _detail_violations(registration: Registration) -> Iterator[Violation]:
    described: set[str] = set()
    for position, detail in enumerate(registration.capability_details):
        place = f"capability_details[{position}]"
        if detail.capability not in registration.capabilities:
            yield Violation(f"{place}.capability", f"is {detail.capability[:80]!r}, which `capabilities` does not name")
        if detail.capability in described:
            yield Violation(f"{place}.capability", f"is {detail.capability[:80]!r} a second time")
        described.add(detail.capability)
        for name, schema in (("input_schema", detail.input_schema), ("output_schema", detail.output_schema)):
            if len(json.dumps(schema)) > SCHEMA_LENGTH_MAX:
                yield Violation(f"{place}.{name}", f"is longer than {SCHEMA_LENGTH_MAX:,} characters of JSON")
                continue
            if _holds_nul(schema):
                yield Violation(f"{place}.{name}", "holds a NUL character, which the database cannot keep")
                continue
            try:
                validator(dict(schema))
            except SchemaInvalid as invalid:
                yield Violation(f"{place}.{name}", f"is no JSON Schema: {invalid}")
        yield from label_violations(detail.labels, f"{place}.labels")


def _holds_nul(value: Json) -> bool:
    match value:
        case str():
            return "\x00" in value
        case dict():
            return any(_holds_nul(name) or _holds_nul(each) for name, each in value.items())
        case list():
            return any(map(_holds_nul, value))
        case _:
            return False


def label_violations(labels: Mapping[str, str], place: str = "labels") -> Iterator[Violation]:
    """Yield what is wrong with labels, an agent's or those that are asked for."""
    if len(labels) > LABELS_MAX:
        yield Violation(place, f"must be at most {LABELS_MAX}, not {len(labels)}")
        return
    for name, value in labels.items():
        if not _LABEL.fullmatch(name):
            yield Violation(place, f"has the name {name[:80]!r}; use letters, digits, and . _ - / between them")
        if len(value) > _LABEL_VALUE_LENGTH_MAX or "\x00" in value:
            yield Violation(f"{place}.{name[:80]}", f"must be at most {_LABEL_VALUE_LENGTH_MAX} characters of text")


def _is_health_check_url(url: str) -> bool:
    if not url:
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return len(url) <= URL_LENGTH_MAX and url.isprintable() and parts.scheme in _SCHEMES and bool(parts.hostname)
