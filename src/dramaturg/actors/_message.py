"""Messages and requests: frozen, typed, named and versioned values."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from dramaturg.actors._type_name import (
    argument_name,
    checked_name,
    checked_version,
    default_name,
    type_name,
    type_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

Reply_co = TypeVar("Reply_co", covariant=True)


class Message(BaseModel):
    """A value that actors send: immutable, checked when made, with a type name and a version.

    The class keywords ``name`` and ``version`` identify the type wherever it is stored; neither
    is inherited, except that ``Page[Item]`` of a generic ``Page`` has the version of ``Page`` and
    a name of its own, ``Page[Item]``. Floats must be finite; fields not declared are refused.

    Pydantic freezes the fields, not what they hold: prefer tuples and frozensets, since sender
    and receiver of a message share it.

    :raises RegistryError: when a class is defined with a name other than letters, digits, ``_``,
        ``.`` and ``-``, or with a version that is not a whole number from 1.
    :raises pydantic.ValidationError: when a message is made from values its fields do not accept,
        or assigned to.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )

    __type_name__: ClassVar[str] = "Message"
    __type_version__: ClassVar[int] = 1

    # Only here can checkers see the two keywords; what they do waits for the hook below, since
    # pydantic has not yet set up the class when this one runs.
    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        version: int | None = None,
        **kwargs: Unpack[ConfigDict],
    ) -> None:
        """Accept the class keywords ``name`` and ``version``."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, name: str | None = None, version: int | None = None, **kwargs: Any
    ) -> None:
        """Check and keep the type name and the version."""
        super().__pydantic_init_subclass__(**kwargs)
        generic = cls.__pydantic_generic_metadata__
        origin: type | None = generic["origin"]
        if origin is not None:
            arguments = ", ".join(argument_name(each) for each in generic["args"])
            cls.__type_name__ = f"{type_name(origin)}[{arguments}]"
            cls.__type_version__ = type_version(origin)
            return
        cls.__type_name__ = checked_name(cls, default_name(cls) if name is None else name)
        cls.__type_version__ = checked_version(cls, 1 if version is None else version)


class Request(Message, Generic[Reply_co]):
    """A message whose receiver owes a reply of the given type.

    ``class Reserve(Request[Reserved])`` lets type checkers infer that requesting a ``Reserve``
    gives a ``Reserved``. `reply_type` finds it at run time.
    """


class PlainRequest(Generic[Reply_co]):
    """What `Request` is, for a message that is no model and never leaves the process.

    ``class Which(PlainRequest[int])``, a dataclass perhaps: requesting one gives an int to type
    checkers. It has no registered name, and may hold anything.
    """

    __slots__ = ()


def reply_type(cls: type) -> Any:
    """Return the reply type that ``cls`` promises: ``R`` of the ``Request[R]`` it derives from.

    That is a class, a union or another annotation; ``NoneType`` for ``Request[None]``; and None
    where nothing is promised: ``cls`` is no request, or a generic one without its argument. A
    forward reference comes back as it was written.
    """
    return _promised(cls, {})


def _promised(cls: type, bound: Mapping[Any, Any]) -> Any:
    """Walk up from ``cls`` to `Request`, with the type variables that are ``bound`` on the way."""
    if not issubclass(cls, Request):
        return None
    generic = cls.__pydantic_generic_metadata__
    origin = generic["origin"]
    if origin is not None:
        arguments = [_substituted(each, bound) for each in generic["args"]]
        parameters = origin.__pydantic_generic_metadata__["parameters"]
        return _promised(origin, dict(zip(parameters, arguments, strict=True)))
    if cls is Request:
        promised = bound.get(Reply_co)
        return None if _free_variables(promised) else promised
    for base in cls.__bases__:
        promised = _promised(base, bound)
        if promised is not None:
            return promised
    return None


def _substituted(annotation: Any, bound: Mapping[Any, Any]) -> Any:
    """Replace the type variables in ``annotation`` by what they are ``bound`` to."""
    if annotation is None:
        return NoneType
    if isinstance(annotation, TypeVar):
        return bound.get(annotation, annotation)
    free = _free_variables(annotation)
    if not free:
        return annotation
    return annotation[tuple(bound.get(each, each) for each in free)]


def _free_variables(annotation: Any) -> tuple[Any, ...]:
    if isinstance(annotation, TypeVar):
        return (annotation,)
    if not isinstance(annotation, type):
        return tuple(getattr(annotation, "__parameters__", ()))
    # Pydantic's Page[T] is a class; but a bare Page is meant as it stands.
    generic: Mapping[str, Any] = getattr(annotation, "__pydantic_generic_metadata__", {})
    return tuple(generic["parameters"]) if generic.get("origin") is not None else ()
