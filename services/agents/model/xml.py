"""Parses XML that strangers send: nothing is fetched, nothing is expanded, and nothing is larger than it looks."""

from __future__ import annotations

from typing import Any

from lxml import etree

from archwright.errors import PayloadInvalid, PayloadTooLarge

SIZE_BYTES_MAX = 32 * 1024 * 1024


def _declares_type(root: etree._Element) -> bool:
    document: Any = root.getroottree().docinfo
    return bool(document.doctype)


def parse(content: bytes, what: str) -> etree._Element:
    """Return the root of a document; `what` says in errors what it should have been.

    Raises PayloadTooLarge, or PayloadInvalid where it is no XML or declares a document type, as entities hide there.
    """
    if len(content) > SIZE_BYTES_MAX:
        raise PayloadTooLarge(f"{what} has at most {SIZE_BYTES_MAX} bytes, not {len(content)}.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise PayloadInvalid(f"{what} is XML, and this is not well-formed: {error}") from error
    if _declares_type(root):
        raise PayloadInvalid(f"{what} has no document type declaration; take it out, with the entities it declares.")
    return root
