"""Random lives of workflows: a definition is drawn, and what happens to one workflow of it.

A command is drawn as a wish ("answer the third of those that are waited for") and made concrete against the workflow
as it then stands, so that most commands speak of something, and some of something that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drawn_definitions import definitions
from hypothesis import strategies as st
from immutables import Map
from msgspec.structs import replace
from story import NOON, WORKFLOW_ID, plan_of

from archwright.errors import LimitReached, RoleDenied, TransitionIllegal
from archwright.language.model import ErrorCategory
from archwright.language.plan import Plan
from services.engine.domain.clocks import APPROVAL, DEADLINE_TIMER, RETRY, WAIT
from services.engine.domain.commands import (
    AdmitWorkflow,
    CancelWorkflow,
    Command,
    CompleteTask,
    DecideApproval,
    EndChild,
    FailTask,
    FireTimer,
    PauseWorkflow,
    RedriveTask,
    Repeated,
    ResumeWorkflow,
    RetryWorkflow,
    Reused,
    SignalWorkflow,
    Stale,
    StartWorkflow,
    TellUnavailable,
)
from services.engine.domain.decide import Decided, decide
from services.engine.domain.events import ArtifactMade, Event, Json
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.values import Known, Unread
from services.engine.domain.workflow import (
    OpenApproval,
    OpenChild,
    OpenFallback,
    OpenHolder,
    OpenStep,
    OpenTask,
    OpenWait,
    Workflow,
)

WISHES_MIN, WISHES_MAX = 5, 30

ANSWERS_MAX = 3_000
"""After so many answers every workflow has ended."""

Refusal = Stale | Repeated | TransitionIllegal | RoleDenied | LimitReached


@dataclass(frozen=True, slots=True)
class Told:
    """One command, and what it came to: `decided`, or the refusal."""

    before: Workflow
    known: Known
    command: Command
    decided: Decided | None
    refusal: Refusal | None

    @property
    def after(self) -> Workflow:
        return self.before if self.decided is None else self.decided.workflow

    @property
    def events(self) -> tuple[Event, ...]:
        return () if self.decided is None else self.decided.events


@dataclass(frozen=True, slots=True)
class History:
    """A workflow's whole life, command by command."""

    source: str
    plan: Plan
    given: Json
    told: tuple[Told, ...]

    def __str__(self) -> str:
        return "\n".join([self.source, *(f"{told.command} → {told.refusal or told.events}" for told in self.told)])

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """Have a failing history shown as its definition and what was asked, one line each."""
        printer.text(str(self))

    @property
    def events(self) -> list[Event]:
        return [event for told in self.told for event in told.events]

    @property
    def workflow(self) -> Workflow:
        return self.told[-1].after


class Life:
    """What wishes are made concrete against. `cache` is what the step cache has, in turn something and nothing."""

    def __init__(self, plan: Plan, given: Json) -> None:
        self.plan = plan
        self.given = given
        self.workflow = Workflow(WORKFLOW_ID)
        self.known = Known()
        self.told: list[Told] = []
        self._seconds = 0
        self._cached: dict[str, tuple[()] | tuple[Json]] = {}

    def tick(self) -> datetime:
        self._seconds += 1
        return NOON + timedelta(seconds=self._seconds)

    def tell(self, command: Command) -> None:
        """Ask, and remember what came of it."""
        before, known = self.workflow, self._kept()
        try:
            decided, known = self._decided(command, known)
        except (Stale, Repeated, TransitionIllegal, RoleDenied, LimitReached) as refusal:
            self.told.append(Told(before, known, command, None, refusal))
            return
        self.workflow, self.known = decided.workflow, decided.known
        self.told.append(Told(before, known, command, decided, None))

    def _decided(self, command: Command, known: Known) -> tuple[Decided, Known]:
        try:
            return decide(self.plan, self.workflow, command, known), known
        except Unread as unread:
            for key in sorted(unread.cache_keys):
                self._cached.setdefault(key, ({"n": 2},) if len(self._cached) % 2 else ())
            known = known.having_read(self._cached)
            return self._decided(command, known)

    def _kept(self) -> Known:
        """Return what the engine would read for this decision: only the values that the state says are needed."""
        return Known(self.known.input, Map({seq: self.known.values[seq] for seq in set(self.workflow.seqs())}))


Wish = Callable[[Life], Command]


def start(life: Life, *, admitted: bool = True, reused: tuple[Reused, ...] = ()) -> Command:
    return StartWorkflow(life.tick(), WORKFLOW_ID, life.given, "req", "ann", "", admitted=admitted, reused=reused)


def answer(path: str, step: OpenStep, now: datetime, output: Json, category: ErrorCategory | None) -> Command | None:
    """Return what a step waits for: a result or a failure, a time, a word; None where it waits for what it holds."""
    match step:
        case OpenTask() if step.retry_at is not None:
            return FireTimer(now, RETRY + path, step.attempt)
        case OpenTask() if category is not None:
            return FailTask(now, step.task_id, step.attempt + 1, "a1", category, "BROKEN", "it broke", 0.5, step=path)
        case OpenTask():
            made = (ArtifactMade("report.html", "0" * 64),)
            return CompleteTask(now, step.task_id, step.attempt + 1, "a1", output, made, step=path)
        case OpenWait() if step.signal and category is None:
            return SignalWorkflow(now, step.signal, output, "ann")
        case OpenWait():
            return FireTimer(now, WAIT + path, step.generation)
        case OpenApproval() if category is ErrorCategory.TIMEOUT and step.expires_at is not None:
            return FireTimer(now, APPROVAL + path, step.generation)
        case OpenApproval():
            user = "ann" if "ann" not in step.agreed else "eve"
            is_agreed, roles = category is None, frozenset({"boss"})
            return DecideApproval(now, step.approval_id, user, roles, is_agreed, "so", step.shown_sha256)
        case OpenChild():
            status = WorkflowStatus.COMPLETED if category is None else WorkflowStatus.FAILED
            return EndChild(now, path, step.child_id, status, output)
        case OpenHolder() | OpenFallback():
            return None


