"""Judges what the roles make of texts against what people say is in them."""
