"""A text to a definition.

Parsing says what is wrong with the text itself: fields, types and bounds. What is wrong with its meaning, such as
a target that is not there, is for `check`, so that an unfinished definition can still be read.
"""

from __future__ import annotations

import re

from . import tree
from .fields import Fields, Findings, Form
from .model import (
    END,
    EXPRESSION_MAX,
    AgentTask,
    Condition,
    Definition,
    ErrorCategory,
    Json,
    Priority,
    RetryPolicy,
    Step,
)
from .read import read
from .refusal import refusal
from .tree import Entry, Malformed, Mapping, Node
from .vocabulary import CONDITION, DEFINITION, RETRY_POLICY, STEP

STEPS_MAX = 10_000
SECONDS_MAX = 366 * 24 * 3600
LABELS_MAX = 64

_WORD = "lower-case letters, digits and underscores, a letter first, at most 64"
_DEFINITION_NAME = Form(
    re.compile(r"[a-z][a-z0-9_-]{0,127}"),
    "lower-case letters, digits, underscores and hyphens, a letter first, at most 128",
    "architecture_creation",
)
_STEP_NAME = Form(re.compile(r"[a-z][a-z0-9_]{0,63}"), _WORD, "requirement_analysis")
_AGENT_TYPE = Form(re.compile(r"[a-z][a-z0-9_]{0,63}"), _WORD, "business_analyst")
_TASK_TYPE = Form(re.compile(r"[a-z][a-z0-9_]{0,63}"), _WORD, "analyze")
_CAPABILITY = Form(re.compile(r"[a-z][a-z0-9_.-]{0,63}"), "a name without a version", "requirements")
_VERSION = Form(
    re.compile(r"(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?", re.ASCII),
    "a semantic version",
    "1.0.0",
)


def parse(source: str) -> Definition:
    """Return what `source`, in YAML or JSON, says.

    Raises DefinitionInvalid with every problem that was found, and PayloadTooLarge.
    """
    findings = Findings()
    try:
        root = read(source)
    except Malformed as malformed:
        findings.object_to("", malformed.place, malformed.description)
        raise refusal(findings.violations) from None
    definition = _definition(root, findings)
    if definition is None or findings.violations:
        raise refusal(findings.violations)
    return definition


def _definition(root: Node, findings: Findings) -> Definition | None:
    if not isinstance(root, Mapping):
        findings.object_to("", root.place, f"a definition is a mapping with `name` and `steps`, not {tree.kind(root)}")
        return None
    match root.entries:
        case {"workflow": Entry(node=Mapping() as inner), **others}:
            for word, entry in others.items():
                findings.object_to(word, entry.key_place, "stands beside `workflow`; move it into it")
            root = inner
    fields = Fields(root, "", DEFINITION, findings)
    for word in ("workflow_id", "created_at", "created_by"):
        fields.text(word)
    labels = fields.texts("labels")
    if len(labels) > LABELS_MAX:
        fields.object_to("labels", f"has {len(labels)} labels; at most {LABELS_MAX} are allowed")
    return Definition(
        name=fields.required_text("name", form=_DEFINITION_NAME),
        version=fields.text("version", "1.0.0", form=_VERSION),
        description=fields.text("description", longest=4000),
        labels=labels,
        input_schema=fields.schema("input_schema"),
        timeout_seconds=fields.whole_number("timeout_seconds", 3600, least=1, most=SECONDS_MAX),
        max_retries=fields.whole_number("max_retries", 0, least=0, most=100),
        steps=_steps(fields, findings),
        output=_template(fields, "output"),
        places=findings.places,
    )


def _steps(fields: Fields, findings: Findings) -> tuple[Step, ...]:
    fields.require("steps", "a definition needs `steps`, a list of at least one")
    steps = fields.mappings("steps", lambda node, path: _step(Fields(node, path, STEP, findings), findings))
    if len(steps) > STEPS_MAX:
        fields.object_to("steps", f"has {len(steps):,} steps; at most {STEPS_MAX:,} are allowed")
    if not steps and not findings.violations:
        fields.object_to("steps", "a definition needs at least one step")
    return tuple(steps)


