"""What an agent is and how it stands: values and total functions, no I/O."""
