"""The project manager: who does what by when, and whether that is in time."""
