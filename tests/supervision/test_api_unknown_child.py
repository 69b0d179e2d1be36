"""A supervisor is asked for a child that it does not have."""

from typing import Any

import pytest

from dramaturg.actors import OptionError
from dramaturg.supervision import (
    ChildNotFound,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    TerminateChild,
)
from tests.actors.kit import Puppet
from tests.supervision.api_kit import ask, refused
from tests.supervision.kit import Script, child, planted


@pytest.mark.parametrize("message", [TerminateChild, RestartChild, DeleteChild, GetChildSpec])
async def test_a_child_that_is_not_there_is_not_found(message: Any) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        error = await refused(tree, message("b"), ChildNotFound)

        assert error.child == "b"


@pytest.mark.parametrize("message", [TerminateChild, GetChildSpec])
async def test_somebody_elses_ref_is_not_found(message: Any) -> None:
    async with planted() as tree:
        stranger = tree.system.spawn(Puppet)

        error = await refused(tree, message(stranger), ChildNotFound)

        assert error.child == stranger


@pytest.mark.parametrize("message", [TerminateChild, RestartChild, DeleteChild, GetChildSpec])
@pytest.mark.parametrize("nonsense", [["a"], {"a": 1}, None, 7], ids=str)
async def test_nonsense_in_the_place_of_an_id_is_refused_and_harms_nobody(
    message: Any, nonsense: Any
) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        with pytest.raises((OptionError, ChildNotFound)):
            await ask(tree, message(nonsense))

        assert await tree.states() == {"a": "running"}
        assert len(script.begun) == 1
