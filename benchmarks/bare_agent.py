"""An agent with nothing in it: every task that comes goes back as a result, over a bare stream."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
from typing import TypeAlias

import grpc
import uvloop

from archwright import stubs
from archwright.engine.v1.agent_work_pb2 import ConnectRequest, ConnectResponse, Delivery, Hello
from benchmarks.gathering import Gathering

_BATCH_MAX = 2_000
_MESSAGE_BYTES_MAX = 64 << 20
Stream: TypeAlias = "grpc.aio.StreamStreamCall[ConnectRequest, ConnectResponse]"

_OUTPUT = b'{"ok":true}'


async def main() -> None:
    """Echo until told to stop."""
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX)]
    gathering: Gathering[Delivery] = Gathering()
    async with grpc.aio.insecure_channel(os.environ["BENCHMARK_ENGINE"], options=options) as channel:
        call = stubs.agent_work(channel).Connect()
        request = ConnectRequest()
        request.frames.add().hello.CopyFrom(Hello(agent_id="bare"))
        await call.write(request)
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        print(json.dumps({"event": "ready", "address": ""}), flush=True)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as group:
            talking = [group.create_task(_write(call, gathering)), group.create_task(_read(call, gathering))]
            await stop.wait()
            for task in talking:
                task.cancel()


async def _read(call: Stream, gathering: Gathering[Delivery]) -> None:
    while (message := await call.read()) is not grpc.aio.EOF:
        assert isinstance(message, ConnectResponse)
        gathering.add([frame.assign.delivery for frame in message.frames if frame.HasField("assign")])


async def _write(call: Stream, gathering: Gathering[Delivery]) -> None:
    while True:
        request = ConnectRequest()
        for delivery in await gathering.take(_BATCH_MAX):
            result = request.frames.add().result
            result.output = _OUTPUT
            result.delivery.task_id = delivery.task_id
            result.delivery.attempt = delivery.attempt
            result.delivery.lease_id = delivery.lease_id
        await call.write(request)


if __name__ == "__main__":
    uvloop.run(main())
