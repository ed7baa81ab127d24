"""Reads the kinds of steps that wait for something outside: people, time, signals and other workflows."""

from __future__ import annotations

from .fields import Fields
from .model import Approval, ChildWorkflow, OnExpiry, OnFailure, Wait
from .words_of_steps import APPROVAL, CHILD, WAIT

_SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


def read_child(around: Fields) -> ChildWorkflow:
    """Read `workflow`: the name of a definition, or a mapping with it."""
    if around.is_text("workflow"):
        return ChildWorkflow(around.text("workflow"))
    fields = around.open("workflow", CHILD)
    if fields is None:
        return ChildWorkflow("")
    return ChildWorkflow(fields.required_text("name"), fields.text("version"))


def read_approval(around: Fields) -> Approval:
    """Read `approval`."""
    fields = around.open("approval", APPROVAL)
    if fields is None:
        return Approval(())
    fields.require("approvers", "`approval` needs `approvers`, a list of role:<role> and user:<subject>")
    return Approval(
        approvers=fields.text_list("approvers"),
        quorum=fields.whole_number("quorum", 1),
        expires_after_seconds=_period_seconds(fields, "expires_after"),
        on_expiry=fields.choice("on_expiry", OnExpiry.REJECT),
        escalate_to=fields.text_list("escalate_to"),
        on_reject=fields.choice("on_reject", OnFailure.FAIL),
        artifacts=fields.text_list("artifacts"),
        separate_from=fields.text_list("separate_from"),
    )


def read_wait(around: Fields) -> Wait:
    """Read `wait`."""
    fields = around.open("wait", WAIT)
    if fields is None:
        return Wait()
    ways = [way for way in ("seconds", "until", "signal") if way in fields]
    if not ways:
        fields.require("signal", "`wait` needs `seconds`, `until` or `signal`")
    for way in ways[1:]:
        fields.object_to(way, f"`wait` waits for one thing, and `{ways[0]}` is there already")
    if "timeout_seconds" in fields and "signal" not in fields:
        fields.object_to("timeout_seconds", "is for waiting for a `signal` only")
    seconds: float | str | None = None
    if fields.is_text("seconds"):
        seconds = fields.optional_text("seconds")
    elif "seconds" in fields:
        seconds = fields.number("seconds", 0)
    return Wait(
        seconds=seconds,
        until=fields.optional_text("until"),
        signal=fields.optional_text("signal"),
        timeout_seconds=fields.optional_whole_number("timeout_seconds"),
    )


def _period_seconds(fields: Fields, name: str) -> int | None:
    """Read a number of seconds, or text such as `2d`."""
    if not fields.is_text(name):
        return fields.optional_whole_number(name)
    period = fields.text(name)
    if not period:
        return None
    seconds = int(period[:-1]) * _SECONDS_OF[period[-1]]
    most = fields.most(name)
    if seconds > most:
        fields.object_to(name, f"must be at most {most:,} seconds, but {period} is {seconds:,}")
        return None
    return seconds
