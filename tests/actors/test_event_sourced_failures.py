"""A journal that fails: nobody knows what is stored, so the actor fails, whatever it does."""

import asyncio
import contextlib
import gc
from typing import Any

import pytest

from dramaturg.actors import (
    ActorCrashed,
    ActorFailed,
    ActorRef,
    ActorSystem,
    Directive,
    Props,
    Refused,
    Request,
    StartFailed,
    handler,
)
from dramaturg.actors.journal import (
    ConcurrentWriter,
    JournalUnavailable,
    MemoryJournal,
    PersistCutShort,
)
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.event_kit import (
    Account,
    Balance,
    Deposit,
    Deposited,
    Gated,
    Show,
    bank,
    full,
)
from tests.actors.kit import Do, Events, deaf, within


async def ask(ref: ActorRef[Any], message: Request[Any] | Do) -> Any:
    return await within(ref.request(message))


def restarting(kind: type[Account] = Account, *args: Any) -> Props[Any]:
    return Props(kind, *args).using(policy=Directive.RESTART)


async def test_a_persist_that_fails_fails_the_actor_and_its_state_is_what_is_stored() -> None:
    journal = Gated()
    async with bank(journal) as system:
        account = system.spawn(restarting(), name="account")
        await ask(account, Deposit(cents=5))
        journal.refuse_appends = full()

        with pytest.raises(ActorCrashed) as raised:
            await ask(account, Deposit(cents=7))

        assert isinstance(raised.value.__cause__, JournalUnavailable)
        journal.refuse_appends = None
        assert await ask(account, Show()) == Balance(cents=5, events=1)
        assert await ask(account, Do(lambda it: it.context.incarnation)) == 2


class Swallower(Account):
    """Catches what the journal raises, and does as if nothing had happened."""

    how = "returns"

    @handler
    async def deposit(self, command: Deposit) -> Balance:
        try:
            await self.persist(Deposited(cents=command.cents))
        except JournalUnavailable as error:
            if self.how == "refuses":
                raise Refused("later") from error
            if self.how == "raises":
                raise LookupError from error
        return self.state


@pytest.mark.parametrize("how", ["returns", "refuses", "raises"])
async def test_a_handler_that_catches_the_failure_fails_all_the_same(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Swallower, "how", how)
    journal = Gated()
    async with bank(journal) as system:
        events = Events(system, ActorFailed)
        account = system.spawn(restarting(Swallower), name="account")
        await within(account.started())
        journal.refuse_appends = full()

        with pytest.raises(ActorCrashed) as raised:
            await ask(account, Deposit(cents=7))

        assert raised.value.__cause__ is journal.refuse_appends
        journal.refuse_appends = None
        assert await ask(account, Deposit(cents=1)) == Balance(cents=1, events=1)
        assert len(events.all) == 1


class ByBehaviour(Account):
    """Persists where no handler is: the failure is seen behind the message."""

    def __init__(self, log: list[Any] | None = None) -> None:
        super().__init__(log)
        self.context.become(self.behave)

    async def behave(self, message: Any) -> Any:
        try:
            await self.persist(Deposited(cents=1))
        except JournalUnavailable:
            return "swallowed"
        return self.state


async def test_a_behaviour_that_catches_the_failure_fails_behind_its_message() -> None:
    journal = Gated()
    async with bank(journal) as system:
        events = Events(system, ActorFailed)
        account = system.spawn(restarting(ByBehaviour), name="account")
        await within(account.started())
        journal.refuse_appends = full()
        assert await ask(account, Show()) == "swallowed"
        await events.first(ActorFailed)
        journal.refuse_appends = None

        assert await ask(account, Show()) == Balance(cents=1, events=1)
        assert len(events.all) == 1


async def test_a_task_of_the_actor_that_catches_the_failure_fails_the_actor() -> None:
    journal = Gated()
    async with bank(journal) as system:
        events = Events(system, ActorFailed)
        account = system.spawn(restarting(), name="account")
        await within(account.started())
        journal.refuse_appends = full()

        def begin(it: Account) -> None:
            persisting = asyncio.ensure_future(it.persist(Deposited(cents=1)))
            persisting.add_done_callback(lambda done: done.exception())

        await ask(account, Do(begin))
        failed = await events.first(ActorFailed)

        assert isinstance(failed.error, JournalUnavailable)


