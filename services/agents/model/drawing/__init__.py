"""Diagrams as SVG, in the colours and signs of ArchiMate."""
