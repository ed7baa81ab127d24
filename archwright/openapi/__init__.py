"""The OpenAPI 3.1 document of everything that the gateway offers over REST.

It is derived from the descriptors that Envoy loads, comments included, so it cannot say anything else than
what the gateway does. `python -m archwright.openapi` prints it.
"""

from __future__ import annotations

from archwright.openapi.document import document

__all__ = ["document"]