async def test_a_policy_that_resumes_does_not_resume_what_nobody_knows() -> None:
    journal = Gated()
    async with bank(journal) as system:
        log: list[Any] = []
        account = system.spawn(Props(Account, log).using(policy=Directive.RESUME), name="account")
        await within(account.started())
        journal.refuse_appends = full()
        with pytest.raises(ActorCrashed):
            await ask(account, Deposit(cents=1))
        journal.refuse_appends = None

        for _ in range(2):
            with pytest.raises(ActorCrashed):
                await ask(account, Deposit(cents=1))

        assert log == ["recovered 0"]
        assert journal.store.shelves == {}


class Hasty(Account):
    """Gives its journal no time."""

    @handler
    async def deposit(self, command: Deposit) -> Balance:
        try:
            async with asyncio.timeout(0):
                await self.persist(Deposited(cents=command.cents))
        except TimeoutError:
            self.log.append("too late")
        return self.state


async def test_a_persist_that_is_cancelled_fails_the_actor_and_the_event_may_be_stored() -> None:
    journal = Gated()
    async with bank(journal) as system:
        log: list[Any] = []
        account = system.spawn(restarting(Hasty, log), name="account")
        await within(account.started())
        journal.gate = asyncio.Event()

        with pytest.raises(ActorCrashed) as raised:
            await ask(account, Deposit(cents=7))
        cause = raised.value.__cause__
        assert isinstance(cause, PersistCutShort)
        assert (cause.persistence_id, cause.expected) == ("account-1", 0)

        journal.gate.set()
        assert await ask(account, Show()) == Balance(cents=7, events=1)  # it was
        assert log == ["recovered 0", "too late", "recovered 7"]


async def test_no_incarnation_reads_before_what_the_last_one_began_is_settled() -> None:
    journal = Gated()
    async with bank(journal) as system:
        account = system.spawn(restarting(Hasty), name="account")
        await within(account.started())
        assert journal.reads == 1
        journal.gate = asyncio.Event()
        with pytest.raises(ActorCrashed):
            await ask(account, Deposit(cents=7))

        shown = asyncio.ensure_future(ask(account, Show()))
        for _ in range(20):
            await asyncio.sleep(0)
        assert (journal.reads, shown.done()) == (1, False)

        journal.gate.set()
        assert (await shown).events == 1
        assert journal.reads == 2


async def test_a_killed_actor_comes_back_with_what_it_had_under_way() -> None:
    journal = Gated()
    tree = SupervisorSpec([ChildSpec("account", Account)])
    async with bank(journal) as system:
        supervisor = system.spawn(Props(Supervisor, tree), name="top")
        await within(supervisor.started())
        account = system.lookup("/top/account")
        assert account is not None
        await ask(account, Show())
        journal.gate = asyncio.Event()
        doomed = asyncio.ensure_future(account.request(Deposit(cents=3)))
        await within(journal.appended.wait())

        account.kill()
        with pytest.raises(LookupError):
            await within(doomed)
        journal.gate.set()

        assert await ask(account, Show()) == Balance(cents=3, events=1)


async def test_an_incarnation_that_does_not_go_away_writes_no_more(short_grace: None) -> None:
    journal = Gated()
    tree = SupervisorSpec([ChildSpec("account", Account, shutdown=0)], intensity=5)
    async with bank(journal) as system:
        supervisor = system.spawn(Props(Supervisor, tree), name="top")
        await within(supervisor.started())
        account = system.lookup("/top/account")
        assert account is not None
        await ask(account, Show())
        old: list[Account] = []
        await ask(account, Do(old.append))
        account.kill()
        assert (await ask(account, Show())).events == 0

        with pytest.raises(ConcurrentWriter) as raised:
            await within(old[0].persist(Deposited(cents=1)))

        assert raised.value.holder == "/top/account, incarnation 2"
        assert (await ask(account, Deposit(cents=1))).events == 1


