"""What the roles know: tables in YAML, and the one way to read them."""
