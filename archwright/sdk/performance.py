"""One task done: its function called, and however that ended put into a Result or a Failure."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import structlog

from archwright.errors import ArchwrightError, Exhausted, InvalidArgument, NotFound, Unavailable
from archwright.language.model import ErrorCategory
from archwright.payloads import canonical, check, parse
from archwright.sdk.agent import Duty
from archwright.sdk.errors import TaskFailed, TimedOut
from archwright.sdk.frames import Assign, Delivery, Failure, Result
from archwright.sdk.outputs import encode
from archwright.sdk.task import Cancellation, Task, TaskPort
from archwright.sdk.threads import ThreadPool

AGENT_FAULT = "AGENT_FAULT"
TASK_TYPE_UNKNOWN = "TASK_TYPE_UNKNOWN"
MESSAGE_LENGTH_MAX = 4000
DETAILS_BYTES_MAX = 64 << 10

log: Any = structlog.get_logger(__name__)


async def perform(
    duty: Duty | None, assign: Assign, port: TaskPort, cancellation: Cancellation, threads: ThreadPool
) -> Result | Failure:
    """Do the task and return what the engine is to hear of it. Raises nothing but cancellation."""
    if duty is None:
        able = f" and able of {assign.capability}" if assign.capability else ""
        message = f"The agent has no function for tasks of type {assign.task_type!r}{able}."
        return Failure(assign.delivery, ErrorCategory.PERMANENT, TASK_TYPE_UNKNOWN, message)
    try:
        task = _task(assign, port, cancellation)
        forms = duty.forms
        arguments = (task,) if forms.input is None else (task, forms.input.read(task.input))
        outcome = duty.function(*arguments) if duty.is_async else await threads.call(duty.function, *arguments)
        # A function may be async and not look like it: one in a partial, or an object that is called.
        output = await outcome if duty.is_async or asyncio.iscoroutine(outcome) else outcome
        if forms.output is not None and output is not None:
            output = forms.output.settle(output)
        return Result(assign.delivery, encode(output), task.artifacts, task.usage)
    except TaskFailed as failed:
        return _failure(assign.delivery, failed)
    except asyncio.CancelledError as cancelled:
        current = asyncio.current_task()
        if cancellation.reason is not None or (current is not None and current.cancelling()):
            raise
        # Something inside the function was cancelled, and nobody asked for that.
        return _fault(assign, cancelled)
    except ArchwrightError as error:
        return _refused(assign, error)
    except TimeoutError as error:
        return _failure(assign.delivery, TimedOut(str(error) or "Something took longer than the function waits."))
    except Exception as error:  # the top of a function that is not ours
        return _fault(assign, error)


def _task(assign: Assign, port: TaskPort, cancellation: Cancellation) -> Task:
    return Task(
        task_id=assign.delivery.task_id,
        workflow_id=assign.workflow_id,
        step=assign.step,
        task_type=assign.task_type,
        tenant=assign.tenant,
        input=parse(assign.input, root="input") if assign.input else {},
        context=parse(assign.context, root="context") if assign.context else {},
        attempt=assign.delivery.attempt,
        failures=assign.failures,
        idempotency_key=assign.idempotency_key,
        deadline=None if assign.deadline is None else datetime.fromtimestamp(assign.deadline, UTC),
        repair_errors=assign.repair_errors,
        budget=assign.budget,
        _port=port,
        _cancellation=cancellation,
        _loop=asyncio.get_running_loop(),
    )


def _failure(delivery: Delivery, failed: TaskFailed) -> Failure:
    details = b"" if failed.details is None else canonical(check(failed.details, root="details"))
    message = failed.message
    if len(details) > DETAILS_BYTES_MAX:
        details = b""
        message = f"{message} (Its details had more than {DETAILS_BYTES_MAX:,} bytes and were left out.)"
    return Failure(delivery, failed.category, failed.code, message[:MESSAGE_LENGTH_MAX], failed.retry_after, details)


def _refused(assign: Assign, error: ArchwrightError) -> Failure:
    """Return what an error of ours means that the function let out: who must act decides the category."""
    match error:
        case Unavailable():
            category = ErrorCategory.TRANSIENT
        case Exhausted():
            category = ErrorCategory.CAPACITY
        case InvalidArgument() | NotFound():
            category = ErrorCategory.PERMANENT
        case _:
            return _fault(assign, error)
    return Failure(
        assign.delivery, category, error.reason, error.message[:MESSAGE_LENGTH_MAX], error.retry_after_seconds
    )


def _fault(assign: Assign, error: BaseException) -> Failure:
    # The traceback stays here: it may hold what no other tenant's eyes should see.
    log.error("function_failed", delivery=str(assign.delivery), step=assign.step, exc_info=error)
    message = f"{type(error).__name__}: {error}"[:MESSAGE_LENGTH_MAX]
    return Failure(assign.delivery, ErrorCategory.PERMANENT, AGENT_FAULT, message)
