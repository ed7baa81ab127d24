"""The command line: one file per noun or verb; `main` puts them together.

A command's module is imported when that command is called, so `archwright --help` and short questions stay quick.
"""
