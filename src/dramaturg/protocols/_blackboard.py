"""Blackboards: what several actors know together, as an event-sourced actor.

The values that it stores, and its state, are in ``_blackboard_state``; who follows it, and how far
each is, in ``_blackboard_follower``; its past in ``_blackboard_archive``. Here is what the actor
does with its messages.

A write is one event, so the board's version is the number of events in its journal: what version
a follower has seen says where to read on for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, TypeVar, cast, final
from uuid import UUID

from pydantic import BaseModel

from dramaturg.actors import (
    ActorRef,
    EncodeError,
    EventSourced,
    HandlerDefinitionError,
    OptionError,
    Props,
    RegisteredType,
    RegistryError,
    TypeRegistry,
    handler,
)
from dramaturg.actors._letters import stopped_error
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.actors.journal import Journal
from dramaturg.protocols._blackboard_archive import Archive, tag_of
from dramaturg.protocols._blackboard_entry import BoardChange, BoardView, Entry, Provenance
from dramaturg.protocols._blackboard_errors import (
    BoardRefused,
    EntryConflict,
    PredicateFailed,
    ValueRefused,
    VersionAhead,
    VersionGone,
)
from dramaturg.protocols._blackboard_follower import BoardMemory, Follower, ReadOn
from dramaturg.protocols._blackboard_keys import LONGEST_KEY
from dramaturg.protocols._blackboard_messages import (
    At,
    CompareAndSet,
    Delete,
    Follow,
    FollowEnded,
    FollowerStatus,
    Get,
    GetAll,
    GetFollowers,
    History,
    Put,
    PutAll,
    Unfollow,
)
from dramaturg.protocols._blackboard_state import (
    EMPTY,
    STORED_TYPES,
    BoardEvent,
    BoardState,
    EntriesPut,
    EntryDeleted,
    Written,
)
from dramaturg.protocols._outlasting import remembered
from dramaturg.protocols._topic_messages import Disconnected, SubscriberDisconnected
from dramaturg.protocols._topic_policies import Disconnect

__all__ = ["Blackboard"]

PLAIN = frozenset(
    {bool, int, float, str, bytes, Decimal, UUID, dt.datetime, dt.date, dt.time, dt.timedelta}
)
"""Values that cannot be changed and are stored as they are."""
READ_AT_ONCE = 64
"""So many events are read for one follower before others have their turn."""
LONGEST_ID = 500 - LONGEST_KEY - 1

T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class _Ended:
    """A follower has ended for good."""

    ref: ActorRef[Any]


class Blackboard(EventSourced[BoardState]):
    """An actor that keeps values under keys, tells who follows of each change, and knows its past.

    ::

        class Customers(Blackboard):
            values = (Customer, Score)

        board = system.spawn(Customers, name="customers")
        entry = await board.request(Put("customer/7", Customer(name="Ada")))
        board.tell(Follow(ref, "customer/*"))
        await board.request(Put("customer/7", changed, expected_version=entry.version))

    Writers and readers may be anybody. Each write has a version, the board's, and says where it
    came from; it is answered, and followers hear of it, when it is in the journal. A write that
    is refused has changed nothing (:class:`BoardRefused`).

    All events stay in the journal unless the class says ``delete_events``; memory holds what stands
    on the board now. With ``snapshot_every`` it recovers from a snapshot.

    Followers outlive the board's restarts, and are told then what they have missed. They end with
    the board's end for good, or the process: an actor that knows the last version it was told of
    follows again from there, without a gap.

    :raises HandlerDefinitionError: when a subclass has ``values`` that cannot be stored, or could
        be changed behind the board's back.
    """

    values: ClassVar[tuple[type | RegisteredType | TypeRegistry, ...]] = ()
    """What it may hold beside plain values: messages, enums and frozen dataclasses. A
    registry stands for all of its types."""
    types = STORED_TYPES
    initial = EMPTY
    _held: ClassVar[frozenset[type]] = PLAIN

    _memory: BoardMemory
    _archive: ActorRef[Archive] | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.types = _types_of(cls)
        own = {each.cls for each in STORED_TYPES}
        cls._held = PLAIN | {each.cls for each in cls.types if each.cls not in own}

    def apply(self, state: BoardState, event: EntriesPut | EntryDeleted) -> BoardState:
        """Return the state after a write."""
        return state.after(event)

    def tags(self, event: Any) -> tuple[str, ...]:
        """Let each key have a history of its own."""
        return tuple(tag_of(self._stream.persistence_id, key) for key in event.keys)

    def on_recovered(self) -> None:
        """Find those who follow, and tell them what they have missed.

        :raises OptionError: for a persistence id that leaves no room for keys.
        """
        if len(self._stream.persistence_id) > LONGEST_ID:
            expected = f"at most {LONGEST_ID} characters"
            raise OptionError(
                option="persistence_id", value=self._stream.persistence_id, expected=expected
            )
        self._archive = None
        self._memory = remembered(self._cell, BoardMemory)
        for follower in tuple(self._memory.followers.values()):
            self.context.watch(follower.ref, _Ended(follower.ref))
            # An earlier instance may have been called and have ended before it came to that.
            follower.answer_call()
            if follower.seen < self.sequence:
                follower.fall_behind()

    # -- writing

    @handler
    async def put(self, message: Put) -> Entry:
        """Give a key a value."""
        return (await self._put((message,)))[0]

    @handler
    async def put_all(self, message: PutAll) -> tuple[Entry, ...]:
        """Give several keys values, all at once."""
        return await self._put(message.puts)

    @handler
    async def compare_and_set(self, message: CompareAndSet) -> Entry:
        """Give a key a value if it has the expected one."""
        key, expected = message.key, message.expected
        current = self.state.get(key)
        found = None if current is None else current.value
        if type(found) is not type(expected) or found != expected:
            raise EntryConflict(key=key, expected=expected, current=current, by_value=True)
        return (await self._put((Put(key, message.value, source=message.source),)))[0]

    @handler
    async def delete(self, message: Delete) -> Entry | None:
        """Take a key away."""
        current = self.state.get(message.key)
        _check_expected(message, current)
        if current is not None:
            await self._write(EntryDeleted(message.key, self._provenance(message.source)))
        return current

    async def _put(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        writes: list[Written] = []
        for put in puts:
            if type(put.value) not in self._held:
                names = sorted(each.__qualname__ for each in self._held - PLAIN)
                expected = ", ".join([*names, "or a plain value"])
                raise ValueRefused(key=put.key, value=put.value, expected=expected)
            current = self.state.get(put.key)
            _check_expected(put, current)
            writes.append(
                Written(put.key, put.value, 1 if current is None else current.key_version + 1)
            )
        sources = dict.fromkeys(put.source for put in puts if put.source)
        event = EntriesPut(tuple(writes), self._provenance(", ".join(sources)))
        await self._write(event)
        return event.entries(self.sequence)

    async def _write(self, event: BoardEvent) -> None:
        try:
            await self.persist(event)
        except EncodeError as error:
            key = event.keys[0]
            raise ValueRefused(
                key=key, value=event, expected=f"what can be stored ({error})"
            ) from error
        changes = event.changes(self.sequence)
        for follower in tuple(self._memory.followers.values()):
            if not follower.behind:
                self._tell(follower, changes)

    def _provenance(self, source: str) -> Provenance:
        sender = self.context.sender
        return Provenance(
            time=self.context.clock.time(),
            actor=None if sender is None else sender.path,
            source=source,
            cause=self._cause(),
        )

    # -- reading

    @handler
    async def get(self, message: Get) -> Entry | None:
        """Answer with what stands under a key."""
        return self.state.get(message.key)

    @handler
    async def get_all(self, message: GetAll) -> BoardView:
        """Answer with what stands under some keys."""
        return BoardView(self.sequence, tuple(self.state.fitting(message.pattern)))

    @handler
    async def history(self, message: History) -> tuple[BoardChange, ...]:  # noqa: ARG002 - it is passed on as it came
        """Have the past of a key looked up."""
        return self._looked_up()

    @handler
    async def at(self, message: At) -> BoardView:
        """Have the past of the board looked up."""
        if message.version is not None:
            self._check_reached(message.version)
        return self._looked_up()

    def _check_reached(self, version: int) -> None:
        if version > self.sequence:
            raise VersionAhead(path=self.context.path, version=version, current=self.sequence)

    def _looked_up(self) -> T:  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeVarUse]
        if self._archive is None or not self._archive.is_alive():
            codec = self.context.system.journal_codec(self.types)
            made = Props(
                Archive, self.context.path, self._stream.persistence_id, self._journal, codec
            )
            self._archive = self.context.spawn(made, name="archive")
        return self.context.forward(self._archive)

    @property
    def _journal(self) -> Journal:
        journal = self.context.system.journal
        assert journal is not None  # noqa: S101 - it has recovered from it
        return journal

    # -- followers

    @handler
    async def follow(self, message: Follow) -> FollowerStatus:
        """Tell an actor what there is, or was, and then each change."""
        if message.ref == self.actor_ref:
            raise BoardRefused("a blackboard cannot follow itself")
        memory, version = self._memory, message.from_version
        seen = self.sequence if version is None else version
        self._check_reached(seen)
        follower = Follower(message, self.actor_ref, memory.serial + 1, seen)
        contents = follower.contents(self.state) if version is None else ()
        if seen < self.sequence:
            await self._check_kept(seen)
        self._remove(message.ref)
        if version is None:
            follower.begin(self.state, contents)
        memory.serial += 1
        memory.followers[message.ref] = follower
        self.context.watch(message.ref, _Ended(message.ref))
        if seen < self.sequence:
            follower.fall_behind()
        return follower.status()

    @handler
    async def unfollow(self, message: Unfollow) -> bool:
        """Tell an actor nothing more."""
        return self._remove(message.ref)

    @handler
    async def get_followers(self, message: GetFollowers) -> tuple[FollowerStatus, ...]:  # noqa: ARG002 - a handler takes its message
        """Answer with who follows."""
        return tuple(each.status() for each in self._memory.followers.values())

    @handler
    async def follower_ended(self, message: _Ended) -> None:
        """Forget it."""
        self._remove(message.ref, stopped_error(message.ref.cell))

    @handler
    async def read_on(self, message: ReadOn) -> None:
        """Read for a follower what it has not seen yet."""
        follower = message.follower
        follower.called = False
        # It may have gone, or have followed anew meanwhile.
        if self._memory.followers.get(follower.ref) is follower:
            await self._read_for(follower)
            if follower.behind and follower.has_room():
                follower.call_board()

    @handler
    async def drained(self, message: DrainEnd) -> None:
        """Let nothing be lost that followers have not had."""
        for follower in tuple(self._memory.followers.values()):
            follower.hand_all()
            while follower.behind and follower.ref in self._memory.followers:
                await self._read_for(follower, last=True)
        message.handle(self._cell)

    async def _read_for(self, follower: Follower, *, last: bool = False) -> None:
        """Read a page, and hand it over as far as there is room; all of it if it is the last."""
        persistence_id = self._stream.persistence_id
        decode = self.context.system.journal_codec(self.types).decode
        if follower.seen < self.sequence:
            page = await self._journal.page(persistence_id, follower.seen, READ_AT_ONCE)
            try:
                if not page or page[0].sequence != follower.seen + 1:  # they have been deleted
                    follower.begin(self.state, follower.contents(self.state))
                    page = []
                for stored in page:
                    if not (last or follower.has_room()):
                        return
                    event: Any = decode(stored.payload, object)
                    follower.read(stored.sequence, event.changes(stored.sequence))
            except PredicateFailed as error:
                self._end(follower, error)
        follower.behind = follower.seen < self.sequence

    def _tell(self, follower: Follower, changes: tuple[BoardChange, ...]) -> None:
        try:
            stays = follower.take(self.sequence, changes)
        except PredicateFailed as error:
            self._end(follower, error)
        else:
            if not stays:
                self._disconnect(follower)

    async def _check_kept(self, seen: int) -> None:
        """Check that the writes behind a version can be read.

        :raises VersionGone: if not.
        """
        first = await self._journal.page(self._stream.persistence_id, seen, 1)
        if first[0].sequence != seen + 1:
            raise VersionGone(path=self.context.path, wanted=seen, oldest=first[0].sequence - 1)

    def _remove(self, ref: ActorRef[Any], error: BaseException | None = None) -> bool:
        follower = self._memory.followers.pop(ref, None)
        if follower is None:
            return False
        self.context.unwatch(ref)
        follower.behind = False
        follower.drop_all(error)
        return True

    def _end(self, follower: Follower, error: PredicateFailed) -> None:
        """Part with one whose own function fails, and say so."""
        version = follower.seen + 1
        self._remove(follower.ref)
        follower.put(FollowEnded(self.actor_ref, version, error))

    def _disconnect(self, follower: Follower) -> None:
        """Part with one that is slow, and say so."""
        limit = follower.slow.limit if isinstance(follower.slow, Disconnect) else 0
        self._remove(follower.ref)
        follower.put(Disconnected(self.actor_ref, limit))
        system = self.context.system
        if system.events.wants(SubscriberDisconnected):
            system.events.publish(
                SubscriberDisconnected(
                    path=self.context.path,
                    time=system.clock.time(),
                    subscriber=follower.ref.path,
                    limit=limit,
                )
            )


def _types_of(cls: type[Blackboard]) -> TypeRegistry:
    """Return all that a board stores.

    :raises HandlerDefinitionError: if one of its values cannot be.
    """
    problem = f"is {cls.values!r}"
    kinds = (type, RegisteredType, TypeRegistry)
    given = cast("object", cls.values)
    if isinstance(given, tuple) and all(
        isinstance(each, kinds) for each in cast("tuple[object, ...]", given)
    ):
        try:
            stored = [each for each in cls.values if each not in PLAIN]
            types = STORED_TYPES.including(*stored, *cls.upcasters)
        except RegistryError as error:
            problem += f": {error}"
        else:
            changeable = [each.name for each in types if _is_changeable(each.cls)]
            if not changeable:
                return types
            problem += f": {', '.join(changeable)} could be changed on the board: freeze it"
    expected = "a tuple of messages, enums, frozen dataclasses or registries"
    raise HandlerDefinitionError(
        owner=cls.__qualname__, method="values", problem=f"{problem}; expected {expected}"
    )


def _is_changeable(cls: type) -> bool:
    return issubclass(cls, BaseModel) and not cls.model_config.get("frozen", False)


def _check_expected(write: Put | Delete, current: Entry | None) -> None:
    found = 0 if current is None else current.version
    if write.expected_version is not None and write.expected_version != found:
        raise EntryConflict(key=write.key, expected=write.expected_version, current=current)