async def test_a_journal_that_fails_while_the_actor_recovers_is_a_failed_start() -> None:
    class Recording(Account):
        async def on_recovered(self) -> None:
            await self.persist(Deposited(cents=1))

    journal = Gated()
    journal.refuse_appends = full()
    async with bank(journal) as system:
        account = system.spawn(Recording, name="account")

        with pytest.raises(StartFailed) as raised:
            await within(account.started())

    assert isinstance(raised.value.__cause__, JournalUnavailable)


async def test_a_recovery_hook_that_catches_the_failure_is_a_failed_start_too() -> None:
    class Swallowing(Account):
        async def on_recovered(self) -> None:
            with contextlib.suppress(JournalUnavailable):
                await self.persist(Deposited(cents=1))

    journal = Gated()
    journal.refuse_appends = full()
    async with bank(journal) as system:
        with pytest.raises(StartFailed):
            await within(system.spawn(Swallowing, name="account").started())


async def test_two_actors_of_a_system_cannot_have_one_id() -> None:
    async with bank() as system:
        first = system.spawn(Account, name="first")
        await within(first.started())

        with pytest.raises(StartFailed) as raised:
            await within(system.spawn(Account, name="second").started())
        cause = raised.value.__cause__
        assert isinstance(cause, ConcurrentWriter)
        assert (cause.persistence_id, cause.holder) == ("account-1", "/first")

        await ask(first, Deposit(cents=1))
        await within(first.stop(block=False))
        third = system.spawn(Account, name="third")
        assert await ask(third, Show()) == Balance(cents=1, events=1)


async def test_the_second_of_two_systems_on_one_id_fails_and_nothing_forks() -> None:
    journal = MemoryJournal()
    other = MemoryJournal(journal.store)
    async with bank(journal) as system, ActorSystem("other", journal=other) as elsewhere:
        first = system.spawn(restarting(), name="first")
        second = elsewhere.spawn(restarting(), name="second")
        assert await ask(first, Show()) == await ask(second, Show())

        await ask(first, Deposit(cents=1))
        with pytest.raises(ActorCrashed) as raised:
            await ask(second, Deposit(cents=2))

        assert isinstance(raised.value.__cause__, ConcurrentWriter)
        with pytest.raises(LookupError):  # nor does it come back: recovery finds the first
            await ask(second, Show())
        assert await ask(first, Deposit(cents=1)) == Balance(cents=2, events=2)


async def test_an_actor_whose_awaited_append_is_abandoned_leaves_no_unread_error(
    short_grace: None, unread_errors: list[str]
) -> None:
    journal = Gated()
    system = bank(journal, shutdown_timeout=0.01)
    async with system:
        account = system.spawn(Account, name="account")
        await within(account.started())
        journal.refuse_appends = full()
        journal.gate = asyncio.Event()
        asking = asyncio.ensure_future(account.request(Deposit(cents=1)))
        await within(journal.appended.wait())
    journal.gate.set()
    with pytest.raises(LookupError):
        await within(asking)
    await asyncio.sleep(0)

    assert unread_errors == []


async def test_the_holder_of_an_id_is_forgotten_with_its_actor() -> None:
    class Named(Account):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def persistence_id(self) -> str:
            return self.name

    journal = MemoryJournal()
    async with bank(journal) as system:
        for number in range(50):
            account = system.spawn(Props(Named, f"a-{number}"), name=f"a-{number}")
            await ask(account, Deposit(cents=1))
            await within(account.stop(block=False))
            del account
        gc.collect()

        assert len(journal._holders) <= 1


async def test_a_handler_that_waits_is_not_in_the_way_of_other_actors() -> None:
    class Other(Account):
        def persistence_id(self) -> str:
            return "account-2"

    async with bank() as system:
        waiting = system.spawn(Account, name="waiting")
        waiting.tell(Do(deaf))
        other = system.spawn(Other, name="other")

        assert (await ask(other, Deposit(cents=1))).events == 1
        waiting.kill()
