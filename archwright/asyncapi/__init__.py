"""The AsyncAPI 3.0 document: what is published to the bus, and what WebSockets tell. Made from catalogue and protos."""

from archwright.asyncapi.document import document

__all__ = ["document"]
