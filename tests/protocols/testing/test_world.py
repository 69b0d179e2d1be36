"""A world of plain actors: what may happen next, and what it does."""

import inspect
from typing import Any

import pytest

from dramaturg.protocols.testing import (
    CancelTimer,
    Faults,
    Network,
    Noted,
    Output,
    ScenarioError,
    SetTimer,
    World,
)
from tests.protocols.testing.worlds import (
    Book,
    Keeper,
    Ringing,
    Source,
    begun,
    book,
    do,
    names,
    two_sources,
)

# -- messages --------------------------------------------------------------------------


def test_a_fifo_network_offers_the_oldest_message_of_each_channel() -> None:
    world = begun(two_sources)

    assert names(world.enabled()) == ["deliver a->c #0", "deliver b->c #0"]
    do(world, "deliver a->c #0")
    assert names(world.enabled()) == ["deliver a->c #1", "deliver b->c #0"]
    do(world, "deliver b->c #0", "deliver a->c #1")
    assert world.actors["c"].got == [1, 3, 2]
    assert names(world.enabled()) == []


def test_an_unordered_network_offers_every_message_the_oldest_first() -> None:
    world = begun(two_sources, network=Network.UNORDERED)

    assert names(world.enabled()) == ["deliver a->c #0", "deliver a->c #1", "deliver b->c #0"]
    do(world, "deliver a->c #1", "deliver a->c #0")
    assert world.actors["c"].got == [2, 1]


def test_a_network_that_repeats_delivers_again_and_knows_the_same_message_once() -> None:
    def fill(world: World) -> None:
        world.add("a", Source("c", 1, 1))
        world.add("c", Keeper())

    world = begun(fill, network=Network.REPEATING)

    assert names(world.enabled()) == ["deliver a->c #0"]
    assert names(world.faults()) == []
    do(world, "deliver a->c #0")
    assert names(world.enabled()) == []
    assert names(world.faults()) == ["deliver a->c #0"]
    do(world, "deliver a->c #0", "deliver a->c #0")
    assert world.actors["c"].got == [1, 1, 1]


def test_what_a_handler_returns_is_sent_when_it_has_returned() -> None:
    class Echo(Keeper):
        def on_message(self, sender: str, message: Any) -> list[Output]:
            return [(sender, ("seen", message)), Noted(message)]

    class Asker(Source, Keeper):
        def __init__(self) -> None:
            Source.__init__(self, "e", "hello")
            Keeper.__init__(self)

        def on_message(self, sender: str, message: Any) -> list[Output] | None:
            return Keeper.on_message(self, sender, message)

    def fill(world: World) -> None:
        world.add("a", Asker())
        world.add("e", Echo())

    world = begun(fill)
    do(world, "deliver a->e #0")

    assert world.history == ["hello"]
    (step,) = world.steps
    assert (step.sent[0].receiver, step.sent[0].number, step.notes) == ("a", 0, ("hello",))
    do(world, "deliver e->a #0")
    assert world.actors["a"].got == [("seen", "hello")]


def test_a_message_may_come_from_outside() -> None:
    def fill(world: World) -> None:
        world.add("c", Keeper())
        world.send("user", "c", 1)

    world = begun(fill)
    do(world, "deliver user->c #0")

    assert world.actors["c"].got == [1]


# -- timers ----------------------------------------------------------------------------


def test_timers_ring_when_all_is_quiet_the_earliest_first_and_time_jumps_there() -> None:
    def fill(world: World) -> None:
        world.add("a", Source("t", 1))
        world.add("t", Ringing(late=9, soon=2, also=2))

    world = begun(fill)

    assert names(world.enabled()) == ["deliver a->t #0"]
    do(world, "deliver a->t #0")
    assert names(world.enabled()) == ["timer t/also", "timer t/soon"]
    do(world, "timer t/soon")
    assert world.now == 2
    assert names(world.enabled()) == ["timer t/also"]
    do(world, "timer t/also")
    assert names(world.enabled()) == ["timer t/late"]
    do(world, "timer t/late")
    assert (world.now, world.actors["t"].got) == (9, [1, "soon", "also", "late"])


def test_a_timer_can_be_set_anew_and_called_off() -> None:
    class Restless(Ringing):
        def on_message(self, sender: str, message: Any) -> list[Output]:
            return [SetTimer("soon", 20), CancelTimer("late"), CancelTimer("none")]

    def fill(world: World) -> None:
        world.add("t", Restless(late=9, soon=2))
        world.send("user", "t", 1)

    world = begun(fill)
    do(world, "deliver user->t #0")

    assert names(world.enabled()) == ["timer t/soon"]
    do(world, "timer t/soon")
    assert world.now == 20
    assert names(world.enabled()) == []


