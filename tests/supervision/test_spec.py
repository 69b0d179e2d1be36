"""Specs: what they fill in, and what they refuse, each by OTP's word for it."""

import copy
import dataclasses
import math
import pickle
from collections.abc import Callable
from typing import Any

import pykka
import pytest

from dramaturg.actors import Actor, OptionError, Props, ThreadActor
from dramaturg.supervision import Backoff, ChildSpec, SpecError, Supervisor, SupervisorSpec
from tests.actors.kit import Puppet
from tests.ids import stable


class Own(Supervisor):
    """A supervisor of one's own."""


class Blocking(pykka.ThreadingActor):
    """One of pykka's."""


def worker(id_: str = "a", **options: Any) -> ChildSpec:
    return ChildSpec(id_, Puppet, **options)


# -- what is filled in -----------------------------------------------------------------------


def test_a_workers_spec_is_filled_in_as_otp_does() -> None:
    spec = worker()

    assert (spec.restart, spec.shutdown, spec.type, spec.significant) == (
        "permanent",
        5.0,
        "worker",
        False,
    )
    assert (spec.start_timeout, spec.backoff, spec.keep_mailbox, spec.fallbacks) == (
        None,
        None,
        None,
        (),
    )


@pytest.mark.parametrize(
    "start",
    [SupervisorSpec(), Supervisor, Own, Props(Supervisor, SupervisorSpec()), Props(Own)],
    ids=["a spec", "the class", "a subclass", "Props", "Props of a subclass"],
)
def test_a_supervisors_spec_gives_it_as_long_as_it_needs(start: Any) -> None:
    spec = ChildSpec("sub", start)

    assert (spec.type, spec.shutdown, spec.restart) == ("supervisor", "infinity", "permanent")


@pytest.mark.parametrize("start", [Puppet, Props(Puppet), ThreadActor, Blocking, Props(Blocking)])
def test_every_other_actor_is_a_worker(start: Any) -> None:
    assert ChildSpec("a", start).type == "worker"


def test_what_is_given_stands() -> None:
    spec = ChildSpec("a", Puppet, type="supervisor", shutdown=3, restart="transient")

    assert (spec.type, spec.shutdown, spec.restart) == ("supervisor", 3, "transient")
    assert ChildSpec("a", Puppet, type="supervisor").shutdown == "infinity"
    assert ChildSpec("sub", SupervisorSpec(), shutdown=2.5).shutdown == 2.5
    assert ChildSpec("sub", SupervisorSpec(), type="worker").shutdown == 5.0


@pytest.mark.parametrize("shutdown", [0, 0.0, 0.5, 10**6, "brutal_kill", "infinity"])
def test_a_shutdown_is_a_time_or_one_of_two_words(shutdown: Any) -> None:
    assert worker(shutdown=shutdown).shutdown == shutdown


def test_fallbacks_are_kept_as_a_tuple() -> None:
    rungs: Any = [Puppet, SupervisorSpec()]

    assert worker(fallbacks=rungs).fallbacks == (Puppet, SupervisorSpec())


def test_a_supervisors_own_spec_is_filled_in_as_otp_does() -> None:
    spec = SupervisorSpec()

    assert dataclasses.astuple(spec) == ((), "one_for_one", 1, 5.0, "never")


def test_children_may_come_one_by_one() -> None:
    specs = [worker("a"), worker("b")]

    assert SupervisorSpec(each for each in specs).children == tuple(specs)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_a_supervisor_may_have_no_children(strategy: Any) -> None:
    assert SupervisorSpec(strategy=strategy).children == ()


def pickled(spec: Any) -> Any:
    return pickle.loads(pickle.dumps(spec))  # noqa: S301


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "replace": dataclasses.replace,
    "pickle": pickled,
}


@pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_spec_equals_it(again: Callable[[Any], Any]) -> None:
    child = worker(restart="transient", significant=True, backoff=Backoff(1, 2), fallbacks=(Actor,))
    spec = SupervisorSpec(
        [child], strategy="rest_for_one", intensity=7, period=0.5, auto_shutdown="any_significant"
    )

    assert again(spec) == spec
    assert again(child) == child


def test_specs_are_not_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        worker().restart = "temporary"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        SupervisorSpec().intensity = 9  # type: ignore[misc]


# -- what cannot be --------------------------------------------------------------------------


def refused(make: Callable[[], object]) -> SpecError:
    """Return the error; the caller may catch it as OptionError or ValueError, too."""
    with pytest.raises(SpecError) as caught:
        make()
    assert isinstance(caught.value, OptionError)
    assert isinstance(caught.value, ValueError)
    return caught.value


NAN, INF = math.nan, math.inf

CHILD_PROBLEMS: list[tuple[str, str, Any]] = [
    ("missing_id", "id", None),
    *(("invalid_id", "id", value) for value in ("", "a/b", ".", "..", "a b", "x" * 256, 7, b"a")),
    *(("invalid_start", "start", value) for value in (None, "a", int, Puppet(), worker, 7)),
    *(("invalid_restart_type", "restart", value) for value in (None, "always", True, ["x"])),
    *(("invalid_significant", "significant", value) for value in (None, 0, 1, "yes")),
    ("bad_combination", "significant", True),
    *(("invalid_child_type", "type", value) for value in ("pool", 7, ["worker"])),
    *(
        ("invalid_shutdown", "shutdown", value)
        for value in (-1, -0.1, NAN, INF, True, "5", "kill", ["x"])
    ),
    *(
        (f"invalid_{option}", option, value)
        for option in ("start_timeout", "probe_every", "probe_timeout")
        for value in (0, -1, NAN, INF, True, "5")
    ),
    ("invalid_probe_every", "probe_every", None),
    ("invalid_probe_timeout", "probe_timeout", None),
    *(("invalid_backoff", "backoff", value) for value in (1, "1", (1, 2))),
    *(("invalid_keep_mailbox", "keep_mailbox", value) for value in (0, 1, "yes")),
    *(("invalid_probe", "probe", value) for value in (1, "ping")),
    *(("invalid_fallbacks", "fallbacks", value) for value in (1, "Puppet", Puppet, None)),
]


@pytest.mark.parametrize(("problem", "option", "value"), CHILD_PROBLEMS, ids=stable)
def test_a_child_spec_that_cannot_be_is_refused_by_otps_word(
    problem: str, option: str, value: Any
) -> None:
    options: dict[str, Any] = {"id": "a", "start": Puppet, option: value}

    error = refused(lambda: ChildSpec(options.pop("id"), options.pop("start"), **options))

    assert (error.problem, error.option) == (problem, option)
    assert error.value is value
    assert error.expected in str(error)


@pytest.mark.parametrize("rung", [None, "Puppet", int, worker("a")], ids=stable)
def test_a_fallback_has_to_be_something_that_starts(rung: Any) -> None:
    error = refused(lambda: worker(fallbacks=(Puppet, rung)))

    assert (error.problem, error.option, error.value) == ("invalid_start", "fallbacks", rung)


def test_a_fallback_has_to_be_one_that_can_be_made() -> None:
    class Picky(Actor):
        def __init__(self, table: str) -> None:
            self.table = table

    recipe: Any = Props
    for rung in (Picky, recipe(Picky), recipe(Picky, 1, 2)):
        error = refused(lambda rung=rung: worker(fallbacks=(rung,)))  # type: ignore[misc]

        assert (error.problem, error.value) == ("invalid_fallbacks", rung)
        assert "Picky.__init__ takes" in str(error)
    assert worker(fallbacks=(Props(Picky, "prices"),)).fallbacks


