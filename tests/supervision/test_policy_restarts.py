"""A child whose own policy has restarted it is as well supervised as before."""

from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorSystem, Directive, Props, ThreadActor, handler
from dramaturg.supervision import (
    ChildSpec,
    LimitedRestart,
    RestartLimitReached,
    StartInstance,
    Supervisor,
    SupervisorSpec,
)
from tests.actors.kit import within
from tests.actors.messaging_kit import until
from tests.any_order import new_system
from tests.supervision.faults import silent


class Fall:
    """Fail on this message."""


class Who:
    """Tell which incarnation you are."""


class Till(Actor):
    @handler
    def fall(self, message: Fall) -> None:
        raise ValueError("fell")

    @handler
    def who(self, message: Who) -> int:
        return int(self._cell.incarnation)

    @handler
    def leave(self, message: int) -> None:
        self.context.stop_self()


class AsyncTill(Till):
    async def on_start(self) -> None: ...


class ThreadTill(ThreadActor):
    fall = Till.fall
    who = Till.who
    leave = Till.leave


KINDS = (Till, AsyncTill, ThreadTill)
ONE = LimitedRestart(1)


async def supervised(system: ActorSystem, *children: ChildSpec, **options: Any) -> Any:
    flags: dict[str, Any] = {"intensity": 5, **options}
    spec = SupervisorSpec(children, **flags)
    sup = system.spawn(Props(Supervisor, spec), name="sup")
    await within(sup.started())
    ref = system.lookup(f"/sup/{children[0].id}")
    assert ref is not None
    return ref


async def in_incarnation(ref: Any, expected: int) -> None:
    await until(lambda: ref.cell.incarnation == expected)


ENDS: dict[str, Callable[[Any], None]] = {
    "fails": lambda ref: ref.tell(Fall()),
    "is killed": lambda ref: ref.kill(),
    "stops itself": lambda ref: ref.tell(1),
    "is stopped": lambda ref: ref.request_stop(),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("policy", [ONE, LimitedRestart(2)], ids=["spent", "unspent"])
async def test_a_permanent_child_comes_back_after_its_policy_restarted_it(
    kind: Any, end: str, policy: Any
) -> None:
    async with new_system(logger=silent()) as system:
        ref = await supervised(system, ChildSpec("till", Props(kind).using(policy=policy)))
        ref.tell(Fall())
        assert await within(ref.request(Who())) == 2
        ENDS[end](ref)
        await until(lambda: ref.cell.incarnation == 3)
        assert await within(ref.request(Who())) == 3


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
async def test_its_group_is_restarted_with_it(strategy: Any) -> None:
    async with new_system(logger=silent()) as system:
        till = ChildSpec("till", Props(Till).using(policy=ONE))
        ref = await supervised(system, till, ChildSpec("other", Till), strategy=strategy)
        other = system.lookup("/sup/other")
        assert other is not None
        for expected in (2, 3):
            ref.tell(Fall())
            await in_incarnation(ref, expected)
            assert await within(ref.request(Who())) == expected
        assert await within(other.request(Who())) == (1 if strategy == "one_for_one" else 2)


async def test_restarts_by_its_policy_do_not_count_and_those_after_it_do() -> None:
    async with new_system(logger=silent()) as system:
        spec = ChildSpec("till", Props(Till).using(policy=ONE))
        ref = await supervised(system, spec, intensity=1)
        for _ in range(4):
            ref.tell(Fall())
        with pytest.raises(RestartLimitReached):
            await within(system.wait())
        await until(lambda: not system.statistics().actors)
        # Twice by the policy, which begins anew with an incarnation of the supervisor's.
        assert not ref.is_alive()


async def test_a_pools_instance_is_restarted_after_its_policy_did_so() -> None:
    async with new_system(logger=silent()) as system:
        template = ChildSpec("till", Props(Till).using(policy=ONE))
        spec = SupervisorSpec([template], strategy="simple_one_for_one", intensity=5)
        pool = system.spawn(Props(Supervisor, spec), name="pool")
        ref: Any = (await within(pool.request(StartInstance()))).ref
        for expected in (2, 3):
            ref.tell(Fall())
            await in_incarnation(ref, expected)
            assert await within(ref.request(Who())) == expected


async def test_a_fallback_with_a_policy_steps_down_when_its_restarts_are_spent() -> None:
    async with new_system(logger=silent()) as system:
        spec = ChildSpec("till", Till, fallbacks=(Props(Till).using(policy=ONE), AsyncTill))
        ref = await supervised(system, spec, intensity=0)
        ref.tell(Fall())
        await until(lambda: system.lookup("/sup/till~1") is not None)
        for _ in range(2):
            ref.tell(Fall())
        await until(lambda: system.lookup("/sup/till~2") is not None)
        assert await within(ref.request(Who())) == 1


async def test_a_significant_child_ends_its_supervisor_after_its_policy_restarted_it() -> None:
    async with new_system(logger=silent()) as system:
        spec = ChildSpec(
            "till",
            Props(Till).using(policy=ONE),
            restart="transient",
            significant=True,
        )
        ref = await supervised(system, spec, auto_shutdown="any_significant")
        ref.tell(Fall())
        assert await within(ref.request(Who())) == 2
        ref.tell(1)
        await until(lambda: system.lookup("/sup") is None)


async def test_a_policy_that_restarts_without_end_leaves_a_kill_to_the_supervisor() -> None:
    async with new_system(logger=silent()) as system:
        spec = ChildSpec("till", Props(Till).using(policy=Directive.RESTART))
        ref = await supervised(system, spec)
        for _ in range(10):
            ref.tell(Fall())
        assert await within(ref.request(Who())) == 11
        ref.kill()
        await until(lambda: ref.cell.incarnation == 12)
        assert await within(ref.request(Who())) == 12
