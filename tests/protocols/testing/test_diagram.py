"""Which columns a drawn run has, and in which order."""

from dataclasses import dataclass

from dramaturg.actors import Actor, handler
from dramaturg.protocols.testing import Faults, Simulation, Verdict, explore_system, replay_system
from dramaturg.protocols.testing._pytest_search import ReplayFailed
from tests.protocols.testing.shop import racy


@dataclass(frozen=True)
class Leave: ...


class Guest(Actor):
    @handler
    def leave(self, message: Leave) -> None:
        self.stop()


async def two_guests(sim: Simulation) -> None:
    """Let the first guest leave; what has to hold never does."""
    guests = [sim.system.spawn(Guest, name=name) for name in ("first", "second")]
    guests[0].tell(Leave())
    sim.at_rest(lambda view: view["/first"] is not None, "the first one stays")


def head_of(text: str, name: str) -> list[str]:
    """Return the columns of the first diagram in a text."""
    return next(line for line in text.splitlines() if name in line.split()).split()


def columns_of(verdict: Verdict, name: str) -> list[str]:
    return head_of(str(verdict), name)


def test_a_replay_has_the_columns_of_the_search_in_the_same_order() -> None:
    verdict = explore_system(racy)
    assert verdict.failure is not None

    replayed = replay_system(racy, verdict.failure.token)

    columns = columns_of(verdict, "/store")
    assert columns == ["/store", "/ann", "/bob", "scenario"]
    assert head_of(str(ReplayFailed(replayed)), "/store") == columns


def test_who_has_ended_has_a_column_behind_those_who_live() -> None:
    assert columns_of(explore_system(two_guests), "/first") == ["/second", "/first", "scenario"]


def test_who_has_ended_without_a_message_has_a_column() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Guest, name="first")
        sim.at_rest(lambda view: view["/first"] is not None, "the first one stays")
        await sim.idle()

    verdict = explore_system(scenario, faults=Faults(crashes={"/first": 1}))
    assert columns_of(verdict, "/first") == ["/first"]
