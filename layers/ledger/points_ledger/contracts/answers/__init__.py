"""What the interface answers, as types: the description that clients get is made of them.

Nothing imports them at run time. They stand beside the functions that build the documents, and
every answer of the tests is held to them (tests/functions/described.py).
"""