def _step(fields: Fields, findings: Findings) -> Step:
    if fields.truth("parallel_execution", False):
        fields.object_to("parallel_execution", "parallel steps are not in this version yet; leave it out")
    named_by = "step_id" if "step_id" in fields and "name" not in fields else "name"
    conditions, otherwise = _branches(fields, findings)
    return Step(
        name=fields.required_text(named_by, form=_STEP_NAME),
        kind=AgentTask(
            agent_type=_agent_type(fields),
            capability=_capability(fields),
            task_type=fields.text("task_type", form=_TASK_TYPE),
            timeout_seconds=fields.whole_number("timeout_seconds", 600, least=1, most=SECONDS_MAX),
            queue_timeout_seconds=_queue_timeout_seconds(fields),
            retry_policy=fields.mapping(
                "retry_policy",
                RetryPolicy(),
                lambda node, path: _retry_policy(Fields(node, path, RETRY_POLICY, findings)),
            ),
            priority=fields.choice("priority", Priority.NORMAL),
        ),
        step_id=fields.text("step_id", longest=128),
        input=_template(fields, "input"),
        input_schema=fields.schema("input_schema"),
        output_schema=fields.schema("output_schema"),
        conditions=conditions,
        otherwise=otherwise,
        next=_target(fields, "next"),
    )


def _agent_type(fields: Fields) -> str:
    if "capability" in fields and "agent" not in fields:
        fields.object_to("capability", "choosing an agent by capability alone is not in this version yet; add `agent`")
        return ""
    return fields.required_text("agent", form=_AGENT_TYPE)


def _capability(fields: Fields) -> str:
    capability = fields.text("capability")
    if "@" in capability:
        fields.object_to("capability", "a capability's version is not in this version yet; leave out what follows @")
        return ""
    return fields.text("capability", form=_CAPABILITY)


def _queue_timeout_seconds(fields: Fields) -> int | None:
    if "queue_timeout_seconds" not in fields:
        return None
    return fields.whole_number("queue_timeout_seconds", SECONDS_MAX, least=1, most=SECONDS_MAX)


def _branches(fields: Fields, findings: Findings) -> tuple[tuple[Condition, ...], str | None]:
    """Read `conditions` and `else`, which may also be the last of the conditions."""
    otherwise = _target(fields, "else")
    conditions: list[Condition] = []
    branches = fields.mappings("conditions", lambda node, path: Fields(node, path, CONDITION, findings))
    for position, branch in enumerate(branches, 1):
        if "else" not in branch:
            branch.require("if", "a condition needs `if`; where to go without one is said by `else`")
            branch.require("next", "a condition needs `next`, the step to go to")
            conditions.append(Condition(branch.text("if", longest=EXPRESSION_MAX), _target(branch, "next") or END))
            continue
        if position < len(branches) or "if" in branch or "next" in branch or otherwise is not None:
            branch.object_to("else", "`else` comes once and alone, after all conditions")
        otherwise = _target(branch, "else")
    if otherwise is not None and not conditions:
        fields.object_to("else", "without conditions there is no `else`; say where to go on by `next`")
    if otherwise is not None and "next" in fields:
        fields.object_to("next", "would never be used, because there is an `else`; leave one of them out")
    return tuple(conditions), otherwise


def _target(fields: Fields, name: str) -> str | None:
    return fields.text(name, form=_STEP_NAME) or None


def _retry_policy(fields: Fields) -> RetryPolicy:
    default = RetryPolicy()
    policy = RetryPolicy(
        max_attempts=fields.whole_number("max_attempts", default.max_attempts, least=1, most=100),
        base_delay_seconds=float(
            fields.number("base_delay_seconds", default.base_delay_seconds, least=0, most=SECONDS_MAX)
        ),
        max_delay_seconds=float(
            fields.number("max_delay_seconds", default.max_delay_seconds, least=0, most=SECONDS_MAX)
        ),
        exponential_backoff=fields.truth("exponential_backoff", default.exponential_backoff),
        jitter=fields.truth("jitter", default.jitter),
        retriable_errors=fields.choices("retriable_errors", default.retriable_errors, ErrorCategory),
    )
    if policy.max_delay_seconds < policy.base_delay_seconds:
        name = "max_delay_seconds" if "max_delay_seconds" in fields else "base_delay_seconds"
        fields.object_to(
            name,
            f"max_delay_seconds ({policy.max_delay_seconds:g}) is less than "
            f"base_delay_seconds ({policy.base_delay_seconds:g})",
        )
    return policy


def _template(fields: Fields, name: str) -> Json:
    template = fields.json(name)
    if name in fields and not isinstance(template, dict | str):
        fields.object_to(name, "must be a mapping, or one ${…} that gives one")
    return template
