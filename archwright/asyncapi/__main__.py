"""Prints the document: `python -m archwright.asyncapi > gateway/asyncapi/asyncapi.json`."""

import sys

from archwright.asyncapi import document

if __name__ == "__main__":
    sys.stdout.buffer.write(document())
