"""A request and its answer: plainly, with a deadline, and tried again.

A reply to ``ref.request(...)`` is seen as a message from who answers, so that these
protocols fit requests as well as messages that are told both ways. Monitor them ``by_request``: the
conversations of one correlation id may be many requests. A retry is a new request, so that
there a key that stays the same over retries is needed.
"""

from __future__ import annotations

from dramaturg.protocols._borders import at_least
from dramaturg.protocols._channels import RELIABLE, Channels
from dramaturg.protocols._order import NOTHING, Order, choice, within
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._protocol_errors import ProtocolError
from dramaturg.protocols._role import Role

__all__ = ["request_response", "request_with_deadline", "request_with_retry"]

CLIENT = Role("client")
SERVER = Role("server", serves=True)


def request_response(ask: type, *answers: type) -> Protocol:
    """Declare that each request is answered once, by one of the answers.

    :param answers: types of replies, and of the ``Refused`` errors that a client has to expect.
    :raises ProtocolError: for no answer, or one that is there twice.
    """
    return Protocol(
        "request_response",
        roles=(CLIENT, SERVER),
        order=_exchange(ask, answers),
        about="A client asks, and the server answers once.",
    )


def request_with_deadline(ask: type, *answers: type, seconds: float) -> Protocol:
    """Declare that the answer comes in time, by each one's own clock.

    :raises ProtocolError: for no answer, one that is there twice, or a deadline not above 0.
    """
    return Protocol(
        "request_with_deadline",
        roles=(CLIENT, SERVER),
        order=within(seconds, _exchange(ask, answers)),
        about="A client asks, and the server answers before the deadline.",
    )


def request_with_retry(
    ask: type, *answers: type, seconds: float, attempts: int, channels: Channels | None = None
) -> Protocol:
    """Declare that a client asks again when it has waited in vain, and gives up in the end.

    A late answer is legal, and so is one to each attempt.

    :param seconds: that the client waits for each answer.
    :param attempts: how often it asks at most.
    :param channels: default those that lose messages; else there is no need to try again.
    :raises ProtocolError: for no answer, one that is there twice, a deadline not above 0, or no
        attempt.
    """
    if not at_least(1).fits(attempts):
        raise ProtocolError(part=f"attempts={attempts!r}", problem="expected at least 1")
    order: Order = NOTHING
    for _ in range(attempts):
        order = within(seconds, _exchange(ask, answers), otherwise=order, clock=CLIENT)
    return Protocol(
        "request_with_retry",
        roles=(CLIENT, SERVER),
        order=order,
        channels=Channels(may_lose=True, fifo=RELIABLE.fifo) if channels is None else channels,
        about="A client asks again when no answer has come, and gives up in the end.",
    )


def _exchange(ask: type, answers: tuple[type, ...]) -> Order:
    replies = [SERVER >> CLIENT @ each for each in answers]
    return (CLIENT >> SERVER @ ask).then(choice(*replies))
