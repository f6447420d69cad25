"""Who may call what: one table, which the tests of the functions and of the stack both ask, and
which docs/security.md shows."""
