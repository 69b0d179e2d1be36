"""A blackboard on a node: what it acknowledges is there, and a follower hears of all of it."""

import contextlib
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    Directive,
    DramaturgError,
    JournalError,
    Props,
    handler,
)
from dramaturg.protocols import (
    Blackboard,
    BoardChanged,
    BoardContents,
    CatchUp,
    EntryConflict,
    Follow,
    Get,
    GetAll,
    Put,
    board_followed,
    board_written,
    by_pair,
    by_request,
)
from dramaturg.protocols.testing import Node, Simulation, SystemScenario, conforms
from tests.simulated.durable.client import answered, head_of

VALUES = 3


class Board(Blackboard):
    policy = Directive.RESTART
    snapshot_every = 2


class Blurting(Board):
    """Tells its followers before it is stored."""

    async def _write(self, event: Any) -> None:
        changes = event.changes(self.sequence + 1)
        for follower in self._memory.followers.values():
            if not follower.behind:
                follower.take(self.sequence + 1, changes)
        await self.persist(event)


class Careless(Board):
    """Says yes whatever the journal says."""

    async def persist(self, *events: Any) -> None:
        state = self._state
        for each in events:
            state = self.apply(state, each)
        with contextlib.suppress(JournalError):
            await super().persist(*events)
        self._stream.failure = None
        self._state = state


class Reader(Actor):
    """Follows the board from its beginning, whatever becomes of that."""

    def __init__(self, board: ActorRef[Any], heard: dict[str, Any]) -> None:
        self.board = board
        self.heard = heard

    async def on_start(self) -> None:
        for _ in range(9):
            with contextlib.suppress(DramaturgError):
                wish = Follow(self.actor_ref, from_version=0, slow=CatchUp(1))
                await self.board.request(wish, timeout=1_000)
                return

    @handler
    def contents(self, message: BoardContents) -> None:
        self.heard.update({each.key: each.value for each in message.entries})

    @handler
    def changed(self, message: BoardChanged) -> None:
        self.heard.update({each.key: each.value for each in message.changes})  # type: ignore[union-attr]


def writing(kind: type[Board]) -> SystemScenario:
    """Let a client write, each time behind what it has written last."""

    async def scenario(sim: Simulation) -> None:
        heard: dict[str, Any] = {}
        there: list[dict[str, Any]] = []

        def start(node: Node) -> None:
            board = node.system.spawn(kind, name="board")
            node.system.spawn(Props(Reader, board, heard), name="reader")

        board: Any = sim.ref("shop/board")
        reader: Any = sim.ref("shop/reader")
        asked: Any = {"writer": None, "board": board}
        followed: Any = {"follower": reader, "board": board}
        crashing: Any = {"may_crash": ["board"], "finishes": False}
        conforms(sim, board_written(), asked, key=by_request, **crashing)
        crashing["may_crash"] = ["board", "follower"]
        conforms(sim, board_followed(), followed, key=by_pair, **crashing)
        sim.always(
            lambda view: len(heard) <= head_of(sim, "shop", "/board"),
            "nobody hears of what is not stored",
        )
        sim.at_rest(
            lambda view: there == [heard] == [{f"k{n}": n for n in range(VALUES)}],
            "what was acknowledged is there, and was heard of",
        )
        await sim.node("shop", start)
        for number in range(VALUES):
            with contextlib.suppress(EntryConflict):  # it was there, and unacknowledged
                await answered(board, Put(f"k{number}", number, 0))
            assert (await answered(board, Get(f"k{number}"))) is not None, "it is lost"
        view = await answered(board, GetAll())
        there[:] = [{each.key: each.value for each in view.entries}]

    return scenario
