"""The contract in the form that the gateway's transcoder loads."""

from __future__ import annotations

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2

from archwright.contract import contract, descriptor_set
from archwright.local.gateway_routes import services


def descriptors() -> bytes:
    """Return the descriptors of what has a REST form, without comments, and of the details that errors have.

    A detail of a type that Envoy does not know would cost the caller the whole error.
    """
    transcoded = set(services(contract()))
    known = {file.name: file for file in descriptor_set().file}
    details = FileDescriptorProto()
    error_details_pb2.DESCRIPTOR.CopyToProto(details)
    known.setdefault(details.name, details)
    kept = FileDescriptorSet()
    _keep(details, known, kept)
    for file in known.values():
        if any(f"{file.package}.{service.name}" in transcoded for service in file.service):
            _keep(file, known, kept)
    return kept.SerializeToString(deterministic=True)


def _keep(file: FileDescriptorProto, known: dict[str, FileDescriptorProto], kept: FileDescriptorSet) -> None:
    """Add the file, after all that it imports: no reader looks forward."""
    if any(file.name == there.name for there in kept.file):
        return
    for imported in file.dependency:
        _keep(known[imported], known, kept)
    kept.file.append(file)
    kept.file[-1].ClearField("source_code_info")
