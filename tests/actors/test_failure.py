"""Failures: one report, one decision, and nobody else is hurt."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorSystem,
    DeadLetterReason,
    DeadlineExceeded,
    Directive,
    Failure,
    Props,
    Refused,
    Terminated,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Kind,
    Note,
    Puppet,
    deaf,
    ended,
    reasons,
    settled,
    within,
)


class Unusual(BaseException):
    """Neither an Exception nor one of Python's own."""


ERRORS = [
    *(Crash("oh"), SystemExit(3), KeyboardInterrupt(), Unusual("oh"), GeneratorExit()),
    *(asyncio.CancelledError(), StopIteration(), StopAsyncIteration(), TimeoutError()),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_whatever_a_handler_raises_only_its_actor_fails(
    kind: Kind, error: BaseException
) -> None:
    async with ActorSystem() as system:
        events = Events(system)
        other, failing = system.spawn(kind, name="other"), system.spawn(kind, name="it")
        failing.tell(Fail(error))
        await ended(failing)

        assert [failed.error for failed in events.of(ActorFailed)] == [error]
        assert reasons(system) == [(Fail(error), DeadLetterReason.CRASHED)]
        assert await within(other.request(Do(lambda _: "alive"))) == "alive"
        assert await within(system.spawn(kind).request(Do(lambda _: "alive"))) == "alive"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", ERRORS[:6], ids=lambda error: type(error).__name__)
async def test_the_caller_gets_actor_crashed_with_the_cause(
    kind: Kind, error: BaseException
) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(kind, name="it")

        with pytest.raises(ActorCrashed) as caught:
            await within(ref.request(Fail(error)))

        assert caught.value.__cause__ is error
        assert (caught.value.path, caught.value.incarnation) == ("/it", 1)
        assert caught.value.cause == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_blocking_asker_gets_actor_crashed_too(kind: Kind) -> None:
    def ask() -> None:
        with pytest.raises(ActorCrashed):
            ref.ask(Fail(SystemExit()))

    async with ActorSystem() as system:
        ref = system.spawn(kind)
        await within(asyncio.to_thread(ask))


async def test_an_awaited_future_that_was_cancelled_fails_the_actor_as_any_error() -> None:
    def wait(actor: Any) -> Awaitable[Any]:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return future

    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)

        with pytest.raises(ActorCrashed, match="CancelledError"):
            await within(ref.request(Do(wait)))
        await ended(ref)


async def test_a_handler_that_fails_after_waiting_fails_its_actor() -> None:
    async def fail_late() -> None:
        await asyncio.sleep(0)
        raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(AsyncPuppet)

        with pytest.raises(ActorCrashed):
            await within(ref.request(Do(lambda _: fail_late())))
        await ended(ref)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failed_actor_stops_and_its_mailbox_becomes_dead_letters(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log))
        await within(ref.started())

        def fail_with_two_more(actor: Any) -> None:
            actor.actor_ref.tell(Note(1))
            actor.actor_ref.tell(Note(2))
            raise Crash

        ref.tell(Do(fail_with_two_more))
        await ended(ref)

        assert log == ["on_start", "on_failure"]
        assert [reason for _, reason in reasons(system)] == [
            DeadLetterReason.CRASHED,
            DeadLetterReason.STOPPED,
            DeadLetterReason.STOPPED,
        ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_is_no_failure(kind: Kind) -> None:
    refusal = Refused("sold out", sku="x")
    async with ActorSystem() as system:
        events = Events(system, ActorFailed)
        ref = system.spawn(kind)

        with pytest.raises(Refused) as caught:
            await within(ref.request(Fail(refusal)))
        ref.tell(Fail(refusal))
        await settled(ref)

        assert caught.value.details == {"sku": "x"}
        assert events.all == []
        assert reasons(system) == [(Fail(refusal), DeadLetterReason.REFUSED)]


async def test_the_report_says_what_when_and_what_was_decided() -> None:
    error = Crash("oh")
    async with ActorSystem(trace=True) as system:
        events = Events(system)
        ref = system.spawn(Props(Puppet).using(policy=Directive.RESUME), name="it")
        ref.tell(Fail(error))
        ref.tell(Fail(error))
        await settled(ref)

    letters = system.dead_letters.list()
    for failed, letter in zip(events.of(ActorFailed), letters, strict=True):
        assert (failed.path, failed.actor_class, failed.incarnation) == ("/it", "Puppet", 1)
        assert (failed.phase, failed.decision, failed.restarts) == ("message", "resume", 0)
        assert (failed.error, failed.message_type) == (error, "Fail")
        assert failed.message_id == str(letter.message_id)
        assert failed.correlation_id == str(letter.correlation_id)
        assert error.__traceback__ is not None


# -- hooks that fail


@pytest.mark.parametrize("error", [Crash(), SystemExit(), Unusual()], ids=repr)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_on_failure_is_reported_and_changes_nothing(
    kind: Kind, error: BaseException
) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            raise error

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(Broken).using(policy=Directive.RESUME))
        ref.tell(Fail(Crash()))
        await settled(ref)

        reports = [(failed.phase, failed.decision) for failed in events.of(ActorFailed)]
        assert reports == [("on_failure", "none"), ("message", "resume")]


