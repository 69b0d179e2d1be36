"""Dead letters in the journal: what is there again in the next life of a system."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorStopped,
    ActorSystem,
    BlockingCallError,
    DeadLetter,
    DeadLetterReason as Reason,
    DurableDeadLetters,
    Handled,
    HandleLetter,
    LetterVerdict as Verdict,
    LostMessage,
    MemoryJournal,
    OptionError,
    Props,
    Replayed,
    StoredError,
    SystemStateError,
    TypeRegistry,
    handler,
)
from tests.actors.kit import LIMIT, Crash, within
from tests.actors.letters_kit import REGISTRY, Bill, Lives, Till
from tests.actors.messaging_kit import Captured, Note, until


@pytest.fixture(params=["memory", "sqlite"])
def lives(request: pytest.FixtureRequest, tmp_path: Path) -> Lives:
    return Lives(request.param, tmp_path)


# -- what is there again -------------------------------------------------------------------------


async def test_letters_are_there_again_with_all_that_they_said(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1), Bill(number=2))
        till = life.till()
        till.tell(Bill(number=3, how="crash"))
        await life.system.shutdown()
        before = life.letters.list()

    async with lives.life() as life:
        after = life.letters.list()
        assert [each.message for each in after] == [each.message for each in before]
        for old, new in zip(before, after, strict=True):
            assert (new.id, new.reason, new.target) == (old.id, old.reason, old.target)
            assert (new.time, new.attempts, new.sender) == (old.time, old.attempts, old.sender)
            assert isinstance(new.error, StoredError)
            assert new.error.type_name == type(old.error).__name__
            assert str(new.error) == str(old.error)
            assert not new.in_doubt
        assert (life.letters.total, life.letters.counts[Reason.STOPPED]) == (3, 2)
        assert life.letters.counts[Reason.CRASHED] == 1
        assert life.letters.get(after[0].id) == after[0]


async def test_ids_and_the_sender_are_there_again_and_ids_go_on(lives: Lives) -> None:
    class Asks(Actor):
        @handler
        async def ask(self, message: str) -> None:
            ref = self.context.spawn(Props(Till, []), name=message)
            await ref.stop(block=False)
            with pytest.raises(ActorStopped):
                await ref.request(Bill(number=1))

    letters = DurableDeadLetters(REGISTRY)
    journal = lives.journal()
    async with ActorSystem("shop", journal=journal, dead_letters=letters, trace=True) as system:
        await system.spawn(Asks, name="asks").request("asked")
        [old] = letters.list()
    async with lives.life() as life:
        await life.bury(Bill(number=2))
        first, second = life.letters.list()
        assert (first.sender, first.message_id) == ("/asks", old.message_id)
        assert (first.correlation_id, first.causation_id) == (old.correlation_id, old.causation_id)
        assert old.causation_id is not None
        assert (first.id, second.id) == (1, 2)


async def test_a_message_that_cannot_be_stored_is_there_as_its_repr_with_the_reason(
    lives: Lives,
) -> None:
    class Rude:
        def __repr__(self) -> str:
            raise Crash("rude")

    async with lives.life() as life:
        await life.bury(Note(7), Rude(), "\ud800", Bill(number=1))
        assert [type(each.message) for each in life.letters.list()] == [Note, Rude, str, Bill]

    async with lives.life() as life:
        lost = [each.message for each in life.letters.list()]
        assert lost[3] == Bill(number=1)
        assert lost[0] == LostMessage("Note", repr(Note(7)), lost[0].why)
        assert "Note is not registered" in lost[0].why
        assert lost[1].text == "<Rude, whose repr fails: Crash: rude>".replace(
            "<Rude", f"<{Rude.__qualname__}"
        )
        assert lost[2].text == r"'\ud800'"
        life.till("gone")
        assert life.letters.replay() == Replayed(sent=1, no_target=0, exhausted=0, unreadable=3)


async def test_a_message_whose_type_is_not_known_any_more_is_lost_until_it_is(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1))
    async with lives.life(registry=TypeRegistry()) as life:
        [letter] = life.letters.list()
        assert isinstance(letter.message, LostMessage)
        assert "letters.Bill" in letter.message.why
    async with lives.life() as life:
        assert life.numbers() == [1]


async def test_what_was_discarded_is_not_there_again(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(*[Bill(number=number) for number in range(5)])
        await life.stored()
        assert life.letters.discard(life.letters.list(limit=2)) == 2
        assert life.letters.discard(life.letters.list(limit=0)) == 0
    async with lives.life() as life:
        assert life.numbers() == [2, 3, 4]
        assert life.letters.discard() == 3
        assert life.letters.discard() == 0
    async with lives.life() as life:
        assert (life.numbers(), life.letters.total) == ([], 5)


async def test_a_system_in_a_thread_has_its_letters_again(lives: Lives) -> None:
    def use() -> list[Any]:
        letters = DurableDeadLetters(REGISTRY)
        with ActorSystem("shop", journal=lives.journal(), dead_letters=letters) as system:
            found = [each.message for each in letters.list()]
            ref = system.spawn(Props(Till, []), name="till")
            ref.stop()
            ref.tell(Bill(number=len(found)))
            letters.stored().get(timeout=LIMIT)
        return found

    assert await asyncio.to_thread(use) == []
    assert await asyncio.to_thread(use) == [Bill(number=0)]


async def test_waiting_for_the_store_on_the_loop_is_refused(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1))
        with pytest.raises(BlockingCallError):
            life.letters.stored().get()
        await life.stored()


# -- finding them --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"target": "/a"}, [1, 2]),
        ({"target": "/a/*"}, []),
        ({"target": "/*"}, [1, 2, 3, 4]),
        ({"target": "/b*"}, [3, 4]),
        ({"target": "/*/x"}, []),
        ({"target": "/*b"}, [3]),
        ({"reason": Reason.CRASHED}, [4]),
        ({"message_type": Bill}, [1, 2, 3, 4]),
        ({"message_type": "letters.Bill"}, [1, 2, 3, 4]),
        ({"message_type": "Bill"}, [1, 2, 3, 4]),
        ({"message_type": "Bills"}, []),
        ({"text": "NUMBER=3"}, [3]),
        ({"text": "has stopped"}, [1, 2, 3]),
        ({"since": 20.0}, [3, 4]),
        ({"until": 20.0}, [1, 2]),
        ({"since": 10.0, "until": 20.0}, [2]),
        ({"since": 10.0, "target": "/a", "limit": 1}, [2]),
    ],
)
async def test_letters_are_found_in_both_lives(
    options: dict[str, Any], expected: list[int]
) -> None:
    lives = Lives()
    noon = lives.clock.time()
    wanted: dict[str, Any] = {
        key: noon + timedelta(seconds=value) if isinstance(value, float) else value
        for key, value in options.items()
    }
    async with lives.life() as life:
        await life.bury(Bill(number=1), name="a")
        lives.clock.advance(10)
        await life.bury(Bill(number=2), name="a")
        lives.clock.advance(10)
        await life.bury(Bill(number=3), name="b")
        life.till("b2").tell(Bill(number=4, how="crash"))
        await until(lambda: len(life.letters) == 4)
        assert life.numbers(**wanted) == expected
    async with lives.life() as life:
        assert life.numbers(**wanted) == expected
        wanted.pop("limit", None)
        assert life.letters.count(**wanted) == len(life.letters.list(**wanted))


async def test_a_time_without_a_zone_is_refused() -> None:
    lives = Lives()
    async with lives.life() as life:
        with pytest.raises(OptionError, match="since"):
            life.letters.list(since=lives.clock.time().replace(tzinfo=None))


# -- replay --------------------------------------------------------------------------------------


async def test_letters_of_an_earlier_life_are_replayed_and_gone_in_the_next(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1), Bill(number=2), name="till")
    async with lives.life() as life:
        life.till()
        assert life.letters.replay() == Replayed(sent=2, no_target=0, exhausted=0)
        assert life.letters.replay().sent == 0
        await until(lambda: life.paid == [1, 2])
    async with lives.life() as life:
        assert life.letters.list() == []


async def test_a_letter_that_fails_again_is_a_new_one_until_it_is_exhausted(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1, how="crash"), name="till")
    for attempts in (1, 2):
        async with lives.life() as life:
            till = life.till()
            [letter] = life.letters.list()
            assert (letter.attempts, letter.in_doubt) == (attempts, False)
            assert life.letters.replay().sent == 1
            await within(until_ended(till))
    async with lives.life() as life:
        life.till()
        [letter] = life.letters.list()
        assert (letter.attempts, letter.reason, letter.id) == (3, Reason.CRASHED, 3)
        assert life.letters.replay() == Replayed(sent=0, no_target=0, exhausted=1)
        assert life.letters.replay(max_attempts=4).sent == 1
        await until(lambda: len(life.letters) == 1)


async def until_ended(ref: Any) -> None:
    await until(lambda: not ref.is_alive())


async def test_a_replayed_message_that_is_refused_is_a_letter_again(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1, how="refuse"), name="till")
        life.till()
        life.letters.replay()
        await until(lambda: [each.attempts for each in life.letters.list()] == [2])
        [letter] = life.letters.list()
        assert letter.reason is Reason.REFUSED
    async with lives.life() as life:
        [again] = life.letters.list()
        assert (again.id, again.reason, again.attempts) == (letter.id, Reason.REFUSED, 2)


async def test_each_replay_of_a_letter_has_the_same_message_id(lives: Lives) -> None:
    seen: list[Any] = []

    class Notes(Till):
        @handler
        def bill(self, message: Bill) -> None:
            assert self._cell.message.headers is not None
            seen.append(self._cell.message.headers.message_id)
            raise Crash

    async with lives.life() as life:
        await life.bury(Bill(number=1), name="till")
        for number in range(2):
            ref = life.system.spawn(Props(Notes, []), name="till")
            assert life.letters.replay().sent == 1
            await until(lambda number=number: len(seen) == number + 1)  # type: ignore[misc]
            await within(until_ended(ref))
        assert seen[0] == seen[1]


async def test_what_cannot_be_sent_is_kept(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1), Bill(number=2))
        assert life.letters.replay() == Replayed(sent=0, no_target=2, exhausted=0)
        life.till("gone")
        assert life.letters.replay(limit=1).sent == 1
        await until(lambda: life.paid == [1])
        assert life.numbers() == [2]


async def test_a_letter_is_replayed_once_although_it_is_not_stored_yet(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=1), name="till")
        life.till()
        letters = life.letters.list()
        sent = [life.letters.replay(letters).sent for _ in range(3)]
        assert sent == [1, 0, 0]
        await life.stored()
        await until(lambda: life.paid == [1])
    async with lives.life() as life:
        assert life.letters.list() == []


# -- by hand -------------------------------------------------------------------------------------


async def test_a_handler_settles_leaves_or_has_replayed(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(*[Bill(number=number) for number in range(4)])

    async def judge(letter: DeadLetter) -> Verdict:
        if letter.message.number == 3:
            raise Crash
        number: int = letter.message.number
        return [Verdict.SETTLED, Verdict.LEFT, Verdict.REPLAY][number]

    async with lives.life() as life:
        life.till("gone")
        handled = await within(life.letters.handle(judge))
        assert (handled.settled, handled.left, handled.replayed.sent) == (1, 2, 1)
        [(id_, error)] = handled.failed
        assert (id_, type(error)) == (4, Crash)
        await until(lambda: life.paid == [2])
    async with lives.life() as life:
        assert life.numbers() == [1, 3]


async def test_an_actor_may_handle_letters(lives: Lives) -> None:
    class Clerk(Actor):
        @handler
        def see(self, message: HandleLetter) -> Verdict:
            return Verdict.SETTLED if message.letter.message.number else Verdict.LEFT

    async with lives.life() as life:
        await life.bury(Bill(number=0), Bill(number=1), Bill(number=2))
        clerk = life.system.spawn(Clerk)
        chosen = life.letters.list(where=lambda each: each.message.number < 2)
        handled = await within(life.letters.handle(clerk, chosen, limit=2))
        nothing = Replayed(sent=0, no_target=0, exhausted=0)
        assert handled == Handled(settled=1, left=1, replayed=nothing)
    async with lives.life() as life:
        assert life.numbers() == [0, 2]


async def test_a_verdict_that_is_none_leaves_the_letter(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=0))
        handled = await within(life.letters.handle(lambda _: True))  # type: ignore[arg-type, return-value]
        assert (handled.settled, handled.left) == (0, 1)
        assert isinstance(handled.failed[0][1], OptionError)


async def test_who_handles_a_letter_has_it_alone(lives: Lives) -> None:
    async with lives.life() as life:
        await life.bury(Bill(number=0))
        letters = life.letters.list()

        def judge(letter: DeadLetter) -> Verdict:
            assert life.letters.list() == []
            assert life.letters.discard(letters) == 0
            return Verdict.LEFT

        assert (await within(life.letters.handle(judge))).failed == ()
    async with lives.life() as life:
        assert life.numbers() == [0]


# -- how many, how long --------------------------------------------------------------------------


async def test_the_oldest_go_when_there_are_too_many(lives: Lives) -> None:
    async with lives.life(capacity=3) as life:
        await life.bury(*[Bill(number=number) for number in range(5)])
        assert (life.numbers(), life.letters.pushed_out) == ([2, 3, 4], 2)
        await life.stored()
        await life.bury(Bill(number=5), name="other")
    async with lives.life(capacity=2) as life:
        assert life.numbers() == [4, 5]
    async with lives.life() as life:
        assert life.numbers() == [4, 5]


async def test_the_old_go_after_a_while() -> None:
    lives = Lives()
    async with lives.life(max_age=60) as life:
        await life.bury(Bill(number=1))
        lives.clock.advance(40)
        await life.bury(Bill(number=2), name="other")
        lives.clock.advance(30)
        assert life.numbers() == [2]
    async with lives.life(max_age=60) as life:
        assert life.numbers() == [2]
        lives.clock.advance(30)
        assert (life.numbers(), len(life.letters)) == ([], 0)


async def test_what_is_settled_does_not_stay_in_the_journal() -> None:
    lives = Lives()
    async with lives.life(buffer=100_000) as life:
        for _ in range(4):
            await life.bury(*[Bill(number=number) for number in range(500)])
            await life.stored()
            life.letters.discard(life.letters.list()[:-5])
            await life.stored()
        kept = life.numbers()
    shelf = lives.store.shelves["dead-letters/shop"]
    assert len(shelf.events) < 1500 < shelf.head
    async with lives.life() as life:
        assert life.numbers() == kept
        assert life.letters.total == 2000


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"capacity": 0},
        {"buffer": 0},
        {"buffer": 1.5},
        {"max_age": 0},
        {"max_age": -1},
        {"persistence_id": ""},
    ],
)
def test_a_store_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        DurableDeadLetters(REGISTRY, **options)


def test_a_store_without_a_registry_or_a_journal_is_refused() -> None:
    registry: Any = [Bill]
    with pytest.raises(OptionError, match="TypeRegistry"):
        DurableDeadLetters(registry)
    with pytest.raises(OptionError, match="journal"):
        ActorSystem("shop", dead_letters=DurableDeadLetters(REGISTRY))


async def test_a_store_has_one_system_and_one_beginning() -> None:
    letters = DurableDeadLetters(REGISTRY)
    with pytest.raises(SystemStateError):
        letters.stored()
    with pytest.raises(SystemStateError):
        await letters.begin()
    with pytest.raises(OptionError):
        letters.replay()
    assert letters.list() == []
    async with ActorSystem("shop", journal=MemoryJournal(), dead_letters=letters):
        with pytest.raises(SystemStateError):
            await letters.begin()
        with pytest.raises(OptionError):
            ActorSystem("other", journal=MemoryJournal(), dead_letters=letters)


async def test_letters_from_before_the_beginning_are_not_mixed_with_those_of_the_journal() -> None:
    letters = DurableDeadLetters(REGISTRY)
    async with ActorSystem("shop", journal=MemoryJournal(), logger=Captured().log) as system:
        letters.attach(system)
        system.dead_letters = letters
        ref = system.spawn(Props(Till, []))
        await ref.stop(block=False)
        ref.tell(Bill(number=1))
        assert (len(letters), letters.lost) == (1, 1)
        with pytest.raises(SystemStateError):
            await letters.begin()
