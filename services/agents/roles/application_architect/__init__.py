"""The application architect: cuts the system into components and says how they meet."""