@pytest.mark.parametrize("error", [Crash(), SystemExit(), Unusual()], ids=repr)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_on_stop_is_reported_and_the_actor_ends(
    kind: Kind, error: BaseException
) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def on_stop(self) -> None:
            raise error

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Broken)
        assert await within(ref.stop(block=False))

        reports = [(failed.phase, failed.decision) for failed in events.of(ActorFailed)]
        assert reports == [("on_stop", "none")]


async def test_on_failure_gets_the_error_before_anything_is_decided() -> None:
    seen: list[Any] = []

    class Curious(Puppet):
        def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
            seen.append((exception_type, exception_value, traceback is not None))

    def decide(failure: Failure) -> Directive:
        seen.append("decided")
        return Directive.STOP

    error = Crash()
    async with ActorSystem() as system:
        ref = system.spawn(Props(Curious).using(policy=decide))
        ref.tell(Fail(error))
        await ended(ref)

    assert seen == [(Crash, error, True), "decided"]


async def test_on_failure_may_wait_and_messages_wait_with_it() -> None:
    go_on = asyncio.Event()

    class Slow(AsyncPuppet):
        async def on_failure(
            self, exception_type: Any, exception_value: Any, traceback: Any
        ) -> None:
            await go_on.wait()
            self.log.append("on_failure")

    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(Slow, log).using(policy=Directive.RESUME))
        await within(ref.started())
        with pytest.raises(ActorCrashed):  # who does not wait for it
            await within(ref.request(Fail(Crash())))
        ref.tell(Note("message"))
        up = ref.started()
        await settled(system.spawn(AsyncPuppet))
        assert log == ["on_start"]

        go_on.set()
        await within(up)
        await settled(ref)
        assert log == ["on_start", "on_failure", "message"]


@pytest.mark.parametrize("hook", ["on_failure", "on_stop", "on_start"])
async def test_a_hanging_hook_is_cut_short_by_the_shutdown(hook: str) -> None:
    async def hang(self: Any, *args: Any) -> None:
        await asyncio.get_running_loop().create_future()

    hanging = type("Hanging", (AsyncPuppet,), {hook: hang})
    async with ActorSystem(shutdown_timeout=0.01) as system:
        ref: ActorRef[Any] = system.spawn(hanging)
        if hook == "on_failure":
            ref.tell(Fail(Crash()))
        await settled(system.spawn(AsyncPuppet))
        assert ref.is_alive()

    assert not ref.is_alive()


# -- decisions


@pytest.mark.parametrize("kind", KINDS)
async def test_resume_keeps_the_state_and_goes_on_with_the_next_message(kind: Kind) -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        ref = system.spawn(Props(kind, log).using(policy=Directive.RESUME))
        instance = await within(ref.request(Do(lambda actor: actor)))
        for message in (Note(1), Fail(Crash()), Note(2)):
            ref.tell(message)

        assert await within(ref.request(Do(lambda actor: actor))) is instance
        assert log == ["on_start", 1, "on_failure", 2]


