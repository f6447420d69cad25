"""The edge between Lambda and the ledger: settings, clients, logs, HTTP, batches, schedules.

Nothing is imported here, so that each function imports only what it needs.
"""
