"""Points Ledger: a customer-loyalty points ledger for one program, in one AWS account."""

__version__ = "0.1.0"
