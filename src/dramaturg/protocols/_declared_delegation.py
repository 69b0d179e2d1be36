"""Delegation: one client, and the agents that are asked for it one after the other.

Monitor it ``by_correlation``: all attempts at a task belong to the client's request.
"""

from __future__ import annotations

from dramaturg.protocols._order import choice, one_of, repeat, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role

__all__ = ["delegated"]


def delegated(task: type, answer: type) -> Protocol:
    """Declare that agents are asked one at a time, until one answers, and the client then.

    For routes without a ``timeout``: with one, an answer may come after the next attempt.

    :param answer: what agents answer; they may also fail.
    """
    client = Role("client")
    delegator = Role("delegator", serves=True)
    agent = Role("agent", many=True, serves=True)
    attempt = sequence(
        delegator >> agent @ task,
        choice(agent >> delegator @ answer, agent >> delegator @ Exception),
    )
    return Protocol(
        "delegated",
        roles=(client, delegator, agent),
        order=sequence(
            client >> delegator @ task,
            repeat(one_of(agent, attempt)),
            choice(delegator >> client @ answer, delegator >> client @ Exception),
        ),
        about="A delegator asks agents, one at a time, and answers the client once.",
    )
