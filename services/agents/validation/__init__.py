"""What every output of a role is held to, whoever made it: rules, or a language model.

Three layers. `schema`: it is the message that the contract says. `references`: whatever it refers to exists, and no id
is given twice. `operations` and the role's own checks: it is right in its domain. Nothing here repairs.
"""
