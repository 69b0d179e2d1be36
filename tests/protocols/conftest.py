"""The async tests of topics also run in several orders of turns."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.any_order_plugin import with_twins


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: "pytest.Module | pytest.Class", name: str, obj: object
) -> Generator[None, Any, Any]:
    made = yield
    is_about_topics = collector.path.stem.startswith("test_topic")
    return with_twins(collector, name, obj, made) if is_about_topics else made
