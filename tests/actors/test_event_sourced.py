"""Event-sourced actors: commands become events, events become state, effects follow the commit."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    Directive,
    EncodeError,
    Message,
    OptionError,
    Props,
    Refused,
    Request,
    UnregisteredTypeError,
    handler,
)
from dramaturg.actors.journal import MemoryJournal, PersistOverlap
from tests.actors.event_kit import (
    Account,
    Balance,
    Deposit,
    Deposited,
    Gated,
    Show,
    Withdrawn,
    bank,
)
from tests.actors.kit import Do, Note, within


async def ask(ref: ActorRef[Any], message: Request[Any] | Do) -> Any:
    return await within(ref.request(message))


async def test_a_command_becomes_an_event_and_the_event_a_new_state() -> None:
    async with bank() as system:
        account = system.spawn(Account, name="account")

        assert await ask(account, Deposit(cents=5)) == Balance(cents=5, events=1)
        assert await ask(account, Deposit(cents=7)) == Balance(cents=12, events=2)
        assert await ask(account, Do(lambda it: it.sequence)) == 2


async def test_the_next_run_of_the_program_goes_on_where_the_last_one_ended() -> None:
    journal = MemoryJournal()
    for run in range(3):
        async with bank(journal) as system:
            account = system.spawn(Account, name="account")
            assert await ask(account, Show()) == Balance(cents=5 * run, events=run)
            await ask(account, Deposit(cents=5))


async def test_no_effect_comes_before_the_commit_and_no_command_between_the_two() -> None:
    journal = Gated()
    async with bank(journal) as system:
        log: list[Any] = []
        account = system.spawn(Props(Account, log), name="account")
        await within(account.started())
        journal.gate = asyncio.Event()
        first = asyncio.ensure_future(ask(account, Deposit(cents=1)))
        second = asyncio.ensure_future(ask(account, Show()))
        await within(journal.appended.wait())

        assert log == ["recovered 0"]
        assert account.cell.actor.state == Balance()  # type: ignore[union-attr]
        assert not second.done()

        journal.gate.set()
        assert await first == await second == Balance(cents=1, events=1)
        assert log == ["recovered 0", "deposited 1"]


async def test_a_list_of_events_is_stored_as_a_whole_and_applied_in_order() -> None:
    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Account, name="account")

        def both(it: Account) -> Any:
            return it.persist(Deposited(cents=9), Withdrawn(cents=4))

        await ask(account, Do(both))

        assert await ask(account, Show()) == Balance(cents=5, events=2)
        assert len(journal.store.shelves["account-1"].events) == 2


async def test_one_event_that_cannot_be_stored_keeps_all_of_its_list_out() -> None:
    class Foreign(Message):
        pass

    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Account, name="account")

        async def try_it(it: Account) -> str:
            try:
                await it.persist(Deposited(cents=1), Foreign())
            except UnregisteredTypeError as error:
                return error.type_name
            return ""

        assert "Foreign" in await ask(account, Do(try_it))
        assert journal.store.shelves == {}
        assert await ask(account, Deposit(cents=2)) == Balance(cents=2, events=1)


async def test_an_event_that_would_not_come_back_the_same_is_refused() -> None:
    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Account, name="account")

        async def try_it(it: Account) -> str:
            try:
                wrong: Any = object()
                await it.persist(Deposited.model_construct(cents=wrong))
            except EncodeError as error:
                return error.type_name
            return "stored"

        assert await ask(account, Do(try_it)) == "Deposited"
        assert journal.store.shelves == {}
        assert await ask(account, Deposit(cents=2)) == Balance(cents=2, events=1)


async def test_an_event_that_apply_raises_upon_is_not_stored() -> None:
    class Strict(Account):
        def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
            if event.cents < 0:
                raise ValueError(event.cents)
            return super().apply(state, event)

    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Props(Strict).using(policy=Directive.RESTART), name="account")
        await ask(account, Deposit(cents=3))

        with pytest.raises(Exception, match="ValueError: -1"):
            await ask(account, Deposit(cents=-1))

        assert await ask(account, Show()) == Balance(cents=3, events=1)


async def test_without_events_nothing_happens() -> None:
    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Account, name="account")

        await ask(account, Do(lambda it: it.persist()))

        assert journal.store.shelves == {}


async def test_a_refusal_after_the_commit_leaves_actor_and_event() -> None:
    class Grumpy(Account):
        @handler
        async def deposit(self, command: Deposit) -> Balance:
            await self.persist(Deposited(cents=command.cents))
            raise Refused("thanks")

    async with bank() as system:
        account = system.spawn(Grumpy, name="account")

        with pytest.raises(Refused):
            await ask(account, Deposit(cents=1))

        assert await ask(account, Show()) == Balance(cents=1, events=1)


async def test_only_one_persist_is_under_way_at_a_time() -> None:
    journal = Gated()
    async with bank(journal) as system:
        account = system.spawn(Account, name="account")
        await within(account.started())
        journal.gate = asyncio.Event()

        async def two(it: Account) -> Any:
            gate = journal.gate
            assert gate is not None
            first = asyncio.ensure_future(it.persist(Deposited(cents=1)))
            await journal.appended.wait()
            second = await asyncio.gather(it.persist(Deposited(cents=2)), return_exceptions=True)
            gate.set()
            await first
            return second

        (error,) = await ask(account, Do(two))

        assert isinstance(error, PersistOverlap)
        assert error.persistence_id == "account-1"
        assert await ask(account, Show()) == Balance(cents=1, events=1)


class Numbered(Account):
    def tags(self, event: Any) -> Any:
        return ["all", "all", f"cents-{event.cents}"]


async def test_events_are_found_by_their_tags() -> None:
    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Numbered, name="account")
        await ask(account, Deposit(cents=1))
        await ask(account, Deposit(cents=2))

        assert [each.event.sequence async for each in journal.read_tag("all")] == [1, 2]
        assert [each.event.sequence async for each in journal.read_tag("cents-2")] == [2]


@pytest.mark.parametrize("tags", ["all", [""], [7], ["a\n"]], ids=repr)
async def test_tags_that_cannot_be_are_refused_before_anything_is_stored(tags: Any) -> None:
    class Wrong(Account):
        def tags(self, event: Any) -> Any:
            return tags

        @handler
        async def deposit(self, command: Deposit) -> Balance:
            try:
                await self.persist(Deposited(cents=1))
            except OptionError as error:
                raise Refused(error.option) from error
            return self.state

    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Wrong, name="account")
        with pytest.raises(Refused, match="tag"):
            await ask(account, Deposit(cents=1))
        assert journal.store.shelves == {}


async def test_an_event_names_the_message_that_led_to_it() -> None:
    journal = MemoryJournal()
    async with bank(journal, trace=True) as system:
        account = system.spawn(Account, name="account")
        await ask(account, Deposit(cents=1))

        (event,) = [each async for each in journal.read("account-1")]

        assert event.cause
        assert event.time == pytest.approx(system.clock.time().timestamp(), abs=3_600)


async def test_by_default_an_actor_is_stored_under_its_path() -> None:
    class Plain(Account):
        def persistence_id(self) -> str:
            return super(Account, self).persistence_id()

    journal = MemoryJournal()
    async with bank(journal) as system:
        await ask(system.spawn(Plain, name="plain"), Deposit(cents=1))

        assert [each async for each in journal.persistence_ids()] == ["/plain"]


async def test_a_system_in_a_thread_has_persistent_actors_too() -> None:
    journal = MemoryJournal()

    def run(expected: int) -> None:
        with bank(journal) as system:
            account = system.spawn(Account, name="account")
            assert account.ask(Deposit(cents=1)) == Balance(cents=expected, events=expected)
            account.tell(Deposit(cents=1))
            assert account.ask(Show()).events == expected + 1

    await within(asyncio.to_thread(run, 1))
    await within(asyncio.to_thread(run, 3))


async def test_a_tell_persists_as_a_request_does() -> None:
    async with bank() as system:
        account = system.spawn(Account, name="account")
        account.tell(Deposit(cents=4))

        assert await ask(account, Show()) == Balance(cents=4, events=1)
        account.tell(Note("nobody handles that"))
        assert await ask(account, Show()) == Balance(cents=4, events=1)
