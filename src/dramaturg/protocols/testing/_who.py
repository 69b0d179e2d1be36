"""Who there is in a simulation, who runs just now, and who waits for whom."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any

from dramaturg.actors._cell import current_cell
from dramaturg.protocols.testing._addresses import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.testing._nodes import Nodes

__all__ = ["fields_of", "living", "place_of", "running", "who_waits"]


def running(nodes: Nodes) -> Cell | None:
    """Return whose handler runs just now."""
    ident = get_ident()
    for system in nodes.systems():
        if system.host.ident and system.direct.owner == ident:
            return system.direct.current
    return current_cell.get()


def place_of(cell: Cell | None) -> str:
    """Say where something happens, for an error."""
    if cell is None:
        return "the scenario"
    return f"{name_of(cell)} ({cell.actor_class.__qualname__})"


def living(nodes: Nodes) -> Iterator[Cell]:
    """Return the cells of all actors of all systems that run."""
    for system in nodes.systems():
        yield from _below(system.root)


def _below(cell: Cell) -> Iterator[Cell]:
    for child in tuple((cell.children or {}).values()):
        yield child
        yield from _below(child)


def fields_of(nodes: Nodes) -> Mapping[str, Mapping[str, Any]]:
    """Return the fields of all actors, by name; not those that begin with an underscore."""
    return {
        name_of(cell): {
            name: value for name, value in vars(cell.actor).items() if not name.startswith("_")
        }
        for cell in living(nodes)
        if cell.actor is not None
    }


def who_waits(nodes: Nodes) -> str:
    """Say which actors wait for which."""
    waits = [
        f"{name_of(asker)} for {name_of(reply.target)}"
        for system in nodes.systems()
        for asker, edges in system.waits_for.items()
        for _, reply in edges
    ]
    return ", ".join(waits)
