"""What an exhaustive search says, and what it asks of a model."""

import itertools
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import pytest

from dramaturg.protocols.testing._errors import NotReproducibleError, ScenarioError
from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._faults import Faults, Network
from dramaturg.protocols.testing._outputs import Noted, Output, SetTimer
from dramaturg.protocols.testing._properties import Check
from tests.protocols.testing.worlds import Keeper, Source


class Options(TypedDict, total=False):
    always: Mapping[str, Check]
    at_rest: Mapping[str, Check]
    sometimes: Mapping[str, Check]
    boundary: Check
    history: Callable[[tuple[Any, ...]], Hashable]


def changed(model: Model, **options: Unpack[Options]) -> Model:
    return replace(model, **options)


class Counter:
    """Counts up for ever, by messages to itself."""

    def __init__(self, name: str = "a") -> None:
        self.name = name
        self.count = 0

    def on_start(self) -> list[Output]:
        return [(self.name, "more")]

    def on_message(self, sender: str, message: Any) -> list[Output]:
        self.count += 1
        return [(self.name, "more")]


def counting(**options: Unpack[Options]) -> Model:
    return Model(actors={"a": Counter()}, **options)


# -- verdicts


def test_an_actor_alone_has_one_state() -> None:
    result = explore_all(Model(actors={"a": Keeper()}))

    assert (result.verdict, result.states, result.transitions, result.depth) == ("pass", 1, 0, 0)
    assert str(result) == "pass: 1 states, complete"


def test_the_first_state_is_checked_too() -> None:
    result = explore_all(counting(always={"counted": lambda view: view["a"].count > 0}))

    assert (result.verdict, result.schedule, result.states) == ("fail", (), 1)


def test_a_check_that_asserts_says_why() -> None:
    def few(view: Any) -> None:
        if view["a"].count > 1:
            raise AssertionError("too many")

    result = explore_all(counting(always={"few": few}))

    assert result.broken == ("few", "too many")
    assert result.schedule == ("deliver a->a #0", "deliver a->a #1")
    assert str(result) == ("fail: few (too many) after 3 states: deliver a->a #0, deliver a->a #1")


def test_of_all_ways_to_break_a_property_it_is_a_shortest() -> None:
    model = Model(
        actors={"a": Source("c", 1, 2, 3), "b": Source("c", 9), "c": Keeper()},
        always={"no 9": lambda view: 9 not in view["c"].got},
    )

    assert explore_all(model).schedule == ("deliver b->c #0",)


def test_too_many_states_are_a_bound() -> None:
    result = explore_all(counting(), max_states=100)

    assert (result.verdict, result.complete, result.states) == ("unknown", False, 100)
    assert result.bound == "max_states=100 reached"
    assert str(result) == "unknown: 100 states, max_states=100 reached"


def test_as_many_states_as_may_be_are_no_bound() -> None:
    model = Model(actors={"a": Source("b", 1, 2), "b": Keeper()})

    assert explore_all(model, max_states=3).complete


def test_too_long_ways_are_a_bound() -> None:
    result = explore_all(counting(), max_depth=7)

    assert (result.verdict, result.bound) == ("unknown", "max_depth=7 reached")
    assert (result.states, result.depth) == (8, 7)


@pytest.mark.parametrize("limits", [{"max_states": 0}, {"max_depth": -1}])
def test_limits_leave_room_for_something(limits: dict[str, int]) -> None:
    with pytest.raises(ScenarioError):
        explore_all(counting(), **limits)


def test_what_was_never_reached_is_a_failure() -> None:
    model = Model(actors={"a": Keeper()}, sometimes={"got": lambda view: bool(view["a"].got)})

    result = explore_all(model)

    assert (result.verdict, result.broken) == ("fail", ("got", "was never reached"))
    assert result.complete
    assert result.schedule == ()


def test_what_was_not_reached_within_bounds_is_unknown() -> None:
    model = counting(sometimes={"many": lambda view: view["a"].count == 50})

    assert explore_all(model, max_depth=10).verdict == "unknown"
    assert len(explore_all(model, max_depth=60).reached["many"]) == 50


