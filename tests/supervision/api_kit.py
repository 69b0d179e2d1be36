"""Asking a supervisor: what it answers, and what it refuses."""

from typing import Any

import pytest

from dramaturg.supervision import Backoff, ChildRefused, ChildSpec
from tests.actors.kit import within
from tests.supervision.kit import Script, Tree, child

each_failure = pytest.mark.parametrize("outcome", ["fail", "fail in init"])
each_ignore = pytest.mark.parametrize("outcome", ["ignore", "ignore in init"])


async def ask(tree: Tree, message: Any) -> Any:
    return await within(tree.top.request(message))


async def refused(tree: Tree, message: Any, cls: type[ChildRefused]) -> Any:
    """Check that the supervisor says no, lives on, and has changed nothing."""
    before = await tree.children()
    with pytest.raises(ChildRefused) as caught:
        await ask(tree, message)
    assert type(caught.value) is cls
    assert caught.value.path == "/top"
    assert await tree.children() == before
    return caught.value


def restarting(script: Script, id_: str = "a") -> ChildSpec:
    """Make the spec of a child that, once it has failed, is restarting for an hour."""
    return child(script, id_, backoff=Backoff(3_600, 3_600))
