"""What our own services need beyond `archwright.serving`: settings, a clock, loops, PostgreSQL, a way to stop."""
