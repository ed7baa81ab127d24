"""The way of every call, from raw bytes to the answer: token, access rule, parsing, the servicer, errors.

One pipeline instead of interceptors, because interceptors see a call only after it was parsed, and grpc-python
leaks the parser's text when that fails. It adds nothing to a message of a stream but parsing.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from archwright import ids
from archwright.errors import (
    ArchwrightError,
    DeadlinePassed,
    InternalFault,
    MethodUnknown,
    PayloadInvalid,
)
from archwright.serving.admission import Admission, Context, Verifier, path_of
from archwright.serving.calls import Call
from archwright.serving.status import to_status
from archwright.serving.tokens import ANONYMOUS

__all__ = ["Call", "Served", "Verifier", "answering_name", "make_handlers"]

log = structlog.get_logger(__name__)

UNARY_SECONDS_MAX: Final = 60.0
"""How long a call that is not a stream may take, whatever deadline its caller set."""

WRITE_SECONDS_MAX: Final = 20.0
"""How long the caller of a stream may let a message lie that it was sent, before it is left."""

FAREWELL_SECONDS_MAX: Final = 5.0
"""How long we wait for our last word to be taken."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Served:
    """A service of a proto, and the object that answers its calls.

    The object has a method per RPC, in snake case: `(request, call)` and an awaited answer, an async generator
    where the answer is a stream, and an async iterator of requests where the request is one.
    """

    descriptor: ServiceDescriptor
    servicer: object


def make_handlers(services: Sequence[Served], verifier: Verifier) -> list[grpc.GenericRpcHandler]:
    """Return what a gRPC server needs to serve `services`; any other method is answered METHOD_UNKNOWN.

    Raises ValueError when a method has no access rule, or the servicer does not answer it.
    """
    known: list[grpc.GenericRpcHandler] = [
        grpc.method_handlers_generic_handler(
            served.descriptor.full_name,
            {method.name: _Method(method, served.servicer, verifier).handler() for method in served.descriptor.methods},
        )
        for served in services
    ]
    return [*known, _Unknown()]


class _Method:
    """One RPC: everything about it that does not change from call to call."""

    def __init__(self, method: MethodDescriptor, servicer: object, verifier: Verifier) -> None:
        self._name = path_of(method)
        self._admission = Admission(method, verifier)
        self._streams_in, self._streams_out = method.client_streaming, method.server_streaming
        self._parse = GetMessageClass(method.input_type).FromString
        self._serialise = GetMessageClass(method.output_type).SerializeToString
        self._answer = _bound(servicer, method)

    def handler(self) -> grpc.RpcMethodHandler[Any, Any]:
        """Return the handler of this method's kind; requests reach it as bytes."""
        # The stubs know only the synchronous signatures.
        match self._streams_in, self._streams_out:
            case False, False:
                return grpc.unary_unary_rpc_method_handler(cast(Any, self._unary_unary), None, self._serialise)
            case False, True:
                return grpc.unary_stream_rpc_method_handler(cast(Any, self._unary_stream), None, self._serialise)
            case True, False:
                return grpc.stream_unary_rpc_method_handler(cast(Any, self._stream_unary), None, self._serialise)
            case _:
                return grpc.stream_stream_rpc_method_handler(cast(Any, self._stream_stream), None, self._serialise)

    async def _unary_unary(self, raw: bytes, context: Context) -> Message | None:
        async def answer(call: Call) -> Message:
            try:
                async with asyncio.timeout(UNARY_SECONDS_MAX) as limit:
                    return cast(Message, await self._answer(self._parsed(raw), call))
            except TimeoutError:
                if limit.expired():
                    raise _too_slow(self._name) from None
                raise

        return await self._conduct(context, answer)

    async def _unary_stream(self, raw: bytes, context: Context) -> None:
        async def answer(call: Call) -> None:
            await self._send_all(self._answer(self._parsed(raw), call), context, call.answer_headers)

        await self._conduct(context, answer)

    async def _stream_unary(self, _: object, context: Context) -> Message | None:
        async def answer(call: Call) -> Message:
            return cast(Message, await self._answer(_Requests(context.read, self._parsed), call))

        return await self._conduct(context, answer)

    async def _stream_stream(self, _: object, context: Context) -> None:
        async def answer(call: Call) -> None:
            await self._send_all(
                self._answer(_Requests(context.read, self._parsed), call), context, call.answer_headers
            )

        await self._conduct(context, answer)

    async def _conduct(self, context: Context, answer: Callable[[Call], Awaitable[Answer]]) -> Answer | None:
        """Admit the call, have it answered, tell errors in our words, and log how it ended."""
        started = time.perf_counter()
        caller, code = ANONYMOUS, grpc.StatusCode.OK
        try:
            call = self._admission.admit(context)
            caller = call.caller
            return await answer(call)
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:  # the top of every call: what is not ours to tell is masked here
            if context.done():
                # The caller has gone; there is nobody to tell.
                code = grpc.StatusCode.CANCELLED
                return None
            code, message, trailers = to_status(_told(error, self._name))
            # Whoever does not read does not take our last word either; it lies in front of them when they do.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS_MAX):
                    await context.abort(code, message, trailers)
            return None
        finally:
            log.info(
                "call_answered",
                method=self._name,
                code=code.name,
                ms=round((time.perf_counter() - started) * 1000, 2),
                tenant=caller.tenant,
                subject=caller.subject,
            )

    async def _send_all(
        self, responses: AsyncGenerator[Message, None], context: Context, headers: Mapping[str, str]
    ) -> None:
        """Send every response; a caller that stops reading is left, and costs the others nothing but a buffer."""
        write, is_first = context.write, True
        async with aclosing(responses):
            async for response in responses:
                if is_first and headers:
                    await context.send_initial_metadata(tuple(headers.items()))
                is_first = False
                try:
                    async with asyncio.timeout(WRITE_SECONDS_MAX) as limit:
                        await write(response)
                except TimeoutError:
                    if limit.expired():
                        raise _unread(self._name) from None
                    raise

    def _parsed(self, raw: bytes) -> Message:
        try:
            return self._parse(raw)
        except DecodeError:
            raise PayloadInvalid(
                f"The request of {self._name} cannot be decoded: it is not a message of this method, "
                "or a payload in it is nested too deep.",
                facts={"method": self._name},
            ) from None


