"""A role called directly, over its own typed service: the same functions as for a workflow's tasks."""
