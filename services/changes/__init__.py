"""Takes what waits for people to a change management system, and what is decided there back to the workflow."""
