"""What may go wrong, in models so small that their states can be counted by hand."""

from typing import Any

import pytest

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_model import Exploration, Model
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._outputs import Output, SetTimer
from tests.protocols.testing.worlds import Keeper, Ringing, Source

FIFO, UNORDERED, REPEATING = Network


def explored(
    *messages: str, network: Network = FIFO, faults: Faults = NO_FAULTS, **options: Any
) -> tuple[Exploration, set[str]]:
    """Send messages from one actor to another; return also what that may have got in the end."""
    got: set[str] = set()

    def note(view: Any) -> None:
        got.add("".join(view["a"].got))

    result = explore_all(
        Model(
            actors={"a": Keeper(), "x": Source("a", *messages)},
            network=network,
            faults=faults,
            at_rest={"note": note},
            **options,
        )
    )
    assert result.verdict == "pass"
    return result, got


def test_without_faults_a_channel_keeps_its_order() -> None:
    result, got = explored("m", "n")

    # "", "m", "mn"
    assert (result.states, result.transitions, result.depth, got) == (3, 2, 2, {"mn"})


def test_an_unordered_network_has_each_order() -> None:
    result, got = explored("m", "n", network=UNORDERED)

    # "", "m", "n", "mn", "nm"
    assert (result.states, result.transitions, got) == (5, 4, {"mn", "nm"})


def test_messages_that_are_equal_are_no_two_ways() -> None:
    result, got = explored("m", "m", network=UNORDERED)

    assert (result.states, result.transitions, got) == (3, 2, {"mm"})


def test_a_network_that_repeats_delivers_again_and_again() -> None:
    model = Model(
        actors={"a": Keeper()},
        sent=[("x", "a", "m")],
        network=REPEATING,
        always={"at most three": lambda view: len(view["a"].got) < 4},
    )

    assert explore_all(model).schedule == ("deliver x->a #0",) * 4


def test_one_drop_loses_one_message() -> None:
    result, got = explored("m", "n", faults=Faults(drops=1))

    # With the drop: (mn left, ""), (n, "m"), ("", "mn"). Without: (n, ""), (m, ""),
    # (nothing, "m"), (nothing, "n").
    assert (result.states, got) == (7, {"mn", "m", "n"})


def test_a_duplicate_stands_right_behind_its_original() -> None:
    result, got = explored("m", "n", faults=Faults(duplicates=1))

    assert got == {"mn", "mmn", "mnn"}
    # Before it: mn, n, nothing. Then mmn, mn, n, nothing left of the one, mnn, nn, n,
    # nothing of the other; "m" got and "nn" left only of the other.
    assert result.states == 3 + 4 + 4


def test_a_reordering_lets_one_overtake() -> None:
    _, got = explored("l", "m", "n", faults=Faults(reorders=1))

    assert got == {"lmn", "mln", "nlm", "lnm"}


class Book(Keeper):
    durable = ("kept",)

    def __init__(self) -> None:
        super().__init__()
        self.kept = 0

    def on_message(self, sender: str, message: Any) -> None:
        self.kept += 1
        super().on_message(sender, message)


def crashing(faults: Faults) -> tuple[Exploration, set[tuple[int, int]]]:
    """Return also how much was kept and got at the end."""
    ends: set[tuple[int, int]] = set()

    def note(view: Any) -> None:
        assert view.up("a")
        ends.add((view["a"].kept, len(view["a"].got)))

    sent = [("x", "a", "m"), ("x", "a", "n")]
    model = Model(actors={"a": Book()}, sent=sent, faults=faults, at_rest={"note": note})
    return explore_all(model), ends


def test_a_crash_leaves_what_is_durable() -> None:
    result, ends = crashing(Faults(crashes=1))

    assert ends == {(2, 2), (2, 1), (2, 0)}
    # Kept and got: 00 10 20 with the crash before one, up to: 00, 10, 20 down; 00, 11, 22 from
    # the first, 10, 21 from the second, 20 from the third.
    assert result.states == 3 + 3 + 6


def test_what_is_in_flight_may_be_lost_with_a_crash() -> None:
    _, ends = crashing(Faults(crashes=1, lost_with_crash=True))

    assert ends == {(2, 2), (0, 0), (1, 0), (2, 0)}


def test_a_budget_for_crashes_may_be_that_of_some() -> None:
    model = Model(
        actors={"a1": Keeper(), "a2": Keeper(), "b": Keeper()},
        faults=Faults(crashes={"a": 1}),
        always={"b is up": lambda view: view.up("b")},
        sometimes={
            "a1": lambda view: not view.up("a1"),
            "a2": lambda view: not view.up("a2"),
        },
    )

    result = explore_all(model)

    # Nobody has crashed; one of two is down; it is back.
    assert (result.verdict, result.states) == ("pass", 4)
    assert result.reached == {"a1": ("crash a1",), "a2": ("crash a2",)}


def test_a_crash_calls_timers_off() -> None:
    model = Model(
        actors={"a": Ringing(t=1.0)},
        faults=Faults(crashes=1),
        sometimes={
            "rung": lambda view: view["a"].got == ["t"],
            "gone": lambda view: not view["a"].got and view.up("a"),
        },
        at_rest={"done": lambda view: view["a"].got in ([], ["t"])},
    )

    result = explore_all(model)

    # Set; rung; down and back, from either.
    assert (result.verdict, result.states) == ("pass", 4)


def rung(
    faults: Faults = NO_FAULTS, *, free_timers: bool = False, **timers: float
) -> tuple[Exploration, set[str]]:
    """Let timers ring, and one message arrive."""
    got: set[str] = set()

    def note(view: Any) -> None:
        got.add("".join(view["a"].got))

    result = explore_all(
        Model(
            actors={"a": Ringing(**timers)},
            sent=[("x", "a", "-")],
            faults=faults,
            free_timers=free_timers,
            at_rest={"note": note},
        )
    )
    return result, got


