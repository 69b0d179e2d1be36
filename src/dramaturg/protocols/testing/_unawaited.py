"""What a scenario has called and not awaited: it has not happened, and the scenario goes on.

Python only warns of it, and only once the coroutine is thrown away.
"""

from __future__ import annotations

import warnings
from inspect import CORO_CREATED, getcoroutinestate
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._places import OURS, here

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Unawaited"]

_WARN = "_warn_unawaited_coroutine"
"""What the interpreter calls in ``warnings`` with a coroutine that is thrown away unawaited."""


class Unawaited:
    """The coroutines of one run that were made for its scenario, and not awaited."""

    def __init__(self) -> None:
        self._nodes: list[tuple[str, Coroutine[Any, Any, Any]]] = []
        self._lost: list[tuple[str, str]] = []
        self._warn: Any = None

    def on(self, watched: Callable[[], bool]) -> None:
        """Begin to note what is thrown away, while ``watched`` says that the scenario runs."""
        self._warn = getattr(warnings, _WARN, None)
        if self._warn is None:
            return

        def note(coroutine: Any) -> None:
            ours = coroutine.cr_code.co_filename.startswith(OURS)
            if ours and watched():
                self._lost.append((_call(coroutine), here()))
            else:
                self._warn(coroutine)

        setattr(warnings, _WARN, note)

    def off(self) -> None:
        """End it; what never began is closed, and does not warn."""
        if self._warn is not None:
            setattr(warnings, _WARN, self._warn)
        for _, coroutine in self._nodes:
            if getcoroutinestate(coroutine) == CORO_CREATED:
                coroutine.close()

    def node(self, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Keep an eye on the start of a node."""
        self._nodes.append((name, coroutine))

    def holds(self, name: str) -> bool:
        """Tell whether the start of that node was not awaited yet."""
        return name in self._missing()

    def check(self) -> None:
        """Check that everything was awaited.

        :raises ScenarioError: if not.
        """
        for name in self._missing():
            raise ScenarioError(
                thing=f"sim.node({name!r}, ...)",
                problem="was never awaited, so that there is no such node",
                expected=f"`await sim.node({name!r}, ...)`",
            )
        for call, where in self._lost:
            raise ScenarioError(
                thing=f"{call} in {where}" if where else call,
                problem="was never awaited, so that it has not happened",
                expected="`await` before it",
            )

    def _missing(self) -> list[str]:
        return [name for name, each in self._nodes if getcoroutinestate(each) == CORO_CREATED]


def _call(coroutine: Any) -> str:
    name: str = coroutine.cr_code.co_name
    frame = coroutine.cr_frame
    given: dict[str, Any] = {} if frame is None else frame.f_locals
    return f"{name}({given['message']!r})" if "message" in given else f"{name}()"
