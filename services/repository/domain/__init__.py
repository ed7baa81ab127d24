"""What is committed where, and under which names: pure."""
