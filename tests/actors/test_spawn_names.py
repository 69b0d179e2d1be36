"""Names and paths: which are taken, which are refused, and how actors are found by them."""

from typing import Any

import pytest

from dramaturg.actors import ActorSystem, DuplicateNameError, InvalidNameError
from tests.actors.kit import Do, Puppet, stop
from tests.ids import stable

BAD_NAMES: list[Any] = [
    *("", "a/b", "/", ".", "..", "a b", " ", "a\tb", "a\nb", "a\xa0b", "\x00", "x" * 256),
    *(7, b"name", ("a",)),
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=stable)
async def test_a_name_that_no_path_can_hold_is_refused(name: Any) -> None:
    async with ActorSystem() as system:
        with pytest.raises(InvalidNameError) as caught:
            system.spawn(Puppet, name=name)

        assert caught.value.name == name
        assert system.actors == ()


@pytest.mark.parametrize("name", ["a", "...", "ünïcode", "a.b-c_d:1", "x" * 255, "…"])
async def test_a_printable_name_without_slash_or_blank_is_accepted(name: str) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet, name=name)

        assert (ref.name, ref.path) == (name, f"/{name}")
        assert system.lookup(f"/{name}") is ref


async def test_a_living_siblings_name_is_refused_and_the_sibling_lives_on() -> None:
    async with ActorSystem() as system:
        elder = system.spawn(Puppet, name="it")

        with pytest.raises(DuplicateNameError) as caught:
            system.spawn(Puppet, name="it")

        assert caught.value.path == "/it"
        assert system.actors == (elder,)
        assert await elder.request(Do(lambda _: "alive")) == "alive"


async def test_the_name_of_a_stopped_actor_is_free_once_its_stop_is_done() -> None:
    async with ActorSystem() as system:
        elder = system.spawn(Puppet, name="it")
        await stop(elder)

        younger = system.spawn(Puppet, name="it")

        assert younger.path == elder.path
        assert younger != elder
        assert (elder.is_alive(), younger.is_alive()) == (False, True)


async def test_the_same_name_may_occur_in_different_places() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet, name="it")
        child = await parent.request(Do(lambda actor: actor.context.spawn(Puppet, name="it")))

        assert child.path == "/it/it"
        assert system.lookup("/it/it") is child


async def test_an_actor_without_a_name_is_called_after_its_class_and_a_number() -> None:
    async with ActorSystem() as system:
        names = [system.spawn(Puppet).name for _ in range(3)]

    assert names == ["Puppet-1", "Puppet-2", "Puppet-3"]


async def test_an_automatic_name_steps_aside_for_one_that_is_taken() -> None:
    async with ActorSystem() as system:
        system.spawn(Puppet, name="Puppet-1")

        assert system.spawn(Puppet).name == "Puppet-2"


async def test_lookup_finds_living_actors_only_and_nothing_by_half_a_path() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet, name="a")
        child = await parent.request(Do(lambda actor: actor.context.spawn(Puppet, name="b")))

        assert system.lookup("/a/b") is child
        for path in ("/", "", "a", "a/b", "/b", "/a/", "/a/b/c", "//a", "/a//b"):
            assert system.lookup(path) is None

        await stop(parent)
        assert system.lookup("/a") is None
        assert system.lookup("/a/b") is None


async def test_the_eldest_comes_first_among_a_systems_actors_and_an_actors_children() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(Puppet, name=name) for name in "cab"]
        assert list(system.actors) == refs

        def breed(actor: Puppet) -> None:
            for name in "zxy":
                actor.context.spawn(Puppet, name=name)

        await refs[0].request(Do(breed))
        children = await refs[0].request(Do(lambda actor: actor.context.children))
        assert [child.name for child in children] == ["z", "x", "y"]