def test_what_no_restart_would_ever_use_is_refused() -> None:
    error = refused(lambda: worker(restart="temporary", fallbacks=(Puppet,)))
    assert (error.problem, error.option) == ("bad_combination", "fallbacks")

    error = refused(lambda: worker(probe=Puppet))
    assert (error.problem, error.option) == ("bad_combination", "probe")


def test_an_id_cannot_be_the_name_of_a_fallback() -> None:
    error = refused(lambda: SupervisorSpec([worker("a~1"), worker("a", fallbacks=(Puppet,))]))

    assert (error.problem, error.value) == ("duplicate_child_name", "a~1")


def test_a_problem_names_the_child() -> None:
    error = refused(lambda: worker("till", restart="always"))

    assert str(error).endswith("(child 'till')")


def test_of_several_problems_the_one_is_named_that_otp_names() -> None:
    wrong: Any = "wrong"
    options: dict[str, Any] = {}
    named: list[str] = []
    for option in ("shutdown", "type", "significant", "restart", "start", "id"):
        options = {option: None if option == "id" else wrong} | options
        given: dict[str, Any] = {"id": "a", "start": Puppet} | options
        named.append(refused(lambda given=given: ChildSpec(**given)).option)  # type: ignore[misc]

    assert named == ["shutdown", "type", "significant", "restart", "start", "id"]


SUPERVISOR_PROBLEMS: list[tuple[str, str, Any]] = [
    *(("invalid_strategy", "strategy", value) for value in (None, "one", 1, ["one_for_one"])),
    *(("invalid_intensity", "intensity", value) for value in (None, -1, 1.0, True, "1")),
    *(("invalid_period", "period", value) for value in (None, 0, -1, NAN, INF, True, "5")),
    *(("invalid_auto_shutdown", "auto_shutdown", value) for value in (None, "always", True)),
    *(("bad_start_spec", "children", value) for value in (None, 7, "a", b"a", worker())),
]


@pytest.mark.parametrize(("problem", "option", "value"), SUPERVISOR_PROBLEMS, ids=stable)
def test_a_supervisor_spec_that_cannot_be_is_refused_by_otps_word(
    problem: str, option: str, value: Any
) -> None:
    options: dict[str, Any] = {option: value}

    error = refused(lambda: SupervisorSpec(**options))

    assert (error.problem, error.option) == (problem, option)
    assert error.value is value


@pytest.mark.parametrize("child", [None, "a", Puppet, SupervisorSpec()], ids=stable)
def test_children_have_to_be_child_specs(child: Any) -> None:
    error = refused(lambda: SupervisorSpec([worker(), child]))

    assert (error.problem, error.option) == ("invalid_child_spec", "children")
    assert error.value is child


def test_two_children_of_one_id_are_refused() -> None:
    error = refused(lambda: SupervisorSpec([worker("a"), worker("b"), worker("a")]))

    assert (error.problem, error.value) == ("duplicate_child_name", "a")


@pytest.mark.parametrize("restart", ["transient", "temporary"])
def test_a_significant_child_is_refused_where_nothing_would_come_of_it(restart: Any) -> None:
    child = worker(restart=restart, significant=True)

    error = refused(lambda: SupervisorSpec([child]))

    assert (error.problem, error.option) == ("bad_combination", "significant")
    assert "'a'" in str(error)
    assert SupervisorSpec([child], auto_shutdown="any_significant").children == (child,)


@pytest.mark.parametrize("names", ["", "ab", "abc"])
def test_a_pool_has_exactly_one_child(names: str) -> None:
    children = [worker(each) for each in names]

    error = refused(lambda: SupervisorSpec(children, strategy="simple_one_for_one"))

    assert (error.problem, error.option) == ("bad_start_spec", "children")


def test_a_spec_that_fits_may_be_checked_for_a_supervisor() -> None:
    SupervisorSpec().check_child(worker())
    with pytest.raises(SpecError, match="significant"):
        SupervisorSpec().check_child(worker(restart="temporary", significant=True))
