"""Two-phase commit: every account makes the transfer, or none does; first tried out, then built.

Each account is asked, and writes its vote down before it gives it. If all have voted yes the
coordinator tells all to commit, else to abort. Who has not voted may still give up by itself;
who has voted yes waits for the decision. The planted bug takes silence for consent.

Run it with `python -m examples.two_phase_commit`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, TypeAlias

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorRef,
    DeadlineExceeded,
    Directive,
    PlainRequest,
    Props,
    handler,
)
from dramaturg.protocols import Monitor, Protocol, ProtocolViolated, Role, each, sequence, within
from dramaturg.protocols.testing import (
    CancelTimer,
    Exploration,
    Faults,
    Model,
    Output,
    SetTimer,
    Simulation,
    SystemScenario,
    Verdict,
    explore_all,
    explore_system,
)

NAMES: Final = ("ann", "bob")
PATIENCE: Final = 10.0


@dataclass(frozen=True)
class Vote:
    """Yes: I can, whatever happens. No: I have given up."""

    yes: bool


@dataclass(frozen=True)
class Prepare(PlainRequest[Vote]):
    """To an account: say whether you can."""


@dataclass(frozen=True)
class Commit:
    """To an account: do it."""


@dataclass(frozen=True)
class Abort:
    """To an account: leave it."""


Decision: TypeAlias = Commit | Abort

COORDINATOR, ACCOUNT = Role("coordinator"), Role("account", many=True)
COMMIT, ABORT = COORDINATOR >> ACCOUNT @ Commit, COORDINATOR >> ACCOUNT @ Abort
VOTE, CRASHED = ACCOUNT >> COORDINATOR @ Vote, ACCOUNT >> COORDINATOR @ ActorCrashed
PROTOCOL: Final = Protocol(
    "two_phase_commit",
    roles=(COORDINATOR, ACCOUNT),
    order=within(
        PATIENCE,
        sequence(COORDINATOR >> ACCOUNT @ Prepare, each(ACCOUNT, VOTE | CRASHED), COMMIT | ABORT),
        otherwise=ABORT,
        clock=COORDINATOR,
    ),
)


# -- tried out: plain actors, every state --------------------------------------------------


class CoordinatorModel:
    """Asks, waits, decides; after a crash says again what it has decided."""

    durable = ("decision",)
    silence: ClassVar[Decision] = Abort()

    def __init__(self) -> None:
        self.votes: dict[str, bool] = {}
        self.decision: Decision | None = None

    def on_start(self) -> list[Output]:
        """Ask."""
        return [*((name, Prepare()) for name in NAMES), SetTimer("patience", PATIENCE)]

    def on_message(self, sender: str, message: Vote) -> list[Output]:
        """Count a vote."""
        self.votes[sender] = message.yes
        if self.decision is not None or len(self.votes) < len(NAMES):
            return []
        return self.decide(Commit() if all(self.votes.values()) else Abort())

    def on_timer(self, name: str) -> list[Output]:
        """Wait no longer."""
        return self.decide(self.silence)

    def on_restart(self) -> list[Output]:
        """Go on. The votes are forgotten, so an open question is answered no."""
        return self.decide(self.decision or Abort())

    def decide(self, decision: Decision) -> list[Output]:
        """Write it down, and tell all."""
        self.decision = decision
        return [*((name, decision) for name in NAMES), CancelTimer("patience")]


class HastyModel(CoordinatorModel):
    """The bug."""

    silence = Commit()


class AccountModel:
    """Votes, and is told."""

    durable = ("state",)

    def __init__(self) -> None:
        self.state = "open"

    def on_message(self, sender: str, message: Prepare | Decision) -> list[Output]:
        """Vote, or do as is decided."""
        if isinstance(message, Prepare):
            self.state = "prepared" if self.state == "open" else self.state
            return [(sender, Vote(yes=self.state == "prepared"))]
        if self.state in {"open", "prepared"}:
            self.state = settled(message)
        return []

    def on_restart(self) -> None:
        """Give up, unless the vote is given."""
        self.state = "aborted" if self.state == "open" else self.state


def settled(decision: Decision) -> str:
    """Return the state of an account that has been told."""
    return "committed" if isinstance(decision, Commit) else "aborted"


def all_or_none(states: Sequence[str]) -> bool:
    """Tell whether nobody has made the transfer while somebody has given it up."""
    return not {"committed", "aborted"} <= set(states)


def model(coordinator: CoordinatorModel) -> Exploration:
    """Look at every state, with a crash of anybody and a timer that rings too early."""

    def states(view: Any) -> list[str]:
        return [view[name].state for name in NAMES]

    return explore_all(
        Model(
            actors={"coordinator": coordinator, **{name: AccountModel() for name in NAMES}},
            faults=Faults(crashes=1, early_timers=1),
            always={"all or none": lambda view: all_or_none(states(view))},
            at_rest={"nobody waits": lambda view: not {"open", "prepared"} & set(states(view))},
            sometimes={
                "committed": lambda view: set(states(view)) == {"committed"},
                "aborted": lambda view: set(states(view)) == {"aborted"},
            },
        )
    )


# -- built: actors, as they run in production ----------------------------------------------


class Account(Actor):
    """Votes, and is told; what it has written to its disk survives its crash."""

    def __init__(self, disk: dict[str, str]) -> None:
        self.disk = disk

    @property
    def state(self) -> str:
        """How far it is."""
        return self.disk.get("state", "open")

    def on_start(self) -> None:
        """Give up after a crash, unless the vote is given."""
        if self.context.incarnation > 1 and self.state == "open":
            self.disk["state"] = "aborted"

    @handler
    def prepare(self, message: Prepare) -> Vote:
        """Write the vote down, and give it."""
        if self.state == "open":
            self.disk["state"] = "prepared"
        return Vote(yes=self.state == "prepared")

    @handler
    def decided(self, message: Commit | Abort) -> None:
        """Do as is decided."""
        if self.state in {"open", "prepared"}:
            self.disk["state"] = settled(message)


@dataclass(frozen=True)
class Transfer:
    """To the coordinator: let them make a transfer."""


class Coordinator(Actor):
    """Asks all at once, and takes silence for a no."""

    silence: ClassVar[Vote] = Vote(yes=False)

    def __init__(self, accounts: Sequence[ActorRef[Account]]) -> None:
        self.accounts = accounts

    @handler
    async def transfer(self, message: Transfer) -> None:
        """Ask, wait, decide."""
        votes = await asyncio.gather(*map(self.ask, self.accounts))
        decision = Commit() if all(vote.yes for vote in votes) else Abort()
        for account in self.accounts:
            account.tell(decision)

    async def ask(self, account: ActorRef[Account]) -> Vote:
        """Return an account's vote, or what its silence is taken for."""
        try:
            return await account.request(Prepare(), timeout=PATIENCE)
        except DeadlineExceeded:
            return self.silence
        except ActorCrashed:
            return Vote(yes=False)


