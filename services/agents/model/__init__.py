"""The shared architecture: one ArchiMate graph, the views of it, and its two forms outside (exchange file and SVG)."""