class _Requests(AsyncIterator[Message]):
    """The messages that a caller streams, parsed one by one."""

    __slots__ = ("_parse", "_read")

    def __init__(self, read: Callable[[], Awaitable[Any]], parse: Callable[[bytes], Message]) -> None:
        self._read = read
        self._parse = parse

    async def __anext__(self) -> Message:
        raw = await self._read()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._parse(raw)


class _Unknown(grpc.GenericRpcHandler):
    """Answers every method that nobody else answers."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        method = handler_call_details.method

        async def refuse(_: object, context: Context) -> None:
            unknown = MethodUnknown(
                f"There is no method {method}. Server reflection lists those that there are.", facts={"method": method}
            )
            await context.abort(*to_status(unknown))

        return grpc.stream_stream_rpc_method_handler(cast(Any, refuse))


def answering_name(method: MethodDescriptor) -> str:
    """Return what a servicer calls the function that answers a method: its name in snake case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", method.name).lower()


def _bound(servicer: object, method: MethodDescriptor) -> Callable[..., Any]:
    name = answering_name(method)
    answer = getattr(servicer, name, None)
    if not callable(answer):
        raise ValueError(f"{type(servicer).__name__} does not answer {method.full_name}: it has no method `{name}`.")
    is_stream = inspect.isasyncgenfunction(inspect.unwrap(answer))
    if is_stream != method.server_streaming:
        wanted = "an async generator" if method.server_streaming else "a coroutine"
        raise ValueError(f"{type(servicer).__name__}.{name} must be {wanted}, as {method.full_name} asks.")
    return cast(Callable[..., Any], answer)


def _told(error: Exception, method: str) -> ArchwrightError:
    """Return what the caller may know: an error of ours, or the id under which a fault was logged."""
    known = _known_within(error)
    if known is not None:
        return known
    fault_id = ids.show("fault", ids.new_uuid())
    log.error("call_failed", method=method, fault_id=fault_id, exc_info=error)
    return InternalFault(
        f"A fault of ours; it was logged as {fault_id}. Trying again later may help, reporting it will.",
        facts={"fault_id": fault_id},
    )


def _known_within(error: BaseException) -> ArchwrightError | None:
    if isinstance(error, ArchwrightError):
        return error
    if isinstance(error, BaseExceptionGroup):
        # A TaskGroup wraps what its tasks raise.
        return next(filter(None, map(_known_within, error.exceptions)), None)
    return None


def _unread(method: str) -> DeadlinePassed:
    return DeadlinePassed(
        f"The caller of {method} has read nothing for {WRITE_SECONDS_MAX:g} s and was left. "
        "Call again, and read what comes.",
        facts={"method": method, "limit_seconds": f"{WRITE_SECONDS_MAX:g}"},
    )


def _too_slow(method: str) -> DeadlinePassed:
    return DeadlinePassed(
        f"{method} took longer than {UNARY_SECONDS_MAX:g} s and was given up. "
        "Whether it took effect is not known; send it again with the same request id.",
        facts={"method": method, "limit_seconds": f"{UNARY_SECONDS_MAX:g}"},
    )
