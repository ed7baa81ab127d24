"""A language model that refines what a role's rules have made: through the same schema and checks, or not at all.

Optional. Only `provider` and `conversation` know the library that talks to models.
"""
