"""Changes to an architecture that exists: which elements a request means, and what hangs on them."""