def test_free_timers_ring_at_any_moment() -> None:
    def fill(world: World) -> None:
        world.add("t", Ringing(late=9, soon=2))
        world.send("user", "t", 1)

    world = begun(fill, free_timers=True)

    assert names(world.enabled()) == ["deliver user->t #0", "timer t/late", "timer t/soon"]
    do(world, "timer t/late")
    assert world.now == 0


def test_an_early_timer_is_a_fault_and_so_is_one_before_its_turn() -> None:
    def fill(world: World) -> None:
        world.add("t", Ringing(late=9, soon=2))
        world.send("user", "t", 1)

    world = begun(fill, faults=Faults(early_timers=1, skews=1))

    assert names(world.faults()) == ["skew t/late", "early t/soon"]
    do(world, "early t/soon")
    assert world.now == 2
    assert names(world.faults()) == []
    assert names(world.enabled()) == ["deliver user->t #0"]


# -- crashes ---------------------------------------------------------------------------


def test_a_crash_leaves_what_is_durable_and_a_restart_begins_with_that() -> None:
    world = begun(book, faults=Faults(crashes=1))
    do(world, "deliver user->b #0", "crash b")

    assert names(world.enabled()) == ["restart b"]
    assert names(world.faults()) == []
    assert (world.actors["b"].got, world.actors["b"].kept) == ([], (1,))
    do(world, "restart b", "deliver user->b #1", "deliver b->log #0")
    assert world.actors["b"].kept == (1, 2)
    assert world.actors["log"].got == [("back", (1,))]


def test_a_crash_takes_the_timers_and_what_is_on_its_way_if_that_is_declared() -> None:
    def fill(world: World) -> None:
        world.add("t", Ringing(soon=2))
        world.send("user", "t", 1)

    world = begun(fill, faults=Faults(crashes=1, lost_with_crash=True))
    do(world, "crash t", "restart t")

    assert names(world.enabled()) == []


def test_what_two_fields_share_they_share_after_a_crash_and_with_no_other_incarnation() -> None:
    class Sharing(Keeper):
        def __init__(self) -> None:
            super().__init__()
            self.also = self.got
            self.me = self

    def fill(world: World) -> None:
        world.add("s", Sharing())
        world.send("user", "s", 1)

    world = begun(fill, faults=Faults(crashes=1))
    before = world.actors["s"]
    do(world, "deliver user->s #0", "crash s")
    after = world.actors["s"]

    assert (before.got, after.got) == ([1], [])
    assert after.also is after.got
    assert after.me is after


def test_an_actor_that_says_how_it_is_copied_is_copied_so() -> None:
    class Sparing(Keeper):
        def __deepcopy__(self, memo: object) -> "Sparing":
            copied = Sparing()
            copied.got = ["a copy"]
            return copied

    def fill(world: World) -> None:
        world.add("s", Sparing())

    world = begun(fill, faults=Faults(crashes=1))
    do(world, "crash s")

    assert world.actors["s"].got == ["a copy"]


def test_on_crash_sees_the_fields_for_the_last_time() -> None:
    seen: list[Any] = []

    class Last(Book):
        def on_crash(self) -> None:
            seen.append(list(self.got))

    def fill(world: World) -> None:
        world.add("b", Last())
        world.add("log", Keeper())
        world.send("user", "b", 1)

    world = begun(fill, faults=Faults(crashes=1))
    do(world, "deliver user->b #0", "crash b")

    assert seen == [[1]]


def test_crashes_are_counted_for_each_group_of_actors() -> None:
    def fill(world: World) -> None:
        for name in ("p1", "p2", "q1"):
            world.add(name, Keeper())

    world = begun(fill, faults=Faults(crashes={"p": 1}))

    assert names(world.faults()) == ["crash p1", "crash p2"]
    do(world, "crash p2")
    assert names(world.faults()) == []


# -- bad input -------------------------------------------------------------------------


class Talker(Keeper):
    """Returns something of the test's."""

    def __init__(self, returned: Any) -> None:
        super().__init__()
        self.returned = returned

    def on_message(self, sender: str, message: Any) -> Any:
        return self.returned


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([("nobody", 1)], "t: sends 1 to 'nobody'; expected one of t"),
        ([("t", [1])], r"t: sends \[1\]; expected messages that can be hashed"),
        (("t", 1), r"Talker.on_message: returned \('t', 1\)"),
        ([1], "Talker.on_message: returned 1"),
        ([("t", 1, 2)], "Talker.on_message: returned"),
        (7, "Talker.on_message: returned 7"),
    ],
)
def test_a_handler_that_returns_something_else_is_named(returned: Any, said: str) -> None:
    def fill(world: World) -> None:
        world.add("t", Talker(returned))
        world.send("user", "t", 1)

    with pytest.raises(ScenarioError, match=said):
        do(begun(fill), "deliver user->t #0")


