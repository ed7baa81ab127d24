"""Where events are in Redis: sixteen streams, and beside each what its groups note and what they gave up.

The braces are part of the names: they keep a partition's stream and all that belongs to it in one Redis Cluster slot.
"""

from __future__ import annotations

import re
import zlib

from archwright.errors import RequestInvalid

PARTITIONS = 16
"""Fixed for the life of a deployment: changing it would move workflows between streams."""

_GROUP = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")

CONTENT_TYPE = "application/cloudevents-batch+json"


def partition_of(workflow_id: str) -> int:
    """Return the partition that holds all events of this workflow."""
    return zlib.crc32(workflow_id.encode()) % PARTITIONS


def stream_of(partition: int) -> str:
    """Return the name of the partition's stream."""
    return f"archwright:events:{{{partition}}}"


def dead_stream_of(partition: int) -> str:
    """Return the name of the stream of what groups have given up."""
    return f"{stream_of(partition)}:dead"


def notes_of(partition: int, group: str) -> str:
    """Return the name of the hash in which a group notes what failed, by entry."""
    return f"{stream_of(partition)}:notes:{group}"


def require_group(name: str) -> str:
    """Return the name of a group; raises RequestInvalid where it is none."""
    if not _GROUP.fullmatch(name):
        raise RequestInvalid(
            f"{name[:80]!r} cannot be the name of a group: take up to 64 lower-case letters, digits, '-', '_' and '.'."
        )
    return name
