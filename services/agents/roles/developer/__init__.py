"""The developer: a repository that starts, serves what was designed, and proves what was asked for."""
