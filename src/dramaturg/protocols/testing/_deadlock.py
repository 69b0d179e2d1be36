"""Deadlocks: who waits for whom when nothing goes on.

What is seen: requests that are waited for within a handler or by the scenario; handlers that wait
for anything else, with the line where they do; messages that were stashed and not taken up. What
another actor *could* send is in nobody's state: that a handler waits for it shows only when nothing
is left to happen.
"""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from dramaturg.actors._envelope import Envelope
from dramaturg.actors._future import Future
from dramaturg.actors._reply import Reply
from dramaturg.protocols._borders import instance
from dramaturg.protocols.testing._addresses import name_of
from dramaturg.protocols.testing._borders import check_given, check_kinds
from dramaturg.protocols.testing._simulation import Simulation

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Iterator

    from dramaturg.actors import ActorSystem
    from dramaturg.actors._cell import Cell

__all__ = ["no_deadlock"]

SCENARIO = "the scenario"
DEADLINES = (":deadline #", ":give_up #")
"""In the names of timers that only end somebody's waiting."""


def no_deadlock(
    sim: Simulation, *, deadlines_help: bool = False, may_wait: Collection[str] = ()
) -> None:
    """Declare that nobody waits for what cannot come; tell who waits for whom if somebody does.

    It looks whenever no message is left to be handled. A circle of requests is reported at once.
    All else is reported when no timer is set either, but for deadlines of requests: a handler
    that waits, the scenario that waits, messages that were stashed for good. While any other
    timer is set something may still come, and only circles are reported.

    :param deadlines_help: wait for the deadlines of requests too, since whoever gives up a
        request may then bring about what the others wait for.
    :param may_wait: paths of actors that wait for ever, or keep a stash, by their nature; whoever
        waits for them may do so, too.
    :raises ScenarioError: for what is no simulation, or an option that cannot be used.
    """
    check_kinds(sim=(sim, instance(Simulation, "a Simulation")))
    check_given(deadlines_help=deadlines_help, may_wait=may_wait)

    def no_deadlock(_: object) -> None:
        events = sim.enabled()
        if all(event.kind == "timer" for event in events):
            timers = [each.name for each in sim.timers.living()]
            over = not timers or (
                not deadlines_help
                and all(any(each in name for each in DEADLINES) for name in timers)
            )
            said = _Waits(sim, may_wait).report(for_good=over, at_rest=not timers)
            if said:
                raise AssertionError(f"deadlock: {said}")

    sim.always(no_deadlock)


