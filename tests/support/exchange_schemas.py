"""The ArchiMate exchange format's own schemas, where they are on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from services.agents.model.exchange.names import DUBLIN_CORE, NAMESPACE

DATA = Path(__file__).parents[3] / "shared/data/archimate"
needs_schemas = pytest.mark.skipif(not DATA.exists(), reason="the exchange format's schemas are not on this machine")


class LocalSchemas(etree.Resolver):
    """Finds every schema in the folder, whatever host its address names."""

    def resolve(self, system_url: str, public_id: str, context: object) -> object:
        return self.resolve_filename(str(DATA / "xsd" / system_url.rsplit("/", 1)[-1]), context)  # type: ignore[attr-defined]


def exchange_schema() -> etree.XMLSchema:
    """Return the schema of an exchange file."""
    # Dublin Core metadata needs its own schema beside the format's, or the strict wildcard refuses it.
    imports = ((NAMESPACE, "archimate3_Diagram.xsd"), (DUBLIN_CORE, "dc.xsd"))
    parts = "".join(f'<xs:import namespace="{space}" schemaLocation="{DATA}/xsd/{name}"/>' for space, name in imports)
    wrapper = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{parts}</xs:schema>'
    parser = etree.XMLParser()
    parser.resolvers.add(LocalSchemas())
    return etree.XMLSchema(etree.fromstring(wrapper, parser))
