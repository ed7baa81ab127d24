"""What goes on for as long as the service lives."""
