"""Where prices come from: the catalogue of this release, or a service that knows today's."""
