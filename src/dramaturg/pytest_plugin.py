"""The pytest plugin of ``dramaturg.protocols.testing``, to be named where pytest does not find it.

pytest finds it by itself where dramaturg is installed. Where it may not look for plugins, say
``-p dramaturg.pytest_plugin``, or in the ``conftest.py`` at the top
``pytest_plugins = ["dramaturg.pytest_plugin"]``. Doing both is harmless.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_addoption"]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin, unless pytest has found it."""
    if not pluginmanager.has_plugin("dramaturg"):
        pluginmanager.register(import_module("dramaturg._pytest_plugin"), "dramaturg")