def test_an_actor_without_on_message_is_refused_and_nothing_is_added() -> None:
    world = World()
    with pytest.raises(ScenarioError, match="a: int has no on_message"):
        world.add("a", 1)
    assert not world.actors


def test_a_name_can_be_taken_once_and_has_to_be_a_word() -> None:
    world = World()
    world.add("a", Keeper())
    with pytest.raises(ScenarioError, match="a: is there already"):
        world.add("a", Keeper())
    for name in ("", "a b", "a,b", "a|b", "a>b", "a#1"):
        with pytest.raises(ScenarioError, match="no name"):
            world.add(name, Keeper())
    assert list(world.actors) == ["a"]


def test_durable_has_to_name_fields() -> None:
    class Forgetful(Keeper):
        durable = ("vote",)

    with pytest.raises(ScenarioError, match="durable names 'vote'"):
        World().add("f", Forgetful())


def test_a_timer_without_on_timer_is_named() -> None:
    class Deaf(Keeper):
        def on_start(self) -> list[Output]:
            return [SetTimer("soon")]

    def fill(world: World) -> None:
        world.add("d", Deaf())

    with pytest.raises(ScenarioError, match="d: set the timer 'soon' and has no on_timer"):
        do(begun(fill), "timer d/soon")


def test_a_message_to_nobody_is_refused_before_the_run() -> None:
    with pytest.raises(ScenarioError, match="user: sends 1 to 'a'"):
        World().send("user", "a", 1)


@pytest.mark.parametrize("budget", [{"drops": -1}, {"crashes": {"a": -1}}, {"skews": "one"}])
def test_budgets_are_numbers(budget: Any) -> None:
    with pytest.raises(ScenarioError, match="no budget"):
        Faults(**budget)


@pytest.mark.parametrize("budget", ["node_crashes", "write_errors", "torn_writes"])
def test_faults_of_nodes_and_disks_are_refused(budget: str) -> None:
    one: dict[str, Any] = {budget: 1}
    with pytest.raises(ScenarioError, match=rf"Faults\({budget}=...\): cannot happen in a World"):
        World(faults=Faults(**one))
    with pytest.raises(ScenarioError, match="cannot happen in a World"):
        World(faults=Faults(node_crashes={"a": 1}))


@pytest.mark.parametrize(
    ("beginning", "covers", "spares"),
    [
        ("s1", ["s1", "s1/a", "s1-b", "s1b"], ["s10", "s", "t1"]),
        ("s", ["s1", "s10", "s-1"], ["store"]),
        ("/store", ["/store", "/store/a"], ["/stores"]),
        ("a-", ["a-1", "a-b", "a--"], ["a", "b-1"]),
        ("", ["s1", "a"], []),
    ],
)
def test_a_budget_for_crashes_covers_names_that_begin_with_whole_parts(
    beginning: str, covers: list[str], spares: list[str]
) -> None:
    faults = Faults(crashes={"none": 0, beginning: 1})

    assert {faults.crash_budget_of(name) for name in covers} == {beginning}
    assert {faults.crash_budget_of(name) for name in spares} <= {""}


def test_the_whole_name_goes_before_its_beginning() -> None:
    faults = Faults(crashes={"s": 2, "s1": 1})

    assert [faults.crash_budget_of(name) for name in ("s1", "s2", "s10")] == ["s1", "s", "s"]


@pytest.mark.parametrize("after", [-1, -0.5, float("nan"), float("inf"), "soon", None])
def test_a_timer_is_set_for_a_finite_time_from_now(after: Any) -> None:
    with pytest.raises(ScenarioError, match="is no time; expected seconds of at least 0"):
        SetTimer("t", after)


def test_a_timer_that_is_set_for_no_time_ends_the_search_and_is_no_failure() -> None:
    class Confused(Keeper):
        def on_message(self, sender: str, message: Any) -> list[Output]:
            return [SetTimer("t", -1)]

    def fill(world: World) -> None:
        world.add("c", Confused())
        world.send("user", "c", 1)

    with pytest.raises(ScenarioError, match="is no time"):
        do(begun(fill), "deliver user->c #0")


def test_a_check_without_a_name_is_known_by_the_line_that_it_is_in() -> None:
    world = World()
    world.always(lambda view: True)

    ((name, check),) = world.properties.always
    line = inspect.getsourcelines(check)[1]
    assert name == f"always check at test_world.py:{line}"
