"""The values that a picture is made of: found, listed, walked, and written as JSON."""

import json
from itertools import islice

from dramaturg.actors import ActorSystem, ManualClock, Props
from tests.actors.health_kit import CACHED, Reporter, note, picture
from tests.actors.kit import Idler


async def test_find_knows_the_paths_of_the_picture_only() -> None:
    async with ActorSystem() as system:
        system.spawn(Idler, name="it")
        health = picture(system)

    assert health.find("/") is health.tree
    assert health.find("/it") is health.tree.children[0]
    for path in ("/nobody", "/it/nobody", "/nobody/it", "it", "", "//"):
        assert health.find(path) is None


async def test_a_picture_becomes_json_with_a_flat_list_of_actors() -> None:
    clock = ManualClock()
    async with ActorSystem("shop", clock=clock) as system:
        system.spawn(Props(Reporter, [note(a=CACHED)], "a"), name="sup")
        text = picture(system).to_json()

    read = json.loads(text)
    assert [*read] == ["system", "status", "time", "monotonic", "totals", "degraded", "actors"]
    assert (read["system"], read["status"]) == ("shop", "degraded")
    assert (read["time"], read["monotonic"]) == ("2000-01-01T00:00:00+00:00", 0.0)
    assert read["totals"] == {"actors": 2, "queued": 0, "dead_letters": 0, "restarts": 0}
    assert read["degraded"] == [
        {"path": "/sup/a", "status": "degraded", "reason": "upstream is down"}
    ]
    assert [actor["path"] for actor in read["actors"]] == ["/", "/sup", "/sup/a"]
    assert read["actors"][1]["restarts_in_window"] == 2
    assert read["actors"][2] == {
        "path": "/sup/a",
        "name": "a",
        "actor_class": "Idler",
        "kind": "loop",
        "state": "running",
        "status": "degraded",
        "reason": "upstream is down",
        "incarnation": 1,
        "restarts": 0,
        "restarts_in_window": None,
        "intensity": None,
        "period": None,
        "mailbox_depth": 0,
        "oldest_age": None,
        "degraded": {
            "rung": "cached",
            "reason": "upstream is down",
            "since": 3.0,
            "since_time": "2000-01-01T00:00:00+00:00",
            "rungs_left": 1,
        },
    }


async def test_what_is_not_healthy_is_listed_in_the_order_of_the_tree() -> None:
    async with ActorSystem() as system:
        for name in "xy":
            system.spawn(Props(Reporter, [note(b=CACHED, a=CACHED)], "ab"), name=name)
        health = picture(system)

    assert [part.path for part in health.degraded] == ["/x/a", "/x/b", "/y/a", "/y/b"]


async def test_the_values_show_in_a_line_how_they_fare() -> None:
    async with ActorSystem("shop") as system:
        system.spawn(Idler, name="it")
        health = picture(system)

    assert repr(health) == "<SystemHealth shop healthy actors=1 queued=0 degraded=0>"
    assert repr(health.find("/it")) == (
        "<ActorHealth /it running healthy incarnation=1 queued=0 children=0>"
    )


async def test_a_picture_is_walked_as_far_as_one_likes() -> None:
    async with ActorSystem() as system:
        for _ in range(5):
            system.spawn(Idler)

        assert len([*islice(picture(system).tree.walk(), 3)]) == 3
