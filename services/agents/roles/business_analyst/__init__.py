"""The business analyst: from the words of a request to requirements that others can build on."""
