"""What the registry does by itself, one duty per module."""
