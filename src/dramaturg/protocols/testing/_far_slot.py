"""Where the answer to a request from another node goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._addresses import (
    packed,
    packed_error,
    unpacked,
    unpacked_error,
)
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from dramaturg.actors._envelope import ReplySlot
    from dramaturg.protocols.testing._addresses import Address
    from dramaturg.protocols.testing._network import Parcel
    from dramaturg.protocols.testing._nodes import Nodes
    from dramaturg.protocols.testing._simulated_system import SimulatedSystem

__all__ = ["FarSlot"]


class FarSlot:
    """Stands for the asker's own slot: the answer, or error, goes back over the wires, once.

    :param system: of who answers, at ``to``; ``home`` is that of the ``asker``.
    :param inner: where the asker waits.
    """

    __slots__ = ("_asker", "_done", "_home", "_inner", "_nodes", "_system", "_to")

    def __init__(
        self,
        nodes: Nodes,
        *,
        system: SimulatedSystem,
        to: Address,
        home: SimulatedSystem,
        asker: str,
        inner: ReplySlot,
    ) -> None:
        self._nodes = nodes
        self._done = False
        self._system = system
        self._to = to
        self._home = home
        self._asker = asker
        self._inner = inner

    def complete(self, value: Any, error: BaseException | None) -> None:
        if self._done:
            return
        self._done = True
        if not self._system.gone:
            self._send(value, error)

    def _send(self, value: Any, error: BaseException | None) -> None:
        sender = str(self._to)
        try:
            said = packed(value, sender) if error is None else packed_error(error, sender)
        except ScenarioError as refused:
            # Raised here it would be an error of the actor's, and the asker would wait in vain.
            self._nodes.note_error(refused)
            return
        arrive = self._answered if error is None else self._failed
        way = (self._system.prefix, self._home.prefix)
        self._nodes.wires.send(sender, self._asker, said, arrive, nodes=way)

    def _answered(self, parcel: Parcel) -> None:
        # Who has crashed since is another system now.
        if not self._home.gone:
            self._inner.complete(unpacked(parcel.message, self._ref), None)

    def _failed(self, parcel: Parcel) -> None:
        if not self._home.gone:
            self._inner.complete(None, unpacked_error(parcel.message, self._ref))

    def _ref(self, address: Address) -> ActorRef[Any]:
        return self._nodes.ref(self._home, address)
