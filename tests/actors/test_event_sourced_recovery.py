"""Recovery: from snapshots and events, before the first message, also of older versions."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import CapturingLogger

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    EventSourced,
    Message,
    OptionError,
    Props,
    Request,
    StartFailed,
    TypeRegistry,
    UnknownTypeError,
    Upcaster,
    handler,
    upcaster,
)
from dramaturg.actors.journal import (
    JournalDamaged,
    JournalUnavailable,
    MemoryJournal,
    RecoveryFailed,
    SqliteJournal,
)
from tests.actors.event_kit import (
    Account,
    Balance,
    Deposit,
    Deposited,
    Gated,
    Show,
    Snapping,
    Withdrawn,
    bank,
    full,
)
from tests.actors.kit import Do, within


async def ask(ref: ActorRef[Any], message: Request[Any] | Do) -> Any:
    return await within(ref.request(message))


async def start_failure(ref: ActorRef[Any]) -> BaseException | None:
    """Return why an actor did not start."""
    with pytest.raises(StartFailed) as raised:
        await within(ref.started())
    return raised.value.__cause__


def captured() -> tuple[Any, CapturingLogger]:
    """Make a logger whose calls can be looked at."""
    log = CapturingLogger()
    return structlog.wrap_logger(log, processors=[], wrapper_class=structlog.BoundLogger), log


def warnings(log: CapturingLogger, event: str) -> list[dict[str, Any]]:
    return [call.kwargs for call in log.calls if call.args == (event,) or event in str(call)]


class Counting(Account):
    """Counts how often events are applied."""

    applied = 0

    def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
        type(self).applied += 1
        return super().apply(state, event)


async def fill(journal: MemoryJournal, count: int, kind: type[Account] = Account) -> None:
    """Deposit 1 cent so many times."""
    async with bank(journal) as system:
        account = system.spawn(kind, name="account")
        for _ in range(count):
            await ask(account, Deposit(cents=1))


async def test_messages_wait_until_the_actor_has_recovered() -> None:
    journal = Gated()
    await fill(journal, 3)
    async with bank(journal) as system:
        log: list[Any] = []
        account = system.spawn(Props(Account, log), name="account")
        account.tell(Deposit(cents=1))  # nothing of it has run yet

        assert (await ask(account, Show())).events == 4
        assert log == ["recovered 3", "deposited 1"]


async def test_the_hook_runs_also_where_there_was_nothing() -> None:
    async with bank() as system:
        log: list[Any] = []
        await within(system.spawn(Props(Account, log), name="account").started())

        assert log == ["recovered 0"]


async def test_effects_are_not_repeated_by_recovery() -> None:
    journal = MemoryJournal()
    await fill(journal, 2)
    async with bank(journal) as system:
        log: list[Any] = []
        await ask(system.spawn(Props(Account, log), name="account"), Show())

        assert log == ["recovered 2"]


async def test_more_events_than_a_page_are_recovered() -> None:
    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Account, name="account")
        many = [Deposited(cents=1)] * 2_500
        await ask(account, Do(lambda it: it.persist(*many)))
    async with bank(journal) as system:
        assert await ask(system.spawn(Account, name="account"), Show()) == Balance(
            cents=2_500, events=2_500
        )


async def test_recovery_begins_with_the_newest_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "applied", 0)
    monkeypatch.setattr(Counting, "snapshot_every", 3)
    journal = MemoryJournal()
    await fill(journal, 7, Counting)
    assert Counting.applied == 7

    async with bank(journal) as system:
        assert await ask(system.spawn(Counting, name="account"), Show()) == Balance(
            cents=7, events=7
        )

    assert Counting.applied == 8
    assert [each.sequence for each in journal.store.shelves["account-1"].snapshots] == [6, 3]


async def test_a_list_that_passes_the_mark_is_followed_by_one_snapshot() -> None:
    journal = MemoryJournal()
    async with bank(journal) as system:
        account = system.spawn(Snapping, name="account")
        many = [Deposited(cents=1)] * 8
        await ask(account, Do(lambda it: it.persist(*many)))
        await ask(account, Show())

    assert [each.sequence for each in journal.store.shelves["account-1"].snapshots] == [8]


@pytest.mark.parametrize("runs", [1, 2, 5])
async def test_what_is_deleted_was_superfluous(runs: int) -> None:
    journal = MemoryJournal()
    for run in range(runs):
        await fill(journal, 4, Snapping)
        async with bank(journal) as system:
            shown = await ask(system.spawn(Snapping, name="account"), Show())
        assert shown.events == 4 * (run + 1)

    shelf = journal.store.shelves["account-1"]
    kept = [each.sequence for each in shelf.snapshots]
    assert len(kept) <= 2
    assert shelf.deleted == (min(kept) if len(kept) == 2 else 0)


async def test_a_snapshot_that_fails_is_logged_and_nobody_minds() -> None:
    journal = Gated()
    journal.refuse_saves = full()
    logger, log = captured()
    async with bank(journal, logger=logger) as system:
        account = system.spawn(Snapping, name="account")
        for _ in range(4):
            await ask(account, Deposit(cents=1))
        assert (await ask(account, Show())).events == 4

    (warning,) = warnings(log, "snapshot_failed")
    assert warning["persistence_id"] == "account-1"
    assert "full" in warning["error"]


class Odd(Message):
    value: Any = None


class OddState(EventSourced[Any]):
    """Its state cannot be stored."""

    snapshot_every = 1

    def initial_state(self) -> Any:
        return None

    def apply(self, state: Any, event: Deposited) -> Any:
        return object()

    @handler
    async def deposit(self, command: Deposit) -> Balance:
        await self.persist(Deposited(cents=command.cents))
        return Balance()


async def test_a_state_that_cannot_be_stored_is_logged_at_each_snapshot() -> None:
    logger, log = captured()
    async with bank(logger=logger) as system:
        odd = system.spawn(OddState, name="odd")
        await ask(odd, Deposit(cents=1))
        await ask(odd, Deposit(cents=1))

    assert len(warnings(log, "snapshot_failed")) == 2


async def test_a_snapshot_that_cannot_be_read_gives_way_to_an_older_one() -> None:
    journal = MemoryJournal()
    await fill(journal, 7, Snapping)
    spoil(journal, 0)
    logger, log = captured()
    async with bank(journal, logger=logger) as system:
        assert (await ask(system.spawn(Snapping, name="account"), Show())).events == 7

    (warning,) = warnings(log, "snapshot_unreadable")
    assert warning["sequence"] == 6


async def test_without_a_snapshot_that_can_be_read_all_events_will_do() -> None:
    journal = MemoryJournal()
    await fill(journal, 4, Snapping)  # one snapshot, so nothing is deleted
    spoil(journal, 0)
    async with bank(journal) as system:
        assert (await ask(system.spawn(Snapping, name="account"), Show())).events == 4


async def test_without_a_snapshot_and_without_all_events_it_does_not_start() -> None:
    journal = MemoryJournal()
    await fill(journal, 7, Snapping)
    spoil(journal, 0)
    spoil(journal, 1)
    async with bank(journal) as system:
        error = await start_failure(system.spawn(Snapping, name="account"))

    assert isinstance(error, RecoveryFailed)
    assert (error.persistence_id, error.what, error.sequence) == ("account-1", "snapshot", 6)


def spoil(journal: MemoryJournal, index: int) -> None:
    """Make a snapshot unreadable."""
    shelf = journal.store.shelves["account-1"]
    kept = shelf.snapshots[index]
    shelf.snapshots[index] = type(kept)(kept.persistence_id, kept.sequence, b"\xc1", kept.time)


async def test_an_event_that_is_missing_is_damage() -> None:
    for index, place in ((0, "event 1"), (1, "event 2")):
        journal = MemoryJournal()
        await fill(journal, 3)
        shelf = journal.store.shelves["account-1"]
        del shelf.events[index]
        shelf.deleted = 1 - index
        async with bank(journal) as system:
            error = await start_failure(system.spawn(Account, name="account"))

        assert isinstance(error, JournalDamaged)
        assert place in error.place


async def test_an_event_that_apply_refuses_is_named() -> None:
    class Changed(Account):
        def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
            if state.events == 1:
                raise ValueError("changed my mind")
            return super().apply(state, event)

    journal = MemoryJournal()
    await fill(journal, 3)
    async with bank(journal) as system:
        error = await start_failure(system.spawn(Changed, name="account"))

    assert isinstance(error, RecoveryFailed)
    assert (error.what, error.sequence) == ("event", 2)
    assert "changed my mind" in error.cause


async def test_an_event_whose_type_is_unknown_is_an_error_and_no_guess() -> None:
    class Closed(Message, name="bank.closed"):
        pass

    class Other(Account):
        def apply(self, state: Balance, event: Closed) -> Balance:  # type: ignore[override]
            return state

    journal = MemoryJournal()
    await fill(journal, 1)
    async with bank(journal) as system:
        error = await start_failure(system.spawn(Other, name="account"))

    assert isinstance(error, RecoveryFailed)
    assert isinstance(error.__cause__, UnknownTypeError)
    assert len(journal.store.shelves["account-1"].events) == 1


def later_bank() -> type[EventSourced[Any]]:
    """Make the account of a later release, whose events and state have changed."""

    class NewDeposited(Message, name="bank.deposited", version=3):
        amount: int
        currency: str

    class NewBalance(Message, name="bank.balance", version=2):
        amount: int
        events: int

    def renamed(fields: dict[str, Any]) -> dict[str, Any]:
        return {"amount": fields["cents"]}

    @upcaster("bank.deposited", from_version=2)
    def with_currency(fields: dict[str, Any]) -> dict[str, Any]:
        return {**fields, "currency": "EUR"}

    @upcaster("bank.balance", from_version=1)
    def new_state(fields: dict[str, Any]) -> dict[str, Any]:
        return {"amount": fields["cents"], "events": fields["events"]}

    class LaterAccount(EventSourced[NewBalance]):
        initial = NewBalance(amount=0, events=0)
        upcasters = (Upcaster("bank.deposited", 1, renamed), with_currency, new_state)

        def persistence_id(self) -> str:
            return "account-1"

        def apply(self, state: NewBalance, event: NewDeposited) -> NewBalance:
            assert event.currency == "EUR"
            return NewBalance(amount=state.amount + event.amount, events=state.events + 1)

        @handler
        async def show(self, command: Show) -> Any:
            return self.state

    return LaterAccount


@pytest.mark.parametrize("kind", [Account, Snapping], ids=lambda kind: kind.__name__)
async def test_events_and_snapshots_of_older_versions_are_upcast(kind: type[Account]) -> None:
    journal = MemoryJournal()
    await fill(journal, 5, kind)
    async with bank(journal) as system:
        shown = await ask(system.spawn(later_bank(), name="account"), Show())

    assert (shown.amount, shown.events) == (5, 5)


async def test_types_may_be_added_that_apply_does_not_name() -> None:
    class Extra(Message):
        pass

    class More(Account):
        types = TypeRegistry(Extra).including(Account.types)

        def apply(self, state: Balance, event: Any) -> Balance:
            return state if isinstance(event, Extra) else super().apply(state, event)

    async with bank() as system:
        more = system.spawn(More, name="more")
        await ask(more, Do(lambda it: it.persist(Extra(), Deposited(cents=1))))
        assert (await ask(more, Show())).events == 1


async def test_without_a_journal_the_start_fails_and_says_what_is_missing() -> None:
    async with ActorSystem("bank") as system:
        error = await start_failure(system.spawn(Account, name="account"))

    assert isinstance(error, OptionError)
    assert error.option == "journal"
    assert "Account is event-sourced" in error.expected


@pytest.mark.parametrize(
    "name", ["", 7, "a\nb", "x" * 501], ids=["none", "number", "lines", "long"]
)
async def test_an_impossible_id_is_a_failed_start(name: Any) -> None:
    class Nameless(Account):
        def persistence_id(self) -> str:
            return name  # type: ignore[no-any-return]

    async with bank() as system:
        error = await start_failure(system.spawn(Nameless, name="account"))

    assert isinstance(error, OptionError)
    assert error.option == "persistence_id"


# -- the system and its journal ------------------------------------------------------------------


async def test_a_system_opens_its_journal_and_closes_it_behind_the_last_actor() -> None:
    class Last(Account):
        async def on_stop(self) -> None:
            await self.persist(Deposited(cents=1))

    journal = MemoryJournal()
    states: list[bool] = []
    async with bank(journal) as system:
        states.append(journal.is_open)
        await ask(system.spawn(Last, name="account"), Show())
    assert [*states, journal.is_open] == [True, False]
    assert len(journal.store.shelves["account-1"].events) == 1


async def test_a_system_whose_journal_does_not_open_has_not_started(tmp_path: Path) -> None:
    system = ActorSystem("bank", journal=SqliteJournal(tmp_path / "none" / "events.db"))
    for _ in range(2):
        with pytest.raises(JournalUnavailable):
            await system.__aenter__()
    with pytest.raises(JournalUnavailable):
        await asyncio.to_thread(system.__enter__)

    (tmp_path / "none").mkdir()
    async with system:
        assert (await ask(system.spawn(Account, name="account"), Deposit(cents=1))).events == 1


def test_what_is_no_journal_is_refused() -> None:
    with pytest.raises(OptionError) as raised:
        ActorSystem("bank", journal="events.db")  # type: ignore[arg-type]

    assert raised.value.option == "journal"


@pytest.mark.loses_tasks
def test_an_abandoned_system_closes_its_journal(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "events.db")
    system = ActorSystem("bank", journal=journal)

    async def begin() -> None:
        await system.__aenter__()
        await ask(system.spawn(Account, name="account"), Deposit(cents=1))

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    loop.close()
    system.close()

    assert not journal.is_open  # and the test leaves neither thread nor file


async def test_a_system_on_a_file_recovers_what_the_last_one_stored(tmp_path: Path) -> None:
    for run in range(3):
        async with ActorSystem("bank", journal=SqliteJournal(tmp_path / "events.db")) as system:
            account = system.spawn(Snapping, name="account")
            assert (await ask(account, Show())).events == 5 * run
            for _ in range(5):
                await ask(account, Deposit(cents=1))
