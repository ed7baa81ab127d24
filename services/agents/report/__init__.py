"""The report: everything the eight roles found, as one page that needs nothing but itself."""
