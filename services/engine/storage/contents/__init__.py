"""Places for the content of files."""
