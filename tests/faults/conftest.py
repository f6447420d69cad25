"""The functions that reach nothing, as the tests of the functions have them."""

from tests.functions.conftest import cut_off, deploy

__all__ = ["cut_off", "deploy"]
