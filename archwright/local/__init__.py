"""The local mesh: everything on one machine, from wheels, as processes of their own.

What runs is what runs in production: real PostgreSQL, Valkey and Envoy, and one process per service and
per agent role. This package starts and stops them; it never imports `services`.
"""
