"""Letters of messages that a breaker or a topic has passed on: nobody asked for them."""

import pytest

from dramaturg.actors import ActorCrashed, ActorSystem, Directive, Props
from dramaturg.protocols import Publish, Subscribe, Topic
from dramaturg.supervision import BreakerActor
from tests.actors.kit import Crash, Fail
from tests.actors.messaging_kit import Box, until


async def test_behind_a_breaker_and_a_topic_nobody_asked() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Props(Box).using(policy=Directive.RESTART), name="box")
        breaker = system.spawn(Props(BreakerActor, ref))
        topic = system.spawn(Topic)
        await topic.request(Subscribe(ref, Fail))
        breaker.tell(Fail(Crash()))
        topic.tell(Publish(Fail(Crash())))
        with pytest.raises(ActorCrashed):
            await breaker.request(Fail(Crash()))
        await until(lambda: len(system.dead_letters) == 3)

        told = [each.requester_told for each in system.dead_letters.list()]
        assert sorted(told) == [False, False, True]
