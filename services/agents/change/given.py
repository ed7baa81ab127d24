"""The model that a request for a change comes with: as text, or compressed where it would not fit."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping

from archwright.errors import ArchwrightError
from archwright.payloads import Json
from archwright.sdk.errors import Permanent
from services.agents.model.baseline import read_baseline
from services.agents.model.graph import Model
from services.agents.model.xml import SIZE_BYTES_MAX

KEY = "baseline_model"
_GZIP_IN_BASE64 = "H4sI"
_GZIP = 16 + zlib.MAX_WBITS


def baseline_of(request: Json) -> Model | None:
    """Return the model under `baseline_model` of a request; None where there is none.

    It is an exchange file or a file of Archi: the XML itself, or that through gzip and base64. Raises Permanent, as
    no retry mends it, with the reason why it cannot be read.
    """
    given = request.get(KEY) if isinstance(request, Mapping) else None
    if not given:
        return None
    if not isinstance(given, str):
        raise Permanent(f"`{KEY}` is the text of a model, not {type(given).__name__}.", code="BASELINE_INVALID")
    try:
        return read_baseline(_content(given))
    except ArchwrightError as error:
        raise Permanent(f"`{KEY}` cannot be read. {error.message}", code="BASELINE_INVALID") from error


def _content(text: str) -> bytes:
    if not text.startswith(_GZIP_IN_BASE64):
        return text.strip().encode("utf-8", "replace")
    try:
        inflating = zlib.decompressobj(_GZIP)
        content = inflating.decompress(base64.b64decode("".join(text.split()), validate=True), SIZE_BYTES_MAX)
    except (binascii.Error, zlib.error) as error:
        raise Permanent(f"`{KEY}` looks compressed and is not: {error}.", code="BASELINE_INVALID") from error
    if inflating.unconsumed_tail or not inflating.eof:
        raise Permanent(
            f"`{KEY}` is cut short, or has over {SIZE_BYTES_MAX} bytes once unpacked.", code="BASELINE_INVALID"
        )
    return content
