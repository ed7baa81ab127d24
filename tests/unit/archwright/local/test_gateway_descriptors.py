from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from archwright.contract import contract
from archwright.local.gateway_descriptors import descriptors
from archwright.local.gateway_routes import services


@pytest.fixture
def loaded() -> FileDescriptorSet:
    return FileDescriptorSet.FromString(descriptors())


def test_a_reader_that_never_looks_forward_can_load_them(loaded: FileDescriptorSet) -> None:
    pool = DescriptorPool()
    for file in loaded.file:
        pool.Add(file)  # refuses a file before those that it imports

    for service in services(contract()):
        assert pool.FindServiceByName(service).methods


def test_the_details_of_errors_are_known(loaded: FileDescriptorSet) -> None:
    names = {f"{file.package}.{message.name}" for file in loaded.file for message in file.message_type}

    assert {"google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"} <= names


def test_comments_are_left_out(loaded: FileDescriptorSet) -> None:
    assert not any(file.HasField("source_code_info") for file in loaded.file)
