"""What supervisors contribute to a picture, and those that cannot be asked."""

from typing import Any

import pytest

from dramaturg.actors import ActorSystem, Directive, Props
from tests.actors.health_kit import CACHED, Reporter, found, note, picture
from tests.actors.kit import Crash, Idler, settled


async def test_a_supervisor_shows_its_restarts_and_which_children_it_has_reduced() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [note(b=CACHED)], "abc"), name="sup")
        health = picture(system)

    sup, (a, b, c) = health.tree.children[0], health.tree.children[0].children
    assert (sup.restarts_in_window, sup.intensity, sup.period) == (2, 5, 60.0)
    assert (sup.status, a.status, b.status, c.status) == (
        "healthy",
        "healthy",
        "degraded",
        "healthy",
    )
    assert (b.degraded, b.reason) == (CACHED, "upstream is down")
    assert (health.status, health.degraded) == ("degraded", (b,))


async def test_a_child_that_its_supervisor_does_without_is_shown_in_its_place() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [note(lost=CACHED)], "a"), name="sup")
        health = picture(system)

    lost = health.find("/sup/lost")
    assert lost is not None
    assert (lost.state, lost.actor_class, lost.incarnation) == ("stopped", "", 0)
    assert (lost.status, lost.degraded, health.degraded) == ("degraded", CACHED, (lost,))
    assert health.totals.actors == 2


async def test_a_supervisor_may_have_nothing_to_say() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [None]), name="sup")
        sup = found(system, "/sup")

    assert (sup.status, sup.intensity) == ("healthy", None)


async def test_a_supervisor_that_raises_in_the_midst_of_a_change_is_asked_again() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [RuntimeError(), RuntimeError(), note()]), name="sup")
        sup = found(system, "/sup")

    assert (sup.status, sup.intensity) == ("healthy", 5)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Crash("it"), "Crash: it"), ("fine", "it returned a str")],
    ids=["raises", "no note"],
)
async def test_a_supervisor_that_cannot_be_asked_is_degraded_and_still_shown(
    answer: Any, said: str
) -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [answer], "a"), name="sup")
        sup = found(system, "/sup")

    assert (sup.status, sup.reason) == ("degraded", f"its health report failed: {said}")
    assert [child.name for child in sup.children] == ["a"]


async def test_a_supervisor_that_ends_while_it_is_asked_is_not_there() -> None:
    def end() -> None:
        ref.request_stop()
        raise Crash

    async with ActorSystem() as system:
        ref = system.spawn(Props(Reporter, [end]).using(policy=Directive.STOP), name="sup")
        await settled(ref)
        health = picture(system)

    assert (health.status, health.tree.children) == ("healthy", ())


async def test_an_actor_that_ends_after_it_was_found_is_left_out() -> None:
    answers: list[Any] = []
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, answers), name="first")
        late = system.spawn(Idler, name="late")
        answers.append(late.request_stop)
        health = picture(system)

    assert [actor.path for actor in health.tree.walk()] == ["/", "/first"]


async def test_a_ctrl_c_while_a_supervisor_is_asked_goes_to_the_caller() -> None:
    async with ActorSystem() as system:
        system.spawn(Props(Reporter, [KeyboardInterrupt()]))

        with pytest.raises(KeyboardInterrupt):
            picture(system)
