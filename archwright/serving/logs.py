"""Structured logs on standard error; standard output belongs to what a program says on purpose.

Tracebacks are written without the values of variables: those may hold payloads.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Form = Literal["json", "console"]

# These tell every connection, statement and URL at `info`; a URL may hold a key.
_LOUD = ("sqlalchemy", "alembic", "asyncio", "grpc", "httpx", "httpcore", "urllib3")


def configure(*, service: str, level: str = "info", form: Form = "json") -> None:
    """Set up structlog, and the standard library's logging through it, for this process."""

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        name_service,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, _renderer(form)],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=(
            structlog.BytesLoggerFactory(sys.stderr.buffer)
            if form == "json"
            else structlog.WriteLoggerFactory(sys.stderr)
        ),
        cache_logger_on_first_use=True,
    )
    _adopt_standard_logging(shared, threshold)


def _renderer(form: Form) -> Processor:
    match form:
        case "json":
            return structlog.processors.JSONRenderer(serializer=orjson.dumps, default=str)
        case "console":
            return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _adopt_standard_logging(shared: list[Processor], threshold: int) -> None:
    def to_text(_: WrappedLogger, __: str, event: EventDict) -> str:
        return orjson.dumps(event, default=str).decode()

    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, to_text],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(threshold)
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
