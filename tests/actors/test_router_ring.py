import os
import subprocess
import sys
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors._router_ring import HashKey, Ring, key_bytes
from tests.ids import stable

names = st.lists(st.text("abc/$", min_size=1, max_size=6), min_size=1, max_size=6, unique=True)
keys = st.lists(st.binary(max_size=8), min_size=1, max_size=30)


def owners(ring_of: list[str], wanted: list[bytes], points_each: int = 16) -> list[str]:
    ring = Ring(ring_of, points_each)
    return [ring_of[ring.find(key)] for key in wanted]


@given(names=names, keys=keys, data=st.data())
def test_the_owner_of_a_key_does_not_depend_on_the_order_of_owners(
    names: list[str], keys: list[bytes], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(names))

    assert owners(names, keys) == owners(shuffled, keys)


@given(names=names.filter(lambda names: len(names) > 1), keys=keys)
def test_when_an_owner_leaves_only_its_own_keys_move(names: list[str], keys: list[bytes]) -> None:
    left, *others = names

    before, after = owners(names, keys), owners(others, keys)

    assert all(new == old for old, new in zip(before, after, strict=True) if old != left)


@given(names=names, keys=keys)
def test_when_an_owner_comes_keys_move_to_it_and_nowhere_else(
    names: list[str], keys: list[bytes]
) -> None:
    before, after = owners(names, keys), owners([*names, "new"], keys)

    assert all(new in (old, "new") for old, new in zip(before, after, strict=True))


def test_128_points_each_spread_keys_about_evenly() -> None:
    wanted = [b"%d" % number for number in range(20_000)]

    shares = Counter(owners([f"/pool/${letter}" for letter in "abcdefgh"], wanted, 128))

    assert len(shares) == 8
    assert all(0.7 < share / 2_500 < 1.3 for share in shares.values())


@pytest.mark.parametrize("points_each", [1, 7, 8, 9])
def test_each_owner_has_the_number_of_points_that_was_asked_for(points_each: int) -> None:
    assert repr(Ring(["/a", "/b"], points_each)) == f"<Ring owners=2 points={2 * points_each}>"


def test_owners_of_a_key_are_the_same_in_every_process() -> None:
    program = (
        "from dramaturg.actors._router_ring import Ring, key_bytes\n"
        "ring = Ring(['/a', '/b', '/c'], 128)\n"
        "print([ring.find(key_bytes(str(each))) for each in range(40)])"
    )

    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
        for seed in ("0", "1")
    }

    assert len(printed) == 1


def test_owners_of_a_key_are_the_same_in_every_release() -> None:
    ring = Ring(["/a", "/b", "/c"], 128)

    assert [ring.find(key_bytes(str(each))) for each in range(12)] == [
        0,
        1,
        0,
        2,
        2,
        2,
        2,
        0,
        1,
        2,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("Ada", b"Ada"),
        ("\ud800", b"\xed\xa0\x80"),
        (b"\x00\xff", b"\x00\xff"),
        (-12, b"-12"),
        (True, b"1"),
        (UUID(int=1), b"\x00" * 15 + b"\x01"),
    ],
    ids=stable,
)
def test_a_key_is_written_as_bytes(key: HashKey, expected: bytes) -> None:
    assert key_bytes(key) == expected


@pytest.mark.parametrize("key", [None, 1.5, object(), ("a", 1)], ids=lambda key: type(key).__name__)
def test_a_key_that_might_differ_between_processes_is_an_error(key: object) -> None:
    with pytest.raises(TypeError, match="a str, bytes, int or UUID"):
        key_bytes(key)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
