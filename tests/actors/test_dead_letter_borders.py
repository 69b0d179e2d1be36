"""What the store of dead letters refuses to be asked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dramaturg.actors import ActorSystem, DeadLetterReason, OptionError
from tests.actors.letters_kit import Bill, Lives
from tests.actors.messaging_kit import Box, Kept, Note

WRONG: dict[str, Any] = {
    "reason": "crash",
    "target": "box",
    "message_type": 7,
    "since": datetime(2030, 1, 1),  # noqa: DTZ001 - without a zone
    "until": "2030-01-01",
    "text": b"milk",
    "requester_told": 1,
    "where": "text",
}


@pytest.mark.parametrize("option", WRONG)
@pytest.mark.parametrize("call", ["list", "count"])
async def test_a_filter_that_cannot_be_is_refused(call: str, option: str) -> None:
    async with ActorSystem() as system:
        with pytest.raises(OptionError) as raised:
            getattr(system.dead_letters, call)(**{option: WRONG[option]})

    assert (raised.value.option, raised.value.value) == (option, WRONG[option])


async def test_letters_are_found_by_a_ref_too() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box, name="box")
        await ref.stop(block=False)
        ref.tell(Note(1))

        found = system.dead_letters.list(
            target=ref, reason=DeadLetterReason.STOPPED, since=datetime(2000, 1, 1, tzinfo=UTC)
        )
        assert [each.message for each in found] == [Note(1)]
        assert system.dead_letters.list(target=system.spawn(Box, name="other")) == []


@pytest.mark.parametrize("letters", ["all", 7, [1]], ids=["text", "number", "ids"])
@pytest.mark.parametrize("call", ["replay", "discard"])
async def test_what_is_no_letters_is_refused_and_nothing_is_done(call: str, letters: Any) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Box, name="box")
        await ref.stop(block=False)
        ref.tell(Note(1))
        successor = system.spawn(Box, name="box")
        with pytest.raises(OptionError, match="dead letters, as list"):
            getattr(system.dead_letters, call)(letters)

        assert len(system.dead_letters) == 1
        assert await successor.request(Kept()) == []


async def test_a_letter_alone_is_no_letters() -> None:
    async with Lives().life() as life:
        await life.bury(Bill(number=1))
        letter: Any = life.letters.get(1)
        for call in (life.letters.replay, life.letters.discard):
            with pytest.raises(OptionError):
                call(letter)
        with pytest.raises(OptionError):
            await life.letters.handle(life.till("other"), letter)

        assert life.numbers() == [1]