async def test_an_actor_that_was_resumed_and_stops_later_has_not_failed() -> None:
    log: list[Any] = []
    async with ActorSystem() as system:
        watcher = system.spawn(Props(Puppet, log))
        ref = system.spawn(Props(Puppet).using(policy=Directive.RESUME))
        await within(watcher.request(Do(lambda actor: actor.context.watch(ref))))
        ref.tell(Fail(Crash()))
        await settled(ref)
        await within(ref.stop(block=False))
        await settled(watcher)

        assert log == ["on_start", Terminated(ref, None)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_chooses_by_the_failure(kind: Kind) -> None:
    failures: list[Failure] = []

    def choose(failure: Failure) -> Directive:
        failures.append(failure)
        return Directive.STOP if isinstance(failure.error, ValueError) else Directive.RESTART

    async with ActorSystem() as system:
        events = Events(system)
        ref = system.spawn(Props(kind).using(policy=choose))
        first, second = Crash(), ValueError()
        ref.tell(Fail(first))
        ref.tell(Fail(second))
        await ended(ref)

        assert [failed.decision for failed in events.of(ActorFailed)] == ["restart", "stop"]
        assert failures == [
            Failure(ref, first, "message", Fail(first), 1, 0),
            Failure(ref, second, "message", Fail(second), 2, 1),
        ]


async def test_a_class_may_bring_its_policy_in_any_form() -> None:
    def resume(failure: Failure) -> Directive:
        return Directive.RESUME

    class Value(Puppet):
        policy = Directive.RESUME

    class Function(Puppet):
        policy = resume  # type: ignore[assignment]

    class Static(Puppet):
        @staticmethod
        def policy(  # pyright: ignore[reportIncompatibleVariableOverride]
            failure: Failure,
        ) -> Directive:
            return Directive.RESUME

    class OfTheClass(Puppet):
        @classmethod
        def policy(  # pyright: ignore[reportIncompatibleVariableOverride]
            cls, failure: Failure
        ) -> Directive:
            return Directive.RESUME

    class Heir(OfTheClass):
        pass

    async with ActorSystem() as system:
        for kind in (Value, Function, Static, OfTheClass, Heir):
            ref = system.spawn(kind)
            ref.tell(Fail(Crash()))
            await settled(ref)


async def test_the_recipes_policy_goes_before_that_of_the_class() -> None:
    class Resumed(Puppet):
        policy = Directive.RESUME

    async with ActorSystem() as system:
        ref = system.spawn(Props(Resumed).using(policy=Directive.STOP))
        ref.tell(Fail(Crash()))
        await ended(ref)

        assert not ref.is_alive()


def raises(error: BaseException) -> Callable[[Failure], Directive]:
    def policy(failure: Failure) -> Directive:
        raise error

    return policy


def nonsense(failure: Failure) -> Any:
    return "explode"


@pytest.mark.parametrize(
    "policy",
    [raises(Crash("policy")), raises(SystemExit()), raises(Unusual()), nonsense],
    ids=["Exception", "SystemExit", "BaseException", "nonsense"],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_that_fails_is_reported_and_the_failure_escalated(
    kind: Kind, policy: Callable[[Failure], Directive]
) -> None:
    error = Crash("handler")
    async with ActorSystem() as system:
        events = Events(system)
        system.spawn(Props(kind).using(policy=policy), name="it").tell(Fail(error))

        with pytest.raises(Crash, match="handler"):
            await within(system.wait())

        reports = [(f.path, f.phase, f.decision) for f in events.of(ActorFailed)]
        assert reports[:2] == [("/it", "policy", "none"), ("/it", "message", "escalate")]


# -- escalation


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


async def test_an_asker_may_go_on_though_the_one_it_asked_has_crashed() -> None:
    async def ask(other: ActorRef[Any]) -> str:
        try:
            await other.request(Fail(Crash()))
        except ActorCrashed as error:
            return f"{other.name} crashed: {error.cause}"
        return "nothing happened"

    async with ActorSystem() as system:
        asker, other = system.spawn(AsyncPuppet), system.spawn(Puppet, name="it")

        assert await within(asker.request(Do(lambda _: ask(other)))) == "it crashed: Crash: "
        assert asker.is_alive()


async def test_a_failing_actor_leaves_a_suspended_sibling_alone() -> None:
    async with ActorSystem(shutdown_timeout=0.01) as system:
        waiting, failing = system.spawn(AsyncPuppet), system.spawn(AsyncPuppet)
        waiting.tell(Do(deaf))
        failing.tell(Fail(Crash()))
        await ended(failing)

        assert waiting.is_alive()