def waited_for(workflow: Workflow) -> Sequence[tuple[str, OpenStep]]:
    """Return the steps that somebody has to answer."""
    held = OpenHolder | OpenFallback
    return [(path, step) for path, step in sorted(workflow.open.items()) if not isinstance(step, held)]


def play_to_the_end(life: Life) -> None:
    """Answer everything that is waited for, until the workflow has ended. Fails when it never does."""
    for _ in range(ANSWERS_MAX):
        match life.workflow.status:
            case WorkflowStatus.PENDING:
                life.tell(AdmitWorkflow(life.tick()))
            case WorkflowStatus.PAUSED:
                life.tell(ResumeWorkflow(life.tick(), "ann"))
            case WorkflowStatus.RUNNING:
                waiting = waited_for(life.workflow)
                assert waiting, "the workflow stands still, and waits for nobody"
                path, step = waiting[0]
                command = answer(path, step, life.tick(), {"n": 1}, None)
                assert command is not None
                life.tell(command)
                assert life.told[-1].refusal is None, "an answer that was waited for was refused"
            case _:
                return
    raise AssertionError("the workflow goes on for ever")


def outputs() -> st.SearchStrategy[Json]:
    """Draw what agents return: now and then what conditions cannot compare, or do not find."""
    strange = st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.booleans(), st.floats(-1, 1)), max_size=2)
    return _mostly(st.fixed_dictionaries({"n": st.integers(0, 5)}), st.just({"n": "many"}) | st.none() | strange)


def _mostly(usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*[usual] * 7, unusual)


def _answering(pick: int, output: Json, category: ErrorCategory | None) -> Wish:
    def command(life: Life) -> Command:
        waiting = waited_for(life.workflow)
        now = life.tick()
        found = answer(*waiting[pick % len(waiting)], now, output, category) if waiting else None
        return found or _nudge(life, now)

    return command


def _nudge(life: Life, now: datetime) -> Command:
    """Return what lets a workflow go on that waits for no answer."""
    match life.workflow.status:
        case WorkflowStatus.PAUSED:
            return ResumeWorkflow(now, "ann")
        case WorkflowStatus.FAILED:
            return RetryWorkflow(now, "ann")
        case _:
            return AdmitWorkflow(now)


def _again(pick: int) -> Wish:
    """Ask once more what was asked before: a late result, a timer of an earlier attempt, a word that came twice."""

    def command(life: Life) -> Command:
        asked = [told.command for told in life.told]
        return replace(asked[pick % len(asked)], now=life.tick())

    return command


def _unavailable(pick: int) -> Wish:
    def command(life: Life) -> Command:
        tasks = [(path, step) for path, step in waited_for(life.workflow) if isinstance(step, OpenTask)]
        path, task_id = (tasks[pick % len(tasks)][0], tasks[pick % len(tasks)][1].task_id) if tasks else ("", "nobody")
        return TellUnavailable(life.tick(), task_id, "no agent is there", path)

    return command


def _redriving(life: Life) -> Command:
    """Ask that what failed first be done with another input, if something did."""
    now = life.tick()
    for path, failed in life.workflow.exhausted.items():
        return RedriveTask(now, path, failed.task_id, "ann", {"edited": life.workflow.last_seq})
    return RetryWorkflow(now, "ann")


_STEERING: Sequence[Wish] = (
    lambda life: PauseWorkflow(life.tick(), "ann", "hold on"),
    lambda life: PauseWorkflow(life.tick(), "ann", "hold on"),
    lambda life: ResumeWorkflow(life.tick(), "ann"),
    lambda life: ResumeWorkflow(life.tick(), "ann"),
    lambda life: RetryWorkflow(life.tick(), "ann"),
    _redriving,
    lambda life: RetryWorkflow(life.tick(), "ann"),
    lambda life: CancelWorkflow(life.tick(), "ann", "enough"),
    lambda life: FireTimer(life.tick(), DEADLINE_TIMER, life.workflow.clock),
    lambda life: FireTimer(life.tick(), DEADLINE_TIMER, life.workflow.clock - 1),
    lambda life: SignalWorkflow(life.tick(), "go", {"n": 5}, "ann"),
    lambda life: SignalWorkflow(life.tick(), "go", None, "ann"),
)


def wishes() -> st.SearchStrategy[Wish]:
    """Draw what somebody wants to happen; most of it moves a workflow on."""
    picks = st.integers(0, 4)
    failures = st.sampled_from([*ErrorCategory, ErrorCategory.TRANSIENT])
    going_on = st.builds(_answering, picks, outputs(), st.none())
    failing = st.builds(_answering, picks, outputs(), failures)
    unusual = st.one_of(st.sampled_from(_STEERING), st.builds(_again, picks), st.builds(_unavailable, picks))
    return st.one_of(going_on, going_on, going_on, failing, unusual)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Draw a definition and what happens to one workflow of it, from its start on."""
    source = draw(definitions())
    plan = plan_of(source)
    life = Life(plan, draw(st.sampled_from([{}, {"kind": "new", "items": [1, 2]}, {"kind": 5, "items": "none"}])))
    life.tell(start(life, admitted=draw(st.integers(0, 5)) > 0))
    for wish in draw(st.lists(wishes(), min_size=WISHES_MIN, max_size=WISHES_MAX)):
        life.tell(wish(life))
    if draw(st.booleans()):
        play_to_the_end(life)
    return History(source, plan, life.given, tuple(life.told))
