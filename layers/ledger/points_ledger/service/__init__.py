"""Commands, queries and sweeps: load, decide, commit."""
