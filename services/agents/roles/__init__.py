"""One package for each role; `service.py` in it is the process."""
