"""The words of each kind of step.

A step does exactly one thing, which the word of its kind says; what belongs to that thing stands beneath the word, and
beside it what all steps have in common. Agent steps alone are flat: the seed writes them so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .model import (
    ErrorCategory,
    OnBranchFailure,
    OnExpiry,
    OnFailure,
    OnUnavailable,
    Priority,
    Selection,
)
from .shapes import (
    SECONDS_MAX,
    STEPS_MAX,
    AnyOf,
    Anything,
    Branches,
    Choice,
    Expression,
    Field,
    Form,
    Nested,
    NestedList,
    Number,
    SchemaShape,
    Shape,
    Steps,
    Template,
    Text,
    TextList,
    Texts,
    Values,
    WholeNumber,
    Words,
)
from .words import (
    AGENT_TYPE,
    DEFINITION_NAME,
    LONE,
    NAME,
    NEIGHBOURLY,
    RETRY_POLICY,
    SECONDS,
    STEP_NAME,
    TASK_TYPE,
)

ITERATIONS_MAX = 10_000

_CAPABILITY = Form(
    re.compile(r"[a-z][a-z0-9_.-]{0,63}(@[0-9A-Za-z^~<>=!*., |+-]{1,64})?"),
    "a name, perhaps with a range of versions behind an @",
    "pricing@^1.2",
)
_LABEL = Form(
    re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._/-]{0,62}"), "letters, digits, and . _ - / between them, at most 63", "region"
)
_APPROVER = Form(re.compile(r"(role|user):[^\s,;]{1,128}"), "role:<role> or user:<subject>", "role:architect")
_FILE_PATTERN = Form(
    re.compile(r"[^\s\\][^\\\x00-\x1f]{0,199}"), "the name of a file, perhaps with * or ? in it", "deliverables/*"
)
_SEPARATED = Form(re.compile(r"[a-z][a-z0-9_]{0,63}"), "requester, or the name of another approval step", "requester")
_EVENT_TYPE = Form(
    re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63}){0,7}"), "words with dots between them", "claim.assessed"
)
_CHANNEL = Form(re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,160}"), "a version or a channel", "stable")
_PERIOD = Form(re.compile(r"[1-9][0-9]{0,8}[smhd]"), "a number of seconds, or of s, m, h or d", "2d")
_EXPRESSION_INSIDE = r"[\s\S]*\$\{[\s\S]*"
_SECONDS_TEMPLATE = Form(re.compile(_EXPRESSION_INSIDE), "a number, or one ${…} that gives one", "${pause}")
_TIME = Form(
    re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
        f"|{_EXPRESSION_INSIDE}"
    ),
    "a time with its zone, or one ${…} that gives one",
    "2030-01-31T12:00:00Z",
)

_BRANCH_FAILURE = Choice(tuple(OnBranchFailure))
_BODY = Field(Steps(), "What is done.")

CACHE = Words(
    owner="`cache`",
    fields={
        "key": Field(Text(), "Steps whose key comes out the same share their output; may hold ${…}."),
        "ttl_seconds": Field(SECONDS, "For how long an output is used again."),
    },
    required=(("key", "ttl_seconds"),),
)

PARALLEL = Words(
    owner="`parallel`",
    fields={
        "branches": Field(Branches(STEP_NAME), "Named lists of steps that are done at the same time."),
        "join": Field(
            AnyOf((WholeNumber(1, STEPS_MAX), Text(Form(re.compile("all|any"), "all, any or a number", "any")))),
            "How many branches must be done: `all`, `any` or a number.",
        ),
        "on_branch_failure": Field(_BRANCH_FAILURE, "What a failed branch means for the others."),
    },
    required=(("branches",),),
)

FOREACH = Words(
    owner="`foreach`",
    fields={
        "items": Field(Expression(), "A list."),
        "as": Field(Text(NAME), "What the element is called within the steps."),
        "steps": Field(Steps(), "What is done for each element."),
        "max_concurrency": Field(WholeNumber(1, STEPS_MAX), "How many elements are done at the same time; all."),
        "on_item_failure": Field(_BRANCH_FAILURE, "What a failed element means for the others."),
    },
    aliases={"body": "steps"},
    required=(("items", "as", "steps"),),
)

CASE = Words(
    owner="a case",
    fields={"if": Field(Expression(), "Whether this is the one."), "steps": _BODY},
    required=(("if", "steps"),),
)

SWITCH = Words(
    owner="`switch`",
    fields={
        "cases": Field(NestedList(CASE, least=1), "The first whose `if` is true is done."),
        "else": Field(Steps(), "What is done when no case holds."),
    },
    required=(("cases",),),
)

LOOP = Words(
    owner="`loop`",
    fields={
        "steps": Field(Steps(), "What is done again and again."),
        "until": Field(Expression(), "It ends after an iteration when this is true."),
        "while": Field(Expression(), "It goes on with an iteration while this is true."),
        "max_iterations": Field(WholeNumber(1, ITERATIONS_MAX), "How many there may be; one more is a failure."),
    },
    aliases={"body": "steps"},
    required=(("steps", "max_iterations", "until"), ("steps", "max_iterations", "while")),
)

CHILD = Words(
    owner="`workflow`",
    fields={
        "name": Field(Text(DEFINITION_NAME), "The definition of the child."),
        "version": Field(Text(_CHANNEL), "Its version or channel; the newest otherwise."),
    },
    elsewhere={"input": "belongs beside `workflow`, not into it"},
    required=(("name",),),
)

APPROVAL = Words(
    owner="`approval`",
    fields={
        "approvers": Field(TextList(_APPROVER, 100, least=1), "Who may decide: role:<role> or user:<subject>."),
        "quorum": Field(WholeNumber(1, 100), "How many must agree."),
        "expires_after": Field(AnyOf((SECONDS, Text(_PERIOD))), "How long they may take: seconds, or such as 2d."),
        "on_expiry": Field(Choice(tuple(OnExpiry)), "What becomes of it when nobody decided in time."),
        "escalate_to": Field(TextList(_APPROVER, 100), "Who may decide then."),
        "on_reject": Field(Choice((OnFailure.FAIL, OnFailure.CONTINUE)), "Whether a rejection fails the step."),
        "artifacts": Field(TextList(_FILE_PATTERN, 50), "Files that are shown too, by name or pattern."),
        "separate_from": Field(TextList(_SEPARATED, 50), "Who may not decide: requester, or who agreed at a step."),
    },
    aliases={"expires_after_seconds": "expires_after"},
    required=(("approvers",),),
)

WAIT = Words(
    owner="`wait`",
    fields={
        "seconds": Field(AnyOf((Number(0, SECONDS_MAX), Text(_SECONDS_TEMPLATE))), "For how long."),
        "until": Field(Text(_TIME), "Until when."),
        "signal": Field(Text(NAME), "For which signal."),
        "timeout_seconds": Field(SECONDS, "How long to wait for the signal; as long as the workflow otherwise."),
    },
    required=(("seconds",), ("until",), ("signal",)),
)

EMIT = Words(
    owner="`emit`",
    fields={
        "type": Field(Text(_EVENT_TYPE), "The event's type."),
        "payload": Field(Anything(), "What it carries; may hold ${…}."),
    },
    required=(("type",),),
)

FAIL = Words(
    owner="`fail`",
    fields={
        "category": Field(Choice(tuple(ErrorCategory)), "What kind of trouble it is; `business` otherwise."),
        "message": Field(Text(), "What is told; may hold ${…}."),
    },
    required=(("message",),),
)

_AGENT = {
    "agent": Field(Text(AGENT_TYPE), "The type of agent that does it."),
    "capability": Field(Text(_CAPABILITY), "What the agent must offer, perhaps with a range of versions."),
    "labels": Field(Texts(32, _LABEL), "What the agent's own labels must be."),
    "selection": Field(Choice(tuple(Selection)), "How one of several agents is chosen."),
    "task_type": Field(Text(TASK_TYPE), "What kind of work it is: analyze, design, generate, review, …"),
    "timeout_seconds": Field(SECONDS, "How long one attempt may take, from when the agent accepted it."),
    "queue_timeout_seconds": Field(SECONDS, "How long its task may wait for an agent; as long as the workflow."),
    "idle_timeout_seconds": Field(SECONDS, "How long the agent may be silent; as long as the attempt."),
    "retry_policy": Field(Nested(RETRY_POLICY), "When and how often a failed attempt is tried again."),
    "priority": Field(Choice(tuple(Priority)), "How urgent its task is."),
    "on_unavailable": Field(Choice(tuple(OnUnavailable)), "What becomes of it when no agent is there to take it."),
    "cache": Field(Nested(CACHE), "An output that may be used again."),
    "idempotency_key": Field(Text(), "What the agent is given to tell repetitions by; may hold ${…}."),
}
_INPUT = {"input": Field(Template(), "What it is given: a mapping, or one ${…} that gives one.")}
_INPUT_SCHEMA = {"input_schema": Field(SchemaShape(), "What the input must fit.")}
_OUTPUT_SCHEMA = {"output_schema": Field(SchemaShape(), "What the output must fit.")}

_ABOUT_KINDS: Mapping[str, tuple[Shape, str]] = {
    "parallel": (Nested(PARALLEL), "Does its branches at the same time."),
    "foreach": (Nested(FOREACH), "Does its steps for each element of a list."),
    "switch": (Nested(SWITCH), "Does the first of its cases that holds."),
    "loop": (Nested(LOOP), "Does its steps again and again."),
    "workflow": (AnyOf((Text(DEFINITION_NAME), Nested(CHILD))), "Starts another workflow and waits for its end."),
    "approval": (Nested(APPROVAL), "Waits for people."),
    "wait": (Nested(WAIT), "Waits for some time, until a time, or for a signal."),
    "set": (Values(NAME), "Names values, which are read as vars.<name>; may hold ${…}."),
    "emit": (Nested(EMIT), "Publishes an event."),
    "fail": (Nested(FAIL), "Fails."),
}
_BESIDE: Mapping[str, Mapping[str, Field]] = {
    "agent": {**_INPUT, **_INPUT_SCHEMA, **_OUTPUT_SCHEMA},
    "parallel": _OUTPUT_SCHEMA,
    "foreach": _OUTPUT_SCHEMA,
    "switch": _OUTPUT_SCHEMA,
    "loop": _OUTPUT_SCHEMA,
    "workflow": {**_INPUT, **_INPUT_SCHEMA, **_OUTPUT_SCHEMA},
    "approval": {**_INPUT, **_OUTPUT_SCHEMA},
    "wait": _OUTPUT_SCHEMA,
    "set": {},
    "emit": {},
    "fail": {},
}

KINDS = tuple(_BESIDE)
"""The words that say what a step does; `capability` may stand for `agent`."""

_AGENT_ALIASES = {"agent_type": "agent"}


def _elsewhere(kind: str) -> dict[str, str]:
    """Return the words that a step of this kind does not have, but that mean something near it."""
    found: dict[str, str] = {}
    for owner, (shape, _) in _ABOUT_KINDS.items():
        for nested in shape.shapes if isinstance(shape, AnyOf) else (shape,):
            if isinstance(nested, Nested):
                known = (*nested.words.known, *nested.words.aliases)
                found |= dict.fromkeys(known, f"belongs into `{owner}`, not beside it")
    for word in _AGENT:
        found[word] = "is for steps with `agent` or `capability` only"
    for word in (*_INPUT, *_INPUT_SCHEMA, *_OUTPUT_SCHEMA):
        takers = ", ".join(f"`{owner}`" for owner, beside in _BESIDE.items() if word in beside)
        found[word] = f"means nothing to a step with `{kind}`; it is for steps with {takers}"
    if kind in _ABOUT_KINDS and isinstance(nested := _ABOUT_KINDS[kind][0], Nested):
        known = (*nested.words.known, *nested.words.aliases)
        found |= dict.fromkeys(known, f"belongs into `{kind}`, not beside it")
    return found


def _words(kind: str, common: Mapping[str, Field]) -> Words:
    of_kind = _AGENT if kind == "agent" else {kind: Field(*_ABOUT_KINDS[kind])}
    fields = {"name": common["name"], **of_kind, **_BESIDE[kind], **common}
    named_by = ("name", "step_id")
    kinds = ("agent", "capability") if kind == "agent" else (kind,)
    return Words(
        owner="a step",
        fields=fields,
        aliases=_AGENT_ALIASES if kind == "agent" else {},
        elsewhere={word: said for word, said in _elsewhere(kind).items() if word not in fields},
        required=tuple((name, word) for name in named_by for word in kinds),
    )


STEP: Mapping[str, Words] = {kind: _words(kind, {**LONE, **NEIGHBOURLY}) for kind in KINDS}
"""The words of a step, by its kind."""


def _lone(kind: str) -> Words:
    words = _words(kind, LONE)
    alone = dict.fromkeys(NEIGHBOURLY, "means nothing to a step that stands alone")
    kinds = ("agent", "capability") if kind == "agent" else (kind,)
    return Words(words.owner, words.fields, words.aliases, {**words.elsewhere, **alone}, tuple((k,) for k in kinds))


LONE_STEP: Mapping[str, Words] = {kind: _lone(kind) for kind in KINDS}
"""The same for a fallback or a compensation, whose name may be left out."""

KINDLESS_STEP = Words(
    owner="a step",
    fields={name: field for kind in KINDS for name, field in STEP[kind].fields.items()},
    aliases=_AGENT_ALIASES,
    elsewhere={word: said for word, said in _elsewhere("agent").items() if word not in _ABOUT_KINDS},
)
"""The words of a step that does not say what it does, or says several things."""

KIND_OF = {**{kind: kind for kind in KINDS}, "agent_type": "agent", "capability": "agent"}
"""Which kind of step a word is the sign of."""
