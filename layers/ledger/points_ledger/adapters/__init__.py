"""The outside: the table, the queues, the bus, the secrets and the providers."""
