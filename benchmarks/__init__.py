"""Measures Archwright on the machine at hand, beside the floor of what that machine can do."""
