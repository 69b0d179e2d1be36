"""What is logged, asserted through a logger that keeps it."""

import logging
import threading

import pytest
import structlog
from structlog.testing import CapturingLogger

from dramaturg.actors import Actor, ActorSystem, Directive, LoopHeld, Props, ThreadActor, handler
from dramaturg.actors._events import DeadLettered
from tests.actors.kit import LIMIT, Fail
from tests.actors.messaging_kit import (
    BOXES,
    AsyncBox,
    Block,
    Box,
    Captured,
    Note,
    ThreadBox,
    in_threads,
    until,
)


@pytest.fixture
def captured() -> Captured:
    return Captured()


@pytest.mark.parametrize("box", BOXES)
async def test_a_failure_is_logged_once_with_all_that_is_known(
    box: type[Actor], captured: Captured
) -> None:
    error = ValueError("broken")
    async with ActorSystem("shop", trace=True, logger=captured.log) as system:
        ref = system.spawn(Props(box).using(policy=Directive.RESTART), name="box")
        for _ in range(2):
            ref.tell(Fail(error))
        await until(lambda: len(system.dead_letters) == 2)
        await until(lambda: len(captured.entries("actor_failed")) == 2)

        first, second = captured.entries("actor_failed")
        letter, _ = system.dead_letters.list()
        assert first["level"] == "error"
        assert (first["system"], first["path"]) == ("shop", "/box")
        assert (first["incarnation"], second["incarnation"]) == (1, 2)
        assert (first["phase"], first["decision"]) == ("message", "restart")
        assert (first["actor_class"], first["message_type"]) == (box.__qualname__, "Fail")
        assert first["message_id"] == str(letter.message_id)
        assert first["correlation_id"] == str(letter.correlation_id)
        assert first["causation_id"] is None
        assert first["exc_info"] is error


async def test_a_failure_in_a_hook_names_the_hook(captured: Captured) -> None:
    class Broken(AsyncBox):
        async def on_stop(self) -> None:
            raise ValueError

    async with ActorSystem(logger=captured.log) as system:
        await system.spawn(Broken).stop(block=False)

        [entry] = captured.entries("actor_failed")
        assert (entry["phase"], entry["message_type"], entry["decision"]) == (
            "on_stop",
            None,
            "none",
        )


async def test_the_first_ten_dead_letters_are_logged_and_the_last_of_them_says_so(
    captured: Captured,
) -> None:
    async with ActorSystem(logger=captured.log) as system:
        ref = system.spawn(Box, name="box")
        await ref.stop(block=False)
        for number in range(15):
            ref.tell(Note(number))

        entries = captured.entries("dead_letter")
        assert [entry["letter_id"] for entry in entries] == list(range(1, 11))
        assert [entry["note"] is None for entry in entries] == [True] * 9 + [False]
        assert (entries[0]["level"], entries[0]["path"]) == ("warning", "/box")
        assert (entries[0]["reason"], entries[0]["message_type"]) == ("stopped", "Note")
        assert system.dead_letters.total == 15
        assert not system.events.wants(DeadLettered)


def test_ten_dead_letters_are_logged_however_many_threads_make_them(captured: Captured) -> None:
    with ActorSystem(logger=captured.log) as system:
        ref = system.spawn(Box)
        ref.stop()

        def send(number: int) -> None:
            for _ in range(20):
                ref.tell(Note(number))

        in_threads(8, send)

        assert len(captured.entries("dead_letter")) == 10


async def test_a_message_body_is_never_logged(captured: Captured) -> None:
    async with ActorSystem(logger=captured.log, trace=True) as system:
        ref = system.spawn(Props(Box).using(policy=Directive.STOP))
        ref.tell(Note("a secret"))
        ref.tell(Fail(ValueError()))
        ref.tell(Note("a secret"))
        await until(lambda: not ref.is_alive())

        logged = [*captured.entries("actor_failed"), *captured.entries("dead_letter")]
        assert len(logged) == 2
        assert "secret" not in str(logged)


def test_a_handler_that_holds_the_loop_is_logged(captured: Captured) -> None:
    class Holds(Box):
        @handler
        def block(self, message: Block) -> None:
            message.entered.set()
            assert message.release.wait(LIMIT)

    with ActorSystem(logger=captured.log, hold_limit=0.01) as system:
        ref = system.spawn(Holds, name="holds")
        block = Block()
        logged = threading.Event()
        system.events.subscribe(lambda _: logged.set(), LoopHeld)
        ref.tell(block)

        assert logged.wait(LIMIT)
        block.release.set()
        [entry] = captured.entries("loop_held")
        assert (entry["level"], entry["path"], entry["limit"]) == ("warning", "/holds", 0.01)
        assert "in block" in entry["stack"]


async def test_a_thread_that_does_not_end_is_logged(captured: Captured) -> None:
    block = Block()
    async with ActorSystem(logger=captured.log, shutdown_timeout=0) as system:
        ref = system.spawn(ThreadBox, name="box")
        ref.tell(block)
        await block.has_begun()

    [leaked] = captured.entries("thread_leaked")
    [timed_out] = captured.entries("shutdown_timed_out")
    assert (leaked["level"], leaked["path"]) == ("warning", "/box")
    assert "in block" in leaked["stack"]
    assert (timed_out["timeout"], timed_out["actors"]) == (0, ("/box",))
    block.release.set()


async def test_a_system_that_works_logs_nothing(captured: Captured) -> None:
    async with ActorSystem(logger=captured.log) as system:
        for box in BOXES:
            ref = system.spawn(box)
            ref.tell(Note(1))
            await ref.request(Note(2))
            await ref.stop(block=False)

    assert captured._logger.calls == []


async def test_the_structlog_that_the_application_configured_is_used() -> None:
    logger = CapturingLogger()
    structlog.configure(
        logger_factory=lambda *_: logger, processors=[], wrapper_class=structlog.BoundLogger
    )
    try:
        async with ActorSystem("shop") as system:
            ref = system.spawn(Box)
            await ref.stop(block=False)
            ref.tell(Note(1))
    finally:
        structlog.reset_defaults()

    assert [(call.method_name, call.kwargs["event"]) for call in logger.calls] == [
        ("warning", "dead_letter")
    ]
    assert logger.calls[0].kwargs["system"] == "shop"


async def test_without_configuration_the_standard_librarys_logger_is_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "dramaturg"):
        async with ActorSystem("shop") as system:
            ref = system.spawn(Props(Box).using(policy=Directive.STOP), name="box")
            ref.tell(Fail(ValueError("broken")))
            await until(lambda: not ref.is_alive())

    [failed] = caplog.records  # the dead letter is in there
    assert (failed.name, failed.levelname) == ("dramaturg", "ERROR")
    assert failed.message.startswith("actor_failed system='shop' path='/box' incarnation=1 ")
    assert "ValueError: broken" in caplog.text


async def test_levels_below_that_of_the_standard_librarys_logger_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.CRITICAL, "dramaturg"):
        async with ActorSystem() as system:
            ref = system.spawn(Box)
            await ref.stop(block=False)
            ref.tell(Note(1))

    assert caplog.records == []


def test_a_thread_actor_logs_from_its_own_thread(captured: Captured) -> None:
    class Logs(ThreadActor):
        @handler
        def log(self, message: str) -> None:
            self.context.log.info("said", what=message)

    with ActorSystem("shop", logger=captured.log) as system:
        system.spawn(Logs, name="logs").ask("hello")

    [entry] = captured.entries("said")
    assert (entry["path"], entry["message_type"], entry["what"]) == ("/logs", "str", "hello")
    assert "message_id" not in entry
