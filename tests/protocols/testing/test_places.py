"""Where something went wrong: reports name the actor, the method, the file and the line."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import Actor, Directive, Props, handler
from dramaturg.protocols.testing import (
    Node,
    Simulation,
    SystemScenario,
    World,
    explore,
    explore_system,
)

HERE = r"(tests/protocols/testing/)?test_places\.py:\d+"


@dataclass(frozen=True)
class Work:
    """Something to do."""


class Broken(Actor):
    items: tuple[int, ...] = ()

    @handler
    def work(self, message: Work) -> Any:
        return self.items[1]


class SlowlyBroken(Actor):
    @handler
    async def work(self, message: Work) -> None:
        await asyncio.sleep(1.0)
        raise LookupError


class NeverUp(Actor):
    def on_start(self) -> None:
        raise ValueError("not today")


class Parent(Actor):
    def on_start(self) -> None:
        child = self.context.spawn(Props(Broken).using(policy=Directive.ESCALATE), name="child")
        child.tell(Work())


def told(scenario: SystemScenario) -> str:
    """Return the first line of the report on a scenario, which fails."""
    failure = explore_system(scenario, schedules=1).failure
    assert failure is not None
    return str(failure).partition("\n\n")[0]


def test_an_actor_that_fails_is_named_with_its_line() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Broken, name="worker").tell(Work())

    said = f"system fails: IndexError in /worker (Broken.work, {HERE}): tuple index out of range"
    assert re.fullmatch(said.replace("(B", r"\(B").replace("):", r"\):"), told(scenario))


def test_an_error_without_a_text_shows_the_line_itself() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(SlowlyBroken, name="slow").tell(Work())

    assert re.fullmatch(
        rf"system fails: LookupError in /slow \(SlowlyBroken\.work, {HERE}\): raise LookupError",
        told(scenario),
    )


def test_an_actor_that_does_not_start_is_named() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(NeverUp, name="never")

    assert "ValueError in /never (NeverUp.on_start, " in told(scenario)


def test_of_an_escalated_failure_the_actor_is_named_that_failed_first() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Parent, name="parent")

    assert "IndexError in /parent/child (Broken.work, " in told(scenario)


def test_an_actor_of_a_node_is_named_with_it() -> None:
    def start(node: Node) -> None:
        node.system.spawn(Broken, name="worker").tell(Work())

    async def scenario(sim: Simulation) -> None:
        await sim.node("bank", start)

    assert told(scenario).startswith("node bank fails: IndexError in bank/worker (Broken.work, ")


def test_of_a_request_both_places_are_named() -> None:
    async def scenario(sim: Simulation) -> None:
        await sim.system.spawn(Broken, name="worker").request(Work())

    assert re.search(
        rf"IndexError: tuple index out of range \(raised in Broken\.work, {HERE};"
        rf" awaited in scenario, {HERE}\)$",
        told(scenario),
    )


def test_the_type_of_an_error_is_said_once() -> None:
    async def scenario(sim: Simulation) -> None:
        raise KeyError("gone")

    assert re.fullmatch(rf"scenario raises KeyError: 'gone' \(scenario, {HERE}\)", told(scenario))


def test_a_bare_assertion_shows_itself() -> None:
    # pytest says more of an assertion in a test: this one is not rewritten.
    source = "async def scenario(sim):\n    x = 1\n    assert x == 2\n"
    names: dict[str, Any] = {}
    path = Path(__file__).with_name("not_there.py")
    exec(compile(source, path, "exec"), names)  # noqa: S102 - as above

    assert re.fullmatch(r"scenario: scenario, .*not_there\.py:3", told(names["scenario"]))


def test_an_assertion_shows_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "shop.py"
    path.write_text("async def scenario(sim):\n    x = 1\n    assert x == 2\n")
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), path, "exec"), names)  # noqa: S102 - pytest rewrites imports

    assert told(names["scenario"]) == "scenario: assert x == 2 (scenario, shop.py:3)"
    monkeypatch.chdir(tmp_path.parent)
    place = os.fspath(path.relative_to(tmp_path.parent))
    assert told(names["scenario"]) == f"scenario: assert x == 2 (scenario, {place}:3)"


def test_what_an_assertion_says_comes_before_its_line() -> None:
    async def scenario(sim: Simulation) -> None:
        raise AssertionError("first\nsecond")

    assert re.fullmatch(rf"scenario: first \(scenario, {HERE}\)\nsecond", told(scenario))


def test_a_scenario_that_still_waits_is_named_with_its_line() -> None:
    async def waits() -> None:
        await asyncio.get_running_loop().create_future()

    async def scenario(sim: Simulation) -> None:
        await waits()

    assert re.fullmatch(rf"scenario ends: it still waits \(waits, {HERE}\)", told(scenario))


def test_a_check_that_fails_is_named_with_its_line() -> None:
    def raises(view: Any) -> None:
        view["/worker"].nothing  # noqa: B018 - fails

    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Broken, name="worker")
        sim.at_rest(raises)

    assert re.search(rf"raises AttributeError: .* 'nothing' \(raises, {HERE}\)$", told(scenario))


def test_an_error_whose_text_cannot_be_had_is_reported_all_the_same() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    async def scenario(sim: Simulation) -> None:
        raise MuteError

    assert "MuteError: its __str__ fails (scenario, " in told(scenario)


def test_a_plain_actor_that_fails_is_named_with_its_line() -> None:
    class Plain:
        def on_message(self, sender: str, message: Any) -> Any:
            known: dict[Any, Any] = {}
            return known[message]

    def fill(world: World) -> None:
        world.add("a", Plain())
        world.send("outside", "a", "gone")

    failure = explore(fill).failure

    assert failure is not None
    assert failure.property == "a raises KeyError"
    assert re.fullmatch(rf"'gone' \(Plain\.on_message, {HERE}\)", failure.detail)
