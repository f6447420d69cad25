"""What only the laptop needs: the local stack, and the demonstration that runs on it.

Nothing under ``functions/`` or ``layers/`` imports this package. It is the only code that knows the
emulator, and it speaks to it through public AWS interfaces alone.
"""
