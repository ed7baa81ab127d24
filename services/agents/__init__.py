"""The eight roles: what each knows, thinks and returns."""
