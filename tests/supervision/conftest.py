"""The async tests here also run in several orders of turns."""

from tests.any_order_plugin import pytest_pycollect_makeitem

__all__ = ["pytest_pycollect_makeitem"]
