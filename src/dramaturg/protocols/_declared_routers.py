"""Routers: one ref in front of many actors. Monitor these ``by_request``."""

from __future__ import annotations

from dramaturg.protocols._order import Order, each, one_of, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role

__all__ = ["routed_to_all", "routed_to_one"]

CLIENT = Role("client")
ROUTER = Role("router", serves=True)
ROUTEE = Role("routee", many=True, serves=True)


def routed_to_one(job: type, answer: type | None = None) -> Protocol:
    """Declare a pool or a group whose logic chooses one routee for each message.

    :param answer: what the routee answers to the client, past the router; None if it answers
        nothing.
    """
    return Protocol(
        "routed_to_one",
        roles=(CLIENT, ROUTER, ROUTEE),
        order=sequence(
            CLIENT >> ROUTER @ job,
            one_of(ROUTEE, sequence(ROUTER >> ROUTEE @ job, *_answer(answer))),
        ),
        about="A router passes each message on to one routee, which answers the client itself.",
    )


def routed_to_all(job: type, answer: type | None = None) -> Protocol:
    """Declare a pool or a group that sends each message to all its routees.

    :param answer: what each answers; of the answers to a request only the first is used.
    """
    return Protocol(
        "routed_to_all",
        roles=(CLIENT, ROUTER, ROUTEE),
        order=sequence(
            CLIENT >> ROUTER @ job,
            each(ROUTEE, sequence(ROUTER >> ROUTEE @ job, *_answer(answer))),
        ),
        about="A router passes each message on to all routees, each of which answers.",
    )


def _answer(answer: type | None) -> list[Order]:
    return [] if answer is None else [ROUTEE >> CLIENT @ answer]
