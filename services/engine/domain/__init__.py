"""What workflows are and how they move: pure, without clock, chance or input and output."""
