"""The contract in the form that the gateway's transcoder loads."""

from __future__ import annotations

from google.rpc import error_details_pb2

from archwright.contract import descriptor_set


def descriptors() -> bytes:
    """Return the descriptor set for Envoy: without comments, and with the types that details of errors have.

    A detail of a type that Envoy does not know would cost the caller the whole error.
    """
    files = descriptor_set()
    for file in files.file:
        file.ClearField("source_code_info")
    if all(file.name != error_details_pb2.DESCRIPTOR.name for file in files.file):
        error_details_pb2.DESCRIPTOR.CopyToProto(files.file.add())
    return files.SerializeToString(deterministic=True)
