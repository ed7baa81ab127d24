"""Brings what happens to workflows to browsers: WebSockets, fed by what the engine tells whoever watches."""