def test_timers_ring_in_their_order_when_all_has_arrived() -> None:
    result, got = rung(s=1.0, t=2.0)

    assert (result.states, got) == (4, {"-st"})


def test_timers_that_are_due_at_once_ring_in_any_order() -> None:
    assert rung(s=1.0, t=1.0)[1] == {"-st", "-ts"}


def test_an_early_timer_rings_before_a_message_arrives() -> None:
    assert rung(Faults(early_timers=1), s=1.0, t=2.0)[1] == {"-st", "s-t"}


def test_a_skewed_timer_rings_before_another() -> None:
    assert rung(Faults(skews=1), s=1.0, t=2.0)[1] == {"-st", "-ts", "t-s"}


def test_free_timers_ring_at_any_time() -> None:
    _, got = rung(free_timers=True, s=1.0, t=2.0)

    assert got == {"-st", "-ts", "s-t", "st-", "t-s", "ts-"}


def test_sums_of_times_are_exact() -> None:
    class Chain(Keeper):
        def on_start(self) -> list[Output]:
            return [SetTimer("once", 0.1), SetTimer("late", 0.3)]

        def on_timer(self, name: str) -> list[Output]:
            self.got.append(name)
            return [SetTimer("then", 0.2)] if name == "once" else []

    orders: set[tuple[str, ...]] = set()

    explore_all(
        Model(
            actors={"a": Chain()},
            at_rest={"note": lambda view: orders.add(tuple(view["a"].got))},
        )
    )

    assert orders == {("once", "late", "then"), ("once", "then", "late")}


def test_the_parts_of_a_network_hear_nothing_of_each_other() -> None:
    def is_parted(view: Any) -> bool:
        return len(view["a"].got) != len(view["b"].got)

    model = Model(
        actors={"a": Keeper(), "b": Keeper()},
        sent=[("b", "a", "m"), ("a", "a", "n")],
        faults=Faults(partitions=1),
        sometimes={"n alone": lambda view: view["a"].got == ["n"]},
        at_rest={"all there": is_parted},
    )

    result = explore_all(model)

    assert result.verdict == "pass"
    # Four ways to have got m, n, both or none, and orders of both: 5; whole and healed: times
    # two; parted: each of them too.
    assert result.states == 15


@pytest.mark.parametrize(("actors", "divisions"), [(2, 1), (3, 3), (4, 7), (5, 5)])
def test_many_actors_are_parted_only_one_from_all_others(actors: int, divisions: int) -> None:
    names = "abcde"[:actors]
    model = Model(actors={name: Keeper() for name in names}, faults=Faults(partitions=1))

    # Whole, each division, healed.
    assert explore_all(model).states == 2 + divisions


def test_timers_ring_while_the_network_is_parted_and_nothing_can_be_delivered() -> None:
    model = Model(
        actors={"a": Ringing(t=1.0), "b": Keeper()},
        faults=Faults(partitions=1),
        sometimes={"rung": lambda view: bool(view["a"].got)},
    )

    result = explore_all(model)

    # Set: whole, parted, healed; rung: the same; and a way from each of set to the same of rung.
    assert (result.states, result.transitions) == (6, 7)


def test_no_timer_rings_while_something_can_be_delivered_within_a_part() -> None:
    ends: set[tuple[str, ...]] = set()
    model = Model(
        actors={"a": Ringing(t=1.0), "b": Source("a", "b"), "c": Source("a", "c")},
        faults=Faults(partitions=1),
        at_rest={"note": lambda view: ends.add(tuple(view["a"].got))},
    )

    explore_all(model)

    # The timer may come before what waits for the network, but never before what does not.
    assert ends == {
        ("b", "c", "t"),
        ("c", "b", "t"),
        ("b", "t", "c"),
        ("c", "t", "b"),
        ("t", "b", "c"),
        ("t", "c", "b"),
    }


def test_a_timer_rings_while_the_receiver_of_a_message_is_down() -> None:
    model = Model(
        actors={"a": Ringing(t=1.0), "b": Keeper()},
        sent=[("a", "b", "m")],
        faults=Faults(crashes={"b": 1}),
        sometimes={"rung first": lambda view: bool(view["a"].got) and not view["b"].got},
    )

    assert explore_all(model).reached["rung first"] == ("crash b", "timer a/t")


@pytest.mark.parametrize("sender", ["a", "outside"])
@pytest.mark.parametrize(
    "faults", [Faults(drops=1), Faults(duplicates=1), Faults(reorders=1), Faults(partitions=1)]
)
def test_the_network_spares_what_comes_from_outside_or_from_oneself(
    sender: str, faults: Faults
) -> None:
    model = Model(
        actors={"a": Keeper(), "b": Keeper()},
        sent=[(sender, "a", "m"), (sender, "a", "n")],
        faults=faults,
        at_rest={"both": lambda view: view["a"].got == ["m", "n"]},
    )

    result = explore_all(model)

    # Parting the network changes nothing but the network.
    assert (result.verdict, result.states) == ("pass", 9 if faults.partitions else 3)


@pytest.mark.parametrize(
    "budget", ["delays", "slow", "node_crashes", "write_errors", "torn_writes"]
)
def test_faults_that_a_model_does_not_have_are_refused(budget: str) -> None:
    one: dict[str, Any] = {budget: 1}
    with pytest.raises(ScenarioError, match=rf"Faults\({budget}=...\): cannot happen in a Model"):
        Model(actors={"a": Keeper()}, faults=Faults(**one))
