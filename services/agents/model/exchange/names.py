"""Names of the ArchiMate Model Exchange File Format 3.1, whose namespace is still that of 3.0."""

from __future__ import annotations

NAMESPACE = "http://www.opengroup.org/xsd/archimate/3.0/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
SCHEMA_LOCATION = (
    f"{NAMESPACE} http://www.opengroup.org/xsd/archimate/3.1/archimate3_Diagram.xsd "
    f"{DUBLIN_CORE} http://dublincore.org/schemas/xmls/qdc/2008/02/11/dc.xsd"
)
MODEL_ID = "model-architecture"
LANGUAGE = "en"


def tag(name: str) -> str:
    """Return `name` in the format's namespace, as lxml writes it."""
    return f"{{{NAMESPACE}}}{name}"


XSI_TYPE = f"{{{XSI}}}type"
XML_LANG = f"{{{XML}}}lang"
