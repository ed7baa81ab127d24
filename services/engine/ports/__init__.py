"""What the engine's parts need of each other and of the world outside.

`api/`, `loops/` and `storage/` never import one another; they meet here, and `main` introduces them.
"""