def test_states_outside_the_boundary_are_left_out() -> None:
    result = explore_all(counting(boundary=lambda view: view["a"].count <= 5))

    assert (result.verdict, result.states, result.outside) == ("pass", 6, 1)


def test_what_lies_outside_is_not_checked() -> None:
    model = counting(
        boundary=lambda view: view["a"].count <= 5,
        always={"few": lambda view: view["a"].count <= 5},
    )

    assert explore_all(model).verdict == "pass"


def test_checks_at_rest_are_made_only_there() -> None:
    model = Model(
        actors={"a": Source("b", 1, 2), "b": Keeper()},
        at_rest={"both": lambda view: view["b"].got == [1, 2]},
    )

    assert explore_all(model).verdict == "pass"
    lossy = explore_all(replace(model, faults=Faults(drops=1)))
    assert lossy.schedule == ("deliver a->b #0", "drop a->b #1")


def test_a_handler_that_raises_is_a_broken_property() -> None:
    class Fragile(Keeper):
        def on_message(self, sender: str, message: Any) -> None:
            if message == 2:
                raise ValueError("two")

    result = explore_all(Model(actors={"a": Source("b", 1, 2), "b": Fragile()}))

    assert result.broken is not None
    assert result.broken.name == "b raises ValueError"
    assert result.broken.detail.startswith("two (Fragile.on_message, tests/")
    assert result.schedule == ("deliver a->b #0", "deliver a->b #1")


# -- what makes a state


class Picky(Keeper):
    """Ignores everything until it has got an "open"."""

    def on_message(self, sender: str, message: Any) -> None:
        if self.got or message == "open":
            self.got.append(message)


def picky(**options: Unpack[Options]) -> Model:
    return Model(
        actors={"a": Picky()},
        sent=[("x", "a", "open"), ("x", "a", "m")],
        network=Network.UNORDERED,
        **options,
    )


def test_a_delivery_that_is_ignored_is_no_transition() -> None:
    assert explore_all(picky()).states == 3


def test_it_is_one_if_a_check_looks_at_what_is_in_flight() -> None:
    # Nothing, "open", "open m" got; and "m" gone before, with "open" got or not.
    model = picky(sometimes={"m gone": lambda view: ("x", "a", "m") not in view.in_flight})

    assert explore_all(model).states == 5


def test_it_is_one_if_there_is_a_check_at_rest() -> None:
    model = picky(at_rest={"both": lambda view: view["a"].got == ["open", "m"]})

    assert explore_all(model).schedule == ("deliver x->a #1", "deliver x->a #0")


def test_it_is_one_if_a_timer_waits_for_all_to_arrive() -> None:
    class Impatient(Picky):
        def on_start(self) -> list[Output]:
            return [SetTimer("late", 1.0)]

        def on_timer(self, name: str) -> None:
            self.got.append(name)

    model = picky(sometimes={"m lost": lambda view: view["a"].got == ["open", "late"]})

    assert explore_all(replace(model, actors={"a": Impatient()})).verdict == "pass"


def test_it_is_one_on_a_network_that_keeps_the_order() -> None:
    model = Model(
        actors={"a": Picky()},
        sent=[("x", "a", "m"), ("x", "a", "open")],
        sometimes={"open": lambda view: view["a"].got == ["open"]},
    )

    assert explore_all(model).states == 3


def test_time_counts_only_if_a_check_looks_at_it() -> None:
    class Clock(Keeper):
        def on_start(self) -> list[Output]:
            return [SetTimer("tick", 1.5)]

        def on_timer(self, name: str) -> list[Output]:
            return [SetTimer("tick", 1.5)]

    model = Model(actors={"a": Clock()})

    assert explore_all(model).states == 1
    late = changed(model, always={"early": lambda view: view.now < 4})
    assert explore_all(late).schedule == ("timer a/tick",) * 3


