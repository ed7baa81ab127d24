"""Prints the document: `python -m archwright.openapi > gateway/openapi/openapi.json`."""

import sys

from archwright.openapi import document

if __name__ == "__main__":
    sys.stdout.buffer.write(document())
