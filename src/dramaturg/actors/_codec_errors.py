"""What goes wrong between a message and its bytes.

::

    DramaturgError
    ├── RegistryError (ValueError)     types were put together wrongly: change the program
    ├── EncodeError (ValueError)       this value cannot be stored exactly: the sender's fault
    │   └── UnregisteredTypeError          because its type was never registered
    └── DecodeError (ValueError)       these bytes are not a message: the data's fault
        ├── UnknownTypeError               the registry holds no type of that name
        ├── UnknownVersionError            it holds the type, but cannot read that version
        └── UpcastError                    an upcaster failed on an old version

Types are kept by name, so that an error survives ``pickle`` also where the type does not.
"""

from __future__ import annotations

from typing import final

from dramaturg.actors._errors import DramaturgError


@final
class RegistryError(DramaturgError, ValueError):
    """A registry, or the declaration of a type for one, is wrong.

    Raised while the program is put together, never for a message. ``subject`` is the type, the
    type name or the module at fault.
    """

    def __init__(self, *, subject: str, problem: str) -> None:
        self.subject = subject
        self.problem = problem
        super().__init__(f"{subject}: {problem}")


class EncodeError(DramaturgError, ValueError):
    """A value cannot be turned into bytes from which it would come back the same.

    ``type_name`` names what was to be encoded, ``field`` its field at fault, where known.
    """

    def __init__(self, *, type_name: str, problem: str, field: str | None = None) -> None:
        self.type_name = type_name
        self.problem = problem
        self.field = field
        where = type_name if field is None else f"{type_name}.{field}"
        super().__init__(f"cannot encode {where}: {problem}")


@final
class UnregisteredTypeError(EncodeError):
    """A message, or a value inside it, is of a type that the registry does not hold.

    ``unregistered`` is the Python name of that type. The near case, bytes that name an unheard-of
    type, is `UnknownTypeError`.
    """

    def __init__(self, *, type_name: str, unregistered: str, field: str | None = None) -> None:
        self.unregistered = unregistered
        problem = f"{unregistered} is not registered; give it to the TypeRegistry"
        super().__init__(type_name=type_name, problem=problem, field=field)


class DecodeError(DramaturgError, ValueError):
    """Bytes are not what a codec with this registry wrote. Nothing was changed.

    ``type_name`` and ``version`` tell what the bytes claim to be, as far as they could be read.
    """

    def __init__(
        self, *, problem: str, type_name: str | None = None, version: int | None = None
    ) -> None:
        self.problem = problem
        self.type_name = type_name
        self.version = version
        what = "" if type_name is None else f" {type_name}"
        which = "" if version is None else f" version {version}"
        super().__init__(f"cannot decode{what}{which}: {problem}")


@final
class UnknownTypeError(DecodeError):
    """The data names a type that the registry does not hold.

    The near case, a program that encodes an unregistered type, is `UnregisteredTypeError`.
    """

    def __init__(self, *, type_name: str, version: int | None = None) -> None:
        problem = "the registry holds no type of that name"
        super().__init__(problem=problem, type_name=type_name, version=version)


@final
class UnknownVersionError(DecodeError):
    """The registry holds the type, but can read only the versions in ``known``.

    A version above the current one was written by a newer program; one below the first known
    lacks an upcaster.
    """

    def __init__(self, *, type_name: str, version: int, known: tuple[int, ...]) -> None:
        self.known = known
        problem = f"the registry can read only {', '.join(map(str, known))}"
        super().__init__(problem=problem, type_name=type_name, version=version)


@final
class UpcastError(DecodeError):
    """An upcaster raised (see ``__cause__``), or returned something other than a dict.

    ``version`` is the version that the failing upcaster reads.
    """

    def __init__(self, *, type_name: str, version: int, problem: str) -> None:
        super().__init__(problem=f"its upcaster {problem}", type_name=type_name, version=version)
