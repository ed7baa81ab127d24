"""The ArchiMate Model Exchange File Format 3.1: written, read, and checked as importers do."""