class HastyCoordinator(Coordinator):
    """The bug."""

    silence = Vote(yes=True)


async def transfer(sim: Simulation, coordinator: type[Coordinator]) -> None:
    """Let two accounts make a transfer."""
    accounts = [
        sim.system.spawn(
            Props(Account, dict[str, str]()).using(policy=Directive.RESTART), name=name
        )
        for name in NAMES
    ]
    chair = sim.system.spawn(Props(coordinator, accounts), name="coordinator")
    await asyncio.gather(chair.started(), *[each.started() for each in accounts])

    def states(view: Any) -> list[str]:
        return [view[f"/{name}"].state for name in NAMES if view[f"/{name}"] is not None]

    sim.always(lambda view: all_or_none(states(view)), "all or none")
    sim.sometimes(lambda view: set(states(view)) == {"committed"}, "committed")
    sim.sometimes(lambda view: set(states(view)) == {"aborted"}, "aborted")
    chair.tell(Transfer())


async def watched_transfer(sim: Simulation) -> None:
    """Let them make it, and see to it that they keep to the protocol."""
    players = {COORDINATOR: Coordinator, ACCOUNT: Account}
    Monitor(PROTOCOL, players, key=lambda seen: "the transfer").attach(sim.system)
    sim.system.events.subscribe(sim.note, ProtocolViolated)
    sim.always(lambda view: not view.history, "by the protocol")
    await transfer(sim, Coordinator)


FAULTS: Final = Faults(crashes={"/ann": 1, "/bob": 1}, early_timers=1)
hasty_transfer: Final = partial(transfer, coordinator=HastyCoordinator)


def system(scenario: SystemScenario) -> Verdict:
    """Look for a run in which one account commits and the other one aborts."""
    return explore_system(scenario, faults=FAULTS, schedules=200)


def main() -> None:
    """Show both, as they should be and with the bug."""
    print("every state of the model:", model(CoordinatorModel()))
    print("silence is consent:", model(HastyModel()))
    print()
    print("actors:", system(watched_transfer))
    print("silence is consent:", system(hasty_transfer))


if __name__ == "__main__":
    main()
