"""Blackboards against plain models: a list of dicts, one for each version."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings, strategies as st

from dramaturg.actors import Refused
from dramaturg.actors.journal import MemoryJournal
from dramaturg.protocols import (
    At,
    BoardContents,
    CompareAndSet,
    Delete,
    Entry,
    Put,
    PutAll,
    _blackboard_state as states,
)
from dramaturg.protocols._blackboard_entry import Provenance
from dramaturg.protocols._blackboard_keys import fits
from dramaturg.protocols._blackboard_state import BoardState, EntriesPut, EntryDeleted, Written
from tests.actors.messaging_kit import turns
from tests.protocols.blackboard_kit import Bench, Board, opened

WORDS = st.sampled_from(["a", "b", "ab"])
KEYS = st.lists(WORDS, min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(WORDS | st.sampled_from(["*", "**"]), min_size=1, max_size=4).map("/".join)
BY = Provenance(datetime(2000, 1, 1, tzinfo=UTC))


def fits_by_definition(pattern: list[str], key: list[str]) -> bool:
    if not pattern:
        return not key
    if pattern[0] == "**":
        rest = pattern[1:]
        return any(fits_by_definition(rest, key[taken:]) for taken in range(len(key) + 1))
    return bool(key) and pattern[0] in ("*", key[0]) and fits_by_definition(pattern[1:], key[1:])


@given(PATTERNS, KEYS)
def test_a_pattern_fits_what_its_words_stand_for(pattern: str, key: str) -> None:
    assert fits(pattern, key) == fits_by_definition(pattern.split("/"), key.split("/"))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=80), PATTERNS, st.data())
def test_a_state_is_a_sorted_dict(
    writes: list[tuple[bool, int]], pattern: str, data: st.DataObject
) -> None:
    before, states.PAGE = states.PAGE, 3
    try:
        state, model = BoardState(), dict[str, int]()
        for put, number in writes:
            key = data.draw(KEYS)
            if put:
                state = state.after(EntriesPut((Written(key, number, 1),), BY))
                model[key] = number
            elif key in model:
                state = state.after(EntryDeleted(key, BY))
                del model[key]
            assert all(0 < len(page) <= 3 for page in state.pages)
    finally:
        states.PAGE = before
    assert [each.key for each in state.fitting("**")] == sorted(model)
    assert {each.key: each.value for each in state.fitting(pattern)} == {
        key: value for key, value in model.items() if fits(pattern, key)
    }
    for key in (*model, "c", "a/b/c"):
        entry = state.get(key)
        assert (None if entry is None else entry.value) == model.get(key)


STEP = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("set"), KEYS, st.none() | st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("all"), st.dictionaries(KEYS, st.integers(0, 3), min_size=1, max_size=3)),
    st.tuples(st.just("follow"), PATTERNS, st.none() | st.integers(0, 9)),
    st.tuples(st.just("again")),
)


class Small(Board):
    snapshot_every = 3


class Model:
    """What has to come of it."""

    def __init__(self) -> None:
        self.versions: list[dict[str, Any]] = [{}]
        self.followers: list[tuple[str, int, list[Any]]] = []

    def write(self, changes: dict[str, Any]) -> None:
        new = self.versions[-1] | changes
        self.versions.append({key: value for key, value in new.items() if value is not None})

    def check(self) -> None:
        for pattern, since, log in self.followers:
            seen: dict[str, Any] = {
                key: value for key, value in self.versions[since].items() if fits(pattern, key)
            }
            told = [each for each in log if not isinstance(each, BoardContents)]
            for change in (each for message in told for each in message.changes):
                if isinstance(change, Entry):
                    seen[change.key] = change.value
                else:
                    del seen[change.key]
            now = self.versions[-1].items()
            assert seen == {key: value for key, value in now if fits(pattern, key)}
            assert [each.number for each in told] == [*range(1, len(told) + 1)]


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
async def test_a_board_is_a_list_of_dicts(steps: list[tuple[Any, ...]]) -> None:
    journal, model = MemoryJournal(), Model()
    rest = list(steps)
    while True:
        async with opened(Small, journal) as bench:
            while rest and rest[0] != ("again",):
                await take(bench, model, rest.pop(0))
            await turns(20)
            model.check()
            for version, expected in enumerate(model.versions):
                view = await bench.ask(At(version))
                assert {each.key: each.value for each in view.entries} == expected
        if not rest:
            return
        rest.pop(0)
        # Who has followed is gone with the process.
        journal, model.followers = MemoryJournal(journal.store), []


async def take(bench: Bench, model: Model, step: tuple[Any, ...]) -> None:
    now = model.versions[-1]
    match step:
        case ("put", key, value):
            await bench.put(key, value)
            model.write({key: value})
        case ("set", key, expected, value):
            try:
                await bench.ask(CompareAndSet(key, expected, value))
            except Refused:
                assert now.get(key) != expected
            else:
                assert now.get(key) == expected
                model.write({key: value})
        case ("delete", key):
            gone = await bench.ask(Delete(key))
            assert (gone is None) == (key not in now)
            if gone is not None:
                model.write({key: None})
        case ("all", writes):
            await bench.ask(PutAll(*(Put(key, value) for key, value in writes.items())))
            model.write(writes)
        case ("follow", pattern, since):
            newest = len(model.versions) - 1
            begin = None if since is None else min(since, newest)
            log = await bench.followed(pattern, from_version=begin)
            model.followers.append((pattern, newest if begin is None else begin, log))
        case _:
            raise AssertionError(step)
