"""Durable topics: publishing, subscribing, and how a subscriber is served.

Monitor them ``by_request``. A durable topic answers publishers itself; what concerns one
subscription it passes on to the actor of that, which answers, and delivers.
"""

from __future__ import annotations

from types import NoneType

from dramaturg.actors import GoneError, Refused
from dramaturg.protocols._declared_requests import request_response
from dramaturg.protocols._durable_topic_messages import (
    Confirm,
    Delivery,
    DurableSubscription,
    PublishDurably,
    Published,
    Resume,
    SubscribeDurably,
)
from dramaturg.protocols._order import Order, choice, sequence
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._role import Role

__all__ = ["durable_delivery", "durable_publish", "durable_subscription"]


def durable_publish() -> Protocol:
    """Declare that each publication is answered once: it is stored, or refused.

    Roles: "client", who publishes, and "server", the topic.
    """
    return request_response(PublishDurably, Published, Refused, GoneError)


def durable_subscription() -> Protocol:
    """Declare that what is said to a topic about a subscription is answered once, by that."""
    client, topic = Role("client"), Role("topic", serves=True)
    cursor = Role("subscription", serves=True)

    def asked(kind: type) -> Order:
        refused = (topic >> client @ Refused) | (topic >> client @ GoneError)
        answered = choice(
            cursor >> client @ DurableSubscription,
            cursor >> client @ Refused,
            cursor >> client @ GoneError,
        )
        passed_on = sequence(topic >> cursor @ kind, answered)
        return sequence(client >> topic @ kind, passed_on | refused)

    return Protocol(
        "durable_subscription",
        roles=(client, topic, cursor),
        order=choice(asked(SubscribeDurably), asked(Confirm), asked(Resume)),
        about="What is said about a durable subscription is answered once.",
    )


def durable_delivery(*answers: type) -> Protocol:
    """Declare that each delivery ends once: it is handled, refused, or its subscriber is gone.

    :param answers: what the subscriber's handler returns; default None.
    """
    cursor, subscriber = Role("subscription"), Role("subscriber", serves=True)
    ends = [*(answers or (NoneType,)), Refused, GoneError]
    return Protocol(
        "durable_delivery",
        roles=(cursor, subscriber),
        order=sequence(
            cursor >> subscriber @ Delivery, choice(*(subscriber >> cursor @ each for each in ends))
        ),
        about="A durable subscriber is done with each delivery once.",
    )
