"""The rules of the ledger: values in, values out, the standard library only."""
