"""The business architect: from requirements to what the business must be able to do, and how it does it."""
