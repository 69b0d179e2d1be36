"""What is said to workflows, and how the requests of one instance belong together.

The result of an instance is no message: who waits for it holds a future, which may outlast the
coordinator. So nothing of that is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dramaturg.protocols._order import Order, choice, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role
from dramaturg.protocols.workflows._engine import NAME
from dramaturg.protocols.workflows._history import History
from dramaturg.protocols.workflows._messages import (
    Cancel,
    Find,
    GetHistory,
    GetStatus,
    Migrate,
    Resolve,
    Resume,
    Signal,
    Start,
    Stored,
)
from dramaturg.protocols.workflows._view import InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from dramaturg.actors import ActorRef
    from dramaturg.protocols._seen import Seen
    from dramaturg.protocols.workflows._workflow import Workflow

__all__ = ["by_instance", "coordinators_of", "workflow_asked"]

LONGEST = 100
"""So much of a workflow's name stands at least in the names of its coordinators."""


def workflow_asked() -> Protocol:
    """Declare that whatever is said about an instance is answered once.

    By the engine (``"/workflows"``) if it knows better, else by the coordinator of the instance,
    to which it is passed on: ``start``, ``attach``, ``signal``, ``cancel``, ``status`` and so on.
    Monitor it ``by_request``; the client is None, since methods of workflows are called by
    whoever likes.
    """
    client, engine = Role("client"), Role("engine", serves=True)
    coordinator = Role("coordinator", serves=True)

    def asked(request: type, answer: type) -> Order:
        answered = choice(*(coordinator >> client @ each for each in (answer, Exception)))
        passed_on = sequence(engine >> coordinator @ request, answered)
        return sequence(client >> engine @ request, passed_on | (engine >> client @ Exception))

    resumed = sequence(
        client >> engine @ Resume, (engine >> client @ tuple) | (engine >> client @ Exception)
    )
    answers = {
        Start: str,
        Find: str,
        GetStatus: InstanceStatus,
        GetHistory: History,
        Signal: bool,
        Cancel: bool,
        Resolve: bool,
        Migrate: bool,
    }
    told = (*dict.fromkeys(answers.values()), Exception)
    # Where the definition is gone, or another process has it: what its records tell.
    stored = sequence(
        client >> engine @ Stored, choice(*(engine >> client @ each for each in told))
    )
    return Protocol(
        "workflow_asked",
        roles=(client, engine, coordinator),
        order=choice(*(asked(*each) for each in answers.items()), resumed, stored),
        about="What is said about an instance of a workflow is answered once.",
    )


def coordinators_of(workflow: Workflow) -> Callable[[ActorRef[Any]], bool]:
    """Say which actors run instances of a workflow: who plays the coordinator of its protocol."""
    name = f"{quote(workflow.name, safe='')}:"
    beginning = f"/{NAME}/{name[:LONGEST]}"

    def coordinates(ref: ActorRef[Any]) -> bool:
        return ref.path.startswith(beginning)

    return coordinates


def by_instance(seen: Seen) -> Hashable:
    """One conversation is all that the coordinator of one instance says and is told.

    What it does not take part in is no business of any instance.
    """
    for each in (seen.sender, seen.receiver):
        if each is not None and f"/{NAME}/" in each:
            return each
    return None