class _Waits:
    """Who waits for whom at one moment."""

    def __init__(self, sim: Simulation, may_wait: Collection[str]) -> None:
        self._finished = sim._finished
        self._may_wait = may_wait
        self._cells = [cell for system in sim.nodes.systems() for cell in _cells(system)]
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        # For each that waits, whom for and by which message.
        self.graph: dict[str, list[tuple[str, str]]] = {}
        for cell in self._cells:
            self._note(cell)
        for cell in self._cells:
            for envelope in _held(cell):
                self._note_request(cell, envelope)

    def _note_request(self, cell: Cell, envelope: Envelope) -> None:
        """Note a request that is in no graph of the runtime's: the scenario's, and futures'."""
        reply: Any = getattr(envelope.reply, "_slot", envelope.reply)  # a tap's is in front
        who = SCENARIO
        if envelope.sender is not None:
            who = name_of(envelope.sender.cell)
            if isinstance(reply, Reply) or who not in self._tasks:
                return
        if _is_waited_for(reply):
            self._add(who, name_of(cell), type(envelope.message).__name__)

    def _note(self, cell: Cell) -> None:
        task = cell.system.tasks.suspended_in(cell)
        if task is None:
            return
        name = name_of(cell)
        self._tasks[name] = task
        for serial, reply in cell.system.waits_for.get(cell, ()):
            if serial == cell.serial:
                self._add(name, name_of(reply.target), _asked(reply))

    def _add(self, who: str, whom: str, what: str) -> None:
        self.graph.setdefault(who, []).append((whom, what))

    def report(self, *, for_good: bool, at_rest: bool) -> str:
        """Say who waits; "" if nobody waits in vain.

        :param for_good: whether nothing is left that could help.
        :param at_rest: whether nothing is left at all.
        """
        circle = self._circle()
        if circle:
            return self._chain(circle)
        if not for_good:
            return ""
        starts = [each for each in self._starts() if self._path(each)[-1] not in self._may_wait]
        said = [self._chain(self._path(start)) for start in starts]
        if at_rest:
            said += [_stashed(cell) for cell in self._cells if self._keeps(cell)]
        elif not any(self._ends_in_vain(start) for start in starts):
            return ""
        return "; ".join(dict.fromkeys(said))

    def _keeps(self, cell: Cell) -> bool:
        return bool(_stash(cell)) and name_of(cell) not in self._may_wait

    def _starts(self) -> list[str]:
        """Return those who wait and nobody waits for, the scenario first."""
        waited_for = {whom for edges in self.graph.values() for whom, _ in edges}
        waiting = dict.fromkeys([*self.graph, *self._tasks])
        found = [each for each in waiting if each not in waited_for and each != SCENARIO]
        return [*([] if self._finished and SCENARIO not in self.graph else [SCENARIO]), *found]

    def _ends_in_vain(self, start: str) -> bool:
        """Tell whether the last of a chain waits, or has put the request aside."""
        last = self._path(start)[-1]
        if last in self._tasks:
            return last not in self.graph
        return any(name_of(cell) == last and _stash(cell) for cell in self._cells)

    def _path(self, start: str) -> list[str]:
        path = [start]
        while path[-1] in self.graph and self.graph[path[-1]][0][0] not in path:
            path.append(self.graph[path[-1]][0][0])
        return path

    def _circle(self) -> list[str]:
        for start in self.graph:
            path = self._path(start)
            edges = self.graph.get(path[-1])
            if edges and edges[0][0] in path:
                back = edges[0][0]
                return [*path[path.index(back) :], back]
        return []

    def _chain(self, path: list[str]) -> str:
        parts = [
            f"{who} waits for {whom} ({dict(self.graph[who])[whom]})"
            for who, whom in pairwise(path)
        ]
        last = path[-1]
        if last not in path[:-1]:
            parts.append(self._last(last))
        return ", ".join(parts)

    def _last(self, name: str) -> str:
        task = self._tasks.get(name)
        if task is not None:
            return f"{name} waits{_where(task)} for nothing that could come{self._unread(name)}"
        if name == SCENARIO:
            return f"{name} waits for nothing that could come"
        for cell in self._cells:
            if name_of(cell) == name and _stash(cell):
                return _stashed(cell)
        return f"{name} does nothing{self._unread(name)}"

    def _unread(self, name: str) -> str:
        unread = next((cell.depth for cell in self._cells if name_of(cell) == name), 0)
        return f", with {unread} unread" if unread else ""


def _cells(system: ActorSystem) -> Iterator[Cell]:
    below = [system.root]
    while below:
        cell = below.pop(0)
        below += tuple((cell.children or {}).values())
        yield cell


def _held(cell: Cell) -> Iterator[Envelope]:
    """Return the messages that an actor handles, has waiting or has stashed."""
    mailbox: Any = cell.mailbox
    waiting = mailbox if mailbox.__class__ is list else ()
    # Of a batch the copy of the iterator: the rest is the actor's.
    begun = () if cell.batch is None else copy(cell.batch)
    for item in [cell.message, *begun, *waiting, *_stash(cell)]:
        if item.__class__ is Envelope:
            yield item


def _stash(cell: Cell) -> tuple[Any, ...]:
    return () if cell.extra is None else tuple(cell.extra.stash or ())


def _stashed(cell: Cell) -> str:
    names = [type(getattr(each, "message", each)).__name__ for each in _stash(cell)]
    messages = "1 message" if len(names) == 1 else f"{len(names)} messages"
    return f"{name_of(cell)} has stashed {messages} ({', '.join(names)}) and takes up none"


def _is_waited_for(reply: Any) -> bool:
    """Tell whether somebody still waits for an answer, and has not given up."""
    if isinstance(reply, Future):
        waking = [getattr(each, "__qualname__", "") for each in reply._callbacks]
        return not reply.is_done() and any(each.startswith("waker.") for each in waking)
    if not isinstance(reply, Reply) or reply.done:
        return False
    waiter: Any = reply.waiter
    return waiter is not None and not waiter._future.done()


def _asked(reply: Reply) -> str:
    """Name the message that a reply is to; it may have been forwarded."""
    for envelope in _held(reply.target):
        if reply in (envelope.reply, getattr(envelope.reply, "_slot", None)):
            return type(envelope.message).__name__
    return "a request"


def _where(task: asyncio.Task[Any]) -> str:
    """Tell in which line of the user's code a task waits."""
    awaited: Any = task.get_coro()
    said = ""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None and not _is_ours(frame.f_globals.get("__name__", "")):
            code = frame.f_code
            file = PurePath(code.co_filename).name
            said = f" in {code.co_qualname} ({file}:{frame.f_lineno})"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return said


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"asyncio", "dramaturg"}
