"""Messages as they are recorded: by the codec, by their shape, or as a text that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from dramaturg.actors import ActorRef, Codec, DecodeError, EncodeError
from dramaturg.protocols._recording_entry import RecordedMessage
from dramaturg.protocols._recording_shape import OpaqueError, place_of, shape_of, text_of

if TYPE_CHECKING:
    from dramaturg.actors import TypeRegistry

__all__ = ["MessageForms", "recorded_ref"]

LONGEST = 1_000
"""So much is kept of the repr of what is opaque."""

NO_REGISTRY = "it was stored by a codec: give its registry, Recording.load(path, registry=...)"


class _Nobody:
    """What stands behind a ref that was read: an address, and no actor."""

    pykka_contract = False
    idle = False

    def __init__(self, path: str) -> None:
        self.path = path
        self.name = path.rpartition("/")[2]
        self.actor_class = type(self)

    def put(self, _: object) -> None:
        message = f"{self.path} is the address of an actor in a recording; nobody lives there"
        raise LookupError(message)


def recorded_ref(path: str) -> ActorRef[Any]:
    """Return a ref that has a path and nobody behind it."""
    return ActorRef(cast("Any", _Nobody(path)))


class MessageForms:
    """Turns messages into what is recorded of them, and what is stored back into that.

    :param registry: its types are stored by the codec.
    """

    def __init__(self, registry: TypeRegistry | None) -> None:
        self._registered: frozenset[type] = frozenset()
        self._codec: Codec | None = None
        if registry is not None:
            self._codec = Codec(registry, ref_type=ActorRef, load_ref=recorded_ref)
            self._registered = frozenset(each.cls for each in registry)

    def record(self, message: object) -> RecordedMessage:
        """Return what is recorded of a message at hand."""
        return self.load(self.dump(message))

    def dump(self, message: object) -> list[Any]:
        """Return a message as plain values."""
        cls = type(message)
        place = place_of(cls)
        try:
            if self._codec is not None and cls in self._registered:
                return ["codec", place, self._codec.encode(message)]
        except EncodeError:
            pass  # its shape may do
        try:
            return ["shape", place, shape_of(message)]
        except OpaqueError as error:
            return self.opaque(message, str(error))
        except Exception as error:  # noqa: BLE001 - the user's attributes and reprs
            return self.opaque(message, f"{type(error).__name__} when it was looked at")

    @staticmethod
    def opaque(message: object, problem: str) -> list[Any]:
        """Return what is left of a message that cannot be stored."""
        try:
            # As ASCII, since not every text can be stored.
            text = ascii(message)
        except Exception as error:  # noqa: BLE001 - the user's repr
            text = f"<{type(message).__qualname__} whose repr raises {type(error).__name__}>"
        return ["opaque", place_of(type(message)), text[:LONGEST], problem]

    def load(self, stored: list[Any]) -> RecordedMessage:
        """Return the message that was stored."""
        form, place, body = stored[:3]
        if form == "opaque":
            return RecordedMessage("opaque", place, body, None, stored[3])
        if form == "shape":
            return RecordedMessage("shape", place, text_of(body), body)
        return self._decoded(place, body)

    def _decoded(self, place: str, body: bytes) -> RecordedMessage:
        problem = NO_REGISTRY
        if self._codec is not None:
            try:
                shape = shape_of(self._codec.decode(body, object))
            except (DecodeError, OpaqueError) as error:
                problem = str(error)
            else:
                return RecordedMessage("codec", place, text_of(shape), shape)
        name = place.rpartition(":")[2].rpartition(".")[2]
        return RecordedMessage("opaque", place, f"{name}(...)", None, problem)
