"""A loop that is closed under its system: whoever sends, asks or closes is told at once."""

import asyncio
import threading
from typing import Any

import pytest

from dramaturg.actors import ActorRef, ActorSystem, DeadLetterReason, SystemStopped
from tests.actors.kit import (
    KINDS,
    LIMIT,
    AsyncPuppet,
    Do,
    Kind,
    Note,
    Puppet,
    ThreadPuppet,
    reasons,
    settled,
    thread_of,
)

pytestmark = pytest.mark.usefixtures("short_grace")


def lost(*, with_work: bool) -> tuple[ActorSystem, dict[Kind, ActorRef[Any]]]:
    """Make a system whose loop was closed, with or without a turn that was due."""
    loop = asyncio.new_event_loop()
    system = ActorSystem()

    async def enter() -> dict[Kind, ActorRef[Any]]:
        await system.__aenter__()
        refs = {kind: system.spawn(kind) for kind in KINDS}
        for ref in refs.values():
            await settled(ref)
        return refs

    refs = loop.run_until_complete(enter())
    if with_work:
        for ref in refs.values():
            ref.tell(Note("due"))
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0)) if not with_work else None
    loop.close()
    return system, refs


@pytest.mark.loses_tasks
@pytest.mark.parametrize("with_work", [True, False])
@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
def test_what_is_told_after_the_loop_was_closed_is_a_dead_letter(
    kind: Kind, with_work: bool
) -> None:
    system, refs = lost(with_work=with_work)
    refs[kind].tell(Note("told"))
    system.close()

    assert (Note("told"), DeadLetterReason.STOPPED) in reasons(system)
    assert not any(ref.is_alive() for ref in refs.values())


@pytest.mark.loses_tasks
@pytest.mark.parametrize("with_work", [True, False])
@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
def test_who_asks_after_the_loop_was_closed_is_told_at_once(kind: Kind, with_work: bool) -> None:
    def ask() -> None:
        try:
            refs[kind].ask(Note("asked"), timeout=1000.0)
        except SystemStopped as error:
            told.append(error)

    system, refs = lost(with_work=with_work)
    told: list[SystemStopped] = []
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(LIMIT)

    assert not thread.is_alive()
    assert len(told) == 1
    assert system.stopped


@pytest.mark.loses_tasks
@pytest.mark.parametrize("with_work", [True, False])
@pytest.mark.parametrize("kind", [Puppet, AsyncPuppet])
@pytest.mark.parametrize("same_thread", [True, False])
def test_who_requests_after_the_loop_was_closed_is_told_at_once(
    kind: Kind, with_work: bool, same_thread: bool
) -> None:
    async def request() -> Any:
        try:
            return await refs[kind].request(Do(lambda _: "answered"), timeout=1000.0)
        except SystemStopped:
            return "told"

    def run() -> None:
        results.append(asyncio.run(request()))

    system, refs = lost(with_work=with_work)
    results: list[Any] = []
    if same_thread:
        run()
    else:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(LIMIT)
    system.close()

    # An idle actor of `def` methods needs no loop to answer in its own thread.
    may_answer = same_thread and kind is Puppet and not with_work
    assert results == ["answered" if may_answer else "told"]


@pytest.mark.loses_tasks
def test_a_system_whose_loop_was_closed_can_be_closed_and_takes_its_threads_along() -> None:
    system, refs = lost(with_work=False)
    thread = thread_of(refs[ThreadPuppet])
    system.close()
    system.close()

    thread.join(LIMIT)
    assert not thread.is_alive()
    with pytest.raises(SystemStopped):
        system.spawn(Puppet)
