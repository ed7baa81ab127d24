"""Which agents exist, what they can do, and how they are."""
