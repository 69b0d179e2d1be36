"""Failures that go up: to the parent, to the root, and out of the system."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorSystem,
    DeadlineExceeded,
    Directive,
    Props,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Puppet,
    ended,
    settled,
    within,
)


class Parent(Puppet):
    """Spawns one child of a given recipe."""

    def __init__(self, child: Props[Any], log: list[Any] | None = None) -> None:
        super().__init__(log)
        self.child = self.context.spawn(child, name="child")


@pytest.mark.parametrize("kind", KINDS)
async def test_an_escalated_failure_fails_the_parent_with_the_same_error(kind: Kind) -> None:
    error = Crash()
    child = Props(kind).using(policy=Directive.ESCALATE)
    log: list[Any] = []
    async with ActorSystem() as system:
        events = Events(system)
        parent = system.spawn(Props(Parent, child, log).using(policy=Directive.STOP), name="it")
        found = system.lookup("/it/child")
        assert found is not None
        found.tell(Fail(error))
        await ended(parent)

        reports = [(f.path, f.phase, f.decision, f.error) for f in events.of(ActorFailed)]
        assert reports == [
            ("/it/child", "message", "escalate", error),
            ("/it", "child", "stop", error),
        ]
        assert [each.path for each in events.of(ActorEnded)] == ["/it/child", "/it"]
        assert log == ["on_start", "on_failure"]


@pytest.mark.parametrize("decision", [Directive.RESTART, Directive.RESUME])
async def test_a_parent_may_live_on_after_an_escalation(decision: Directive) -> None:
    child = Props(Puppet).using(policy=Directive.ESCALATE)
    async with ActorSystem() as system:
        events = Events(system)
        parent = system.spawn(Props(Parent, child).using(policy=decision), name="it")
        first = await within(parent.request(Do(lambda actor: actor.child)))
        first.tell(Fail(Crash()))
        await ended(first)
        await settled(parent)

        incarnation, children = await within(
            parent.request(Do(lambda actor: (actor.context.incarnation, actor.context.children)))
        )
        assert incarnation == (2 if decision is Directive.RESTART else 1)
        assert len(children) == incarnation - 1
        assert events.of(ActorFailed, "/it")[0].decision == decision.value


async def test_an_escalation_goes_up_to_the_root_and_the_system_tells() -> None:
    error = Crash()

    class Deep(Puppet):
        policy = Directive.ESCALATE

        def __init__(self, depth: int) -> None:
            super().__init__()
            if depth:
                self.context.spawn(Props(Deep, depth - 1), name="d")

    async with ActorSystem() as system:
        events = Events(system)
        top = system.spawn(Props(Deep, 3), name="d")
        bottom = system.lookup("/d/d/d/d")
        assert bottom is not None
        bottom.tell(Fail(error))

        with pytest.raises(Crash) as caught:
            await within(system.wait())

        assert caught.value is error
        await ended(top)
        reports = [failed.path for failed in events.of(ActorFailed)]
        assert reports == ["/d/d/d/d", "/d/d/d", "/d/d", "/d", "/"]


async def test_a_failure_that_reached_the_root_stops_all_actors() -> None:
    async with ActorSystem() as system:
        other = system.spawn(AsyncPuppet)
        system.spawn(Props(Puppet).using(policy=Directive.ESCALATE)).tell(Fail(Crash()))

        await ended(other)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failure_at_the_top_that_nobody_decided_on_makes_wait_raise_it(
    kind: Kind,
) -> None:
    error = Crash()
    async with ActorSystem() as system:
        waiting = asyncio.ensure_future(system.wait())
        other = system.spawn(kind)
        system.spawn(kind).tell(Fail(error))

        with pytest.raises(Crash) as caught:
            await within(waiting)

        assert caught.value is error
        assert await within(other.request(Do(lambda _: "alive"))) == "alive"


async def test_the_first_of_several_failures_is_raised_also_after_the_end() -> None:
    first, second = Crash("first"), Crash("second")
    async with ActorSystem() as system:
        for error in (first, second):
            ref = system.spawn(Puppet)
            ref.tell(Fail(error))
            await ended(ref)

    for _ in range(2):
        with pytest.raises(Crash) as caught:
            await within(system.wait())
        assert caught.value is first


@pytest.mark.parametrize("policy", [Directive.STOP, Directive.RESTART, Directive.RESUME])
async def test_a_failure_that_a_policy_decided_on_does_not_make_wait_raise(
    policy: Directive,
) -> None:
    async with ActorSystem() as system:
        events = Events(system)
        system.spawn(Props(Puppet).using(policy=policy)).tell(Fail(Crash()))
        await events.first(ActorFailed)

    await within(system.wait())


async def test_a_failure_of_a_child_that_nobody_decided_on_stops_the_child_alone() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Props(Parent, Props(Puppet)))
        child = await within(parent.request(Do(lambda actor: actor.child)))
        child.tell(Fail(Crash()))
        await ended(child)
        await settled(parent)

        assert await within(parent.request(Do(lambda actor: actor.context.children))) == ()

    await within(system.wait())


def test_join_raises_what_wait_raises() -> None:
    with ActorSystem() as system:
        system.spawn(Puppet).tell(Fail(Crash()))

        with pytest.raises(Crash):
            system.join(timeout=10)


def test_join_gives_up_after_its_timeout() -> None:
    with ActorSystem() as system, pytest.raises(DeadlineExceeded):
        system.join(timeout=0.01)


async def test_a_child_that_escalates_while_its_parent_fails_fails_it_once() -> None:
    child = Props(AsyncPuppet).using(policy=Directive.ESCALATE)
    async with ActorSystem() as system:
        events = Events(system)
        parent = system.spawn(Props(Parent, child).using(policy=Directive.RESTART), name="it")
        first = await within(parent.request(Do(lambda actor: actor.child)))
        first.tell(Do(fails_when_its_parent_has))
        parent.tell(Fail(Crash("parent")))
        await ended(first)
        await settled(parent)

        assert [f.incarnation for f in events.of(ActorFailed, "/it")] == [1]
        assert await within(parent.request(Do(lambda actor: actor.context.incarnation))) == 2


async def fails_when_its_parent_has(actor: Any) -> None:
    parent = actor.context.parent
    events = Events(actor.context.system)
    await events.first(ActorFailed, parent.path)
    raise Crash("child")


async def test_of_two_escalations_at_once_each_counts_for_the_incarnation_it_hit() -> None:
    class Two(Puppet):
        def __init__(self) -> None:
            super().__init__()
            fragile = Props(Puppet).using(policy=Directive.ESCALATE)
            self.two = [self.context.spawn(fragile) for _ in range(2)]

        def hit(self) -> None:
            for child in self.two:
                child.tell(Fail(Crash()))

    async with ActorSystem() as system:
        events = Events(system)
        parent = system.spawn(Props(Two).using(policy=Directive.RESTART), name="it")
        children = await within(parent.request(Do(lambda actor: actor.two)))
        parent.tell(Do(Two.hit))
        for child in children:
            await ended(child)
        await settled(parent)

        assert [f.incarnation for f in events.of(ActorFailed, "/it")] == [1]
        assert await within(parent.request(Do(lambda actor: actor.context.incarnation))) == 2