class Noting(Keeper):
    def on_message(self, sender: str, message: Any) -> list[Output]:
        return [Noted(message)]


def noting(**options: Unpack[Options]) -> Model:
    return Model(
        actors={"a": Noting()},
        sent=[("x", "a", "m"), ("x", "a", "n")],
        network=Network.UNORDERED,
        **options,
    )


def test_the_order_of_the_history_counts() -> None:
    seen: set[Any] = set()

    assert explore_all(noting(always={"see": lambda view: seen.add(view.history)})).states == 5
    assert seen == {(), ("m",), ("n",), ("m", "n"), ("n", "m")}


def test_of_the_history_only_what_is_asked_for_counts() -> None:
    assert explore_all(noting(history=frozenset)).states == 4
    assert explore_all(noting(history=len)).states == 4  # for what is in flight counts
    assert explore_all(noting(history=lambda notes: None)).states == 4


def unhashable(notes: tuple[Any, ...]) -> Any:
    return list(notes)


def test_what_counts_of_the_history_has_to_be_hashable() -> None:
    with pytest.raises(ScenarioError, match="hashable"):
        explore_all(noting(history=unhashable))


# -- what checks see


def test_a_check_sees_all_actors() -> None:
    seen: list[Any] = []

    def look(view: Any) -> None:
        seen.append((list(view.actors), len(view.actors), view.actors["a"] is view["a"]))
        assert view.actors.get("nobody") is None

    explore_all(Model(actors={"b": Keeper(), "a": Keeper()}, always={"look": look}))

    assert seen == [(["b", "a"], 2, True)]


def test_a_check_that_knows_an_actor_by_another_name_is_told() -> None:
    with pytest.raises(ScenarioError, match="nobody"):
        explore_all(counting(always={"look": lambda view: view["nobody"]}))
    with pytest.raises(ScenarioError, match="nobody"):
        explore_all(counting(always={"look": lambda view: view.up("nobody")}))


def test_a_check_is_asked_once_for_what_it_reads() -> None:
    asked: list[int] = []
    model = Model(
        actors={"a": Source("b", 1, 2), "b": Keeper(), "c": Source("d", 1, 2), "d": Keeper()},
        always={"b": lambda view: asked.append(len(view["b"].got))},
    )

    assert explore_all(model).states == 9
    assert asked == [0, 1, 2]


def test_a_check_that_changes_an_actor_is_found_out() -> None:
    with pytest.raises(ScenarioError, match="was changed by a check"):
        explore_all(
            Model(actors={"a": Keeper()}, always={"meddle": lambda view: view["a"].got.append(1)})
        )


def test_a_check_that_depends_on_something_else_is_found_out() -> None:
    turn = itertools.count()
    model = Model(
        actors={"a": Source("b", 1, 2), "b": Keeper(), "c": Source("d", 1, 2), "d": Keeper()},
        always={"fickle": lambda view: view["b" if next(turn) % 2 else "d"] and view["a"]},
    )

    with pytest.raises(ScenarioError, match="depends on the view alone"):
        explore_all(model)


def test_an_error_in_a_check_names_the_check() -> None:
    found = explore_all(counting(always={"typo": lambda view: view["a"].cuont}))

    assert found.verdict == "fail"
    assert found.broken is not None
    assert found.broken.name == "typo"
    assert "the check raises AttributeError" in str(found)


# -- what actors must not do


def test_the_model_is_left_as_it_is() -> None:
    actor = Counter()

    explore_all(Model(actors={"a": actor}), max_states=5)

    assert actor.count == 0


def test_a_handler_that_keeps_a_message_does_not_change_it_for_others() -> None:
    class Message:
        def __init__(self) -> None:
            self.marks: list[str] = []

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Message) and self.marks == other.marks

        def __hash__(self) -> int:
            return len(self.marks)

    class Scribbler(Keeper):
        def on_message(self, sender: str, message: Message) -> None:
            message.marks.append("seen")
            self.got.append(len(message.marks))

    message = Message()
    model = Model(
        actors={"a": Scribbler(), "b": Scribbler()},
        sent=[("x", "a", message), ("x", "b", message)],
        always={"once": lambda view: 2 not in view["a"].got + view["b"].got},
    )

    assert explore_all(model).verdict == "pass"


