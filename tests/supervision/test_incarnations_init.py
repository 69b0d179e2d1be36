"""Nothing is handled by an instance that is still being made."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from dramaturg.actors import ActorCrashed, ActorSystem, Props
from dramaturg.supervision import Supervisor, SupervisorSpec
from tests.actors.kit import LIMIT, Crash, Do, Fail, Note, within
from tests.supervision.fault_world import world
from tests.supervision.faults import Hook, Kind, LoopChild, Script, birth, child, each_thread


def spin(condition: Callable[[], bool]) -> None:
    """Wait in a thread that must not go on, for what another one does."""
    end = monotonic() + LIMIT
    while not condition():
        assert monotonic() < end


@each_thread
async def test_no_message_reaches_a_thread_child_while_its_init_runs(kind: Kind) -> None:
    seen: list[int] = []

    def linger(actor: Any) -> None:
        ref = actor.actor_ref
        ref.tell(Note("early"))
        # The thread has looked at it and left again.
        spin(lambda: ref.cell.idle and ref.cell.dispatcher._tokens.empty())
        seen.append(len(script.handled))

    script = Script().on("__init__", linger, birth=2)
    async with world() as it:
        await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        await it.incarnations(1)

        assert await within(ref.request(Do(birth))) == 2
        assert seen == [0]
        assert script.handled == [("early", 2)]


@each_thread
@pytest.mark.parametrize("hook", ["on_restart", "on_start"])
async def test_no_message_reaches_a_thread_child_before_its_hooks_have_run(
    kind: Kind, hook: Hook
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on(hook, hang, birth=2)
        await it.supervise(child(kind, script))
        ref = it.ref()

        ref.tell(Fail(Crash()))
        ref.tell(Note("early"))
        await hang.reached()
        assert script.handled == []
        hang.release()

        assert await within(ref.request(Do(birth))) == 2
        assert script.handled == [("early", 2)]


def test_no_asking_thread_runs_a_child_while_its_init_runs() -> None:
    """In a system with a loop of its own, threads that ask run the handlers where they may."""
    answers: list[int] = []
    seen: list[int] = []
    askers: list[threading.Thread] = []
    made = threading.Event()

    def linger(actor: Any) -> None:
        ref = actor.actor_ref
        # Whoever ran the instance before has left.
        spin(lambda: ref.cell.idle and not ref.cell.system.direct._lock.locked())
        asker = threading.Thread(
            target=lambda: answers.append(ref.ask(Note("early"), timeout=LIMIT))
        )
        askers.append(asker)
        asker.start()
        # It has either left its request in the mailbox, or had it handled by itself.
        spin(lambda: len(ref.cell.mailbox) > 0 or not asker.is_alive())
        seen.append(len(script.handled))
        made.set()

    script = Script().on("__init__", linger, birth=2)
    with ActorSystem("test") as system:
        spec = SupervisorSpec([child(LoopChild, script)])
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        sup.started().get(timeout=LIMIT)
        ref = system.lookup("/sup/it")
        assert ref is not None

        # Its hooks let the supervisor see to the restart, in its own turn.
        with pytest.raises(ActorCrashed):
            ref.ask(Fail(Crash()), timeout=LIMIT)
        assert made.wait(LIMIT)
        assert ref.ask(Do(birth), timeout=LIMIT) == 2

        for asker in askers:
            asker.join(LIMIT)
    assert seen == [0]
    assert answers == [2]
    assert script.handled == [("early", 2)]
