"""An actor finds others by their paths, from the top or from where it stands."""

import pytest

from dramaturg.actors import ActorRef, ActorSystem
from tests.actors.kit import Do, Puppet, stop, within


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/shop", "/shop"),
        ("/shop/till", "/shop/till"),
        ("/shop/till/drawer", "/shop/till/drawer"),
        ("drawer", "/shop/till/drawer"),
        ("..", "/shop"),
        ("../till", "/shop/till"),
        ("../stock", "/shop/stock"),
        ("../../bank", "/bank"),
        ("../..", None),
        ("../../..", None),
        ("../../../bank", None),
        ("stock", None),
        ("drawer/coin", None),
        ("/nowhere", None),
        ("/", None),
        ("", None),
    ],
)
async def test_a_path_leads_to_the_actor_there(path: str, found: str | None) -> None:
    async with ActorSystem() as system:
        system.spawn(Puppet, name="bank")
        shop = system.spawn(Puppet, name="shop")
        till: ActorRef[Puppet] = await within(
            shop.request(Do(lambda actor: actor.context.spawn(Puppet, name="till")))
        )
        await within(shop.request(Do(lambda a: a.context.spawn(Puppet, name="stock").path)))
        await within(till.request(Do(lambda a: a.context.spawn(Puppet, name="drawer").path)))

        ref = await within(till.request(Do(lambda actor: actor.context.lookup(path))))

        assert (None if ref is None else ref.path) == found
        if ref is not None:
            assert ref is system.lookup(ref.path)


async def test_an_actor_that_has_ended_is_not_found() -> None:
    async with ActorSystem() as system:
        one, other = system.spawn(Puppet, name="one"), system.spawn(Puppet, name="other")
        await stop(other)

        assert await within(one.request(Do(lambda a: a.context.lookup("../other")))) is None