class Numbering(Keeper):
    """Gives a number to what it gets, from a counter that is none of its fields."""

    def on_message(self, sender: str, message: Iterator[int]) -> list[Output]:
        return [("a", next(NUMBERS))]


NUMBERS = itertools.count()


def test_a_handler_that_does_something_else_the_second_time_is_found_out() -> None:
    with pytest.raises(NotReproducibleError) as caught:
        explore_all(Model(actors={"a": Numbering()}, sent=[("x", "a", "m")]))

    assert caught.value.handler == "a.on_message of 'm'"
    assert caught.value.step == 0
    assert caught.value.first != caught.value.second


def test_one_that_starts_differently_is_found_out_too() -> None:
    class Starting(Keeper):
        def on_start(self) -> list[Output]:
            return [("a", next(NUMBERS))]

    with pytest.raises(NotReproducibleError) as caught:
        explore_all(Model(actors={"a": Starting()}))

    assert caught.value.handler == "a.on_start"


def test_an_error_of_a_start_comes_through() -> None:
    class Broken(Keeper):
        def on_start(self) -> list[Output]:
            raise RuntimeError("no start")

    with pytest.raises(RuntimeError, match="no start"):
        explore_all(Model(actors={"a": Broken()}))


class Saying(Keeper):
    def __init__(self, *outputs: Any) -> None:
        super().__init__()
        self.outputs = outputs

    def on_start(self) -> Any:
        return list(self.outputs)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        pytest.param(("nobody", 1), "a: sends 1 to 'nobody'; expected one of a", id="stranger"),
        pytest.param(("a", [1]), "a: sends [1]; expected messages that can be hashed", id="list"),
        pytest.param("hello", "returned 'hello'", id="nonsense"),
    ],
)
def test_what_cannot_be_done_with_an_output_is_said(output: Any, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        explore_all(Model(actors={"a": Saying(output)}))

    assert said in str(caught.value)


def test_an_actor_that_cannot_be_copied_is_told_by_its_field() -> None:
    actor = Keeper()
    actor.lock = threading.Lock()  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue]

    with pytest.raises(ScenarioError) as caught:
        explore_all(Model(actors={"a": actor}))

    assert caught.value.thing == "a.lock"


def test_a_lock_that_comes_later_is_told_by_its_field_too() -> None:
    class Locking(Keeper):
        def on_message(self, sender: str, message: Any) -> None:
            self.got.append(threading.Lock())

    with pytest.raises(ScenarioError) as caught:
        explore_all(Model(actors={"a": Locking()}, sent=[("x", "a", 1)]))

    assert caught.value.thing == "a.got"


def test_an_actor_without_fields_to_look_at_is_none() -> None:
    class Slotted:
        __slots__ = ("count",)

        def on_message(self, sender: str, message: Any) -> None:
            return None

    with pytest.raises(ScenarioError, match="without __slots__"):
        explore_all(Model(actors={"a": Slotted()}))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"actors": {}}, id="nobody"),
        pytest.param({"network": "fifo"}, id="network"),
        pytest.param({"faults": None}, id="faults"),
        pytest.param({"faults": Faults(crashes={"x": 1})}, id="budget of nobody"),
        pytest.param({"sent": [("a", "x", 1)]}, id="sent to nobody"),
        pytest.param({"always": {"what": "no check"}}, id="no check"),
        pytest.param({"boundary": 3}, id="no boundary"),
        pytest.param({"symmetric": [("a", "x")]}, id="alike with nobody"),
        pytest.param({"symmetric": [("a", "b"), ("b", "a")]}, id="twice alike"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"actors": {"a": Keeper(), "b": Keeper()}, **options}

    with pytest.raises(ScenarioError):
        Model(**whole)
