"""Composes messages: by the templates of a rule, or else in the usual words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from archwright.events.catalogue import CATALOGUE
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.notifier.domain.rules import Rule, Rules
from services.notifier.message import Message, envelope_of, fields_of
from services.notifier.templates import Fields, Template, TemplateInvalid
from services.notifier.wording import OTHERWISE, WORDINGS

SUBJECT_LENGTH_MAX: Final = 200
SAMPLE_LINK: Final = "https://archwright.example/api/v1/workflows/wf_sample"


class Composer:
    """Composes the messages of all rules, whose templates have been checked."""

    def __init__(self, rules: Rules, public_url: str) -> None:
        """Compile every template; raises TemplateInvalid, which a file of rules that was read rules out."""
        self._public_url = public_url.rstrip("/")
        self._usual = {name: (Template(wording.subject), Template(wording.body)) for name, wording in WORDINGS.items()}
        self._otherwise = Template(OTHERWISE.subject), Template(OTHERWISE.body)
        self._own = {
            rule.name: {field: _compile(field, source) for field, source in _written(rule).items()}
            for rule in rules.rules
        }

    def compose(self, rule: Rule, event: WorkflowEvent) -> Message:
        """Return what a rule says of an event; raises TemplateInvalid."""
        link = f"{self._public_url}/api/v1/workflows/{event.workflow_id}" if self._public_url else ""
        fields = fields_of(event, link=link)
        own = self._own[rule.name]
        subject, body = self._usual.get(event.event_type, self._otherwise)
        return Message(
            event_id=event.event_id,
            subject=_one_line(own.get("subject", subject).render(fields)),
            body=own.get("body", body).render(fields).strip() + "\n",
            html=own["html"].render(fields) if "html" in own else "",
            link=link,
            envelope=envelope_of(event),
        )


def problems_of(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the field of each template that cannot be rendered for an event that the rule tells of, and why."""
    for field, source in _written(rule).items():
        try:
            template = _compile(field, source)
        except TemplateInvalid as invalid:
            yield field, str(invalid)
            continue
        for event_type in rule.event_types:
            try:
                template.render(_sample(event_type))
            except TemplateInvalid as invalid:
                yield field, f"{invalid} (for {event_type})"
                break


def _written(rule: Rule) -> Mapping[str, str]:
    return {field: source for field, source in rule.template.model_dump().items() if source is not None}


def _compile(field: str, source: str) -> Template:
    return Template(source, escapes=field == "html")


def _sample(event_type: str) -> Fields:
    """Return the fields of an event as it may come, with all that those of its type may have."""
    event = WorkflowEvent(
        event_id="wf_sample:7",
        workflow_id="wf_sample",
        event_type=event_type,
        tenant="sample",
        seq=7,
        step="sample_step",
        task_id="task_sample",
        agent_type="sample_agent",
        definition_name="sample_definition",
        definition_version="1.0.0",
    )
    event.payload.update(dict.fromkeys(CATALOGUE[event_type].routing, "1"))
    return fields_of(event, link=SAMPLE_LINK)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:SUBJECT_LENGTH_MAX]
