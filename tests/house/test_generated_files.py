"""Files that are generated and committed are what their generators make today."""

from __future__ import annotations

from pathlib import Path

from archwright import asyncapi
from archwright.local.gateway_chart import files
from archwright.openapi import document

ROOT = Path(__file__).parents[2]


def test_the_openapi_document_is_that_of_the_protos() -> None:
    committed = (ROOT / "gateway/openapi/openapi.json").read_bytes()

    assert committed == document(), "run `python -m archwright.openapi > gateway/openapi/openapi.json`"


def test_the_asyncapi_document_is_that_of_the_catalogue_and_the_protos() -> None:
    committed = (ROOT / "gateway/asyncapi/asyncapi.json").read_bytes()

    assert committed == asyncapi.document(), "run `python -m archwright.asyncapi > gateway/asyncapi/asyncapi.json`"


def test_the_gateways_files_in_the_chart_are_those_of_the_template() -> None:
    folder = ROOT / "helm/archwright/files"
    differing = [name for name, content in files().items() if (folder / name).read_bytes() != content]

    assert differing == [], "run `python -m archwright.local.gateway_chart helm/archwright/files`"
