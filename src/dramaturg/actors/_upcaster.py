"""Upcasters: how what was stored under an older version of a type becomes the next version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from dramaturg.actors._codec_errors import RegistryError, UpcastError

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


@final
@dataclass(frozen=True, slots=True)
class Upcaster:
    """One step of a chain: turns fields of version ``from_version`` into those of the next one.

    It gets the fields as a dict of its own, with the values they had: a ``datetime`` is one. A
    nested model is a dict of its fields; a nested type that has a version of its own is upcast by
    its own chain, after the outer one. An enum member is the member, or, where the enum has lost
    it, a `Stored` that tells its value.
    """

    type_name: str
    from_version: int
    upcast: Upcast

    def __post_init__(self) -> None:
        """Check the version.

        :raises RegistryError: if it is not a whole number from 1.
        """
        if type(self.from_version) is not int or self.from_version < 1:
            reason = f"it has an upcaster from version {self.from_version!r}; versions start at 1"
            raise RegistryError(subject=self.type_name, problem=reason)

    def __call__(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the next version.

        :raises UpcastError: if the function raises, or returns something other than a dict.
        """
        try:
            result = self.upcast(fields)
        except Exception as error:
            reason = f"raised {type(error).__name__}: {error}"
            raise self._failed(reason) from error
        kind: type = type(result)
        if not issubclass(kind, dict):
            reason = f"returned a {kind.__name__} instead of a dict"
            raise self._failed(reason)
        return result

    def _failed(self, problem: str) -> UpcastError:
        return UpcastError(type_name=self.type_name, version=self.from_version, problem=problem)


def upcaster(type_name: str, *, from_version: int) -> Callable[[Upcast], Upcaster]:
    """Make the decorated function the `Upcaster` of ``type_name`` from ``from_version``.

    ::

        @upcaster("shop.reserve", from_version=1)
        def _units_were_called_count(fields):
            return {**fields, "units": fields.pop("count")}

    :raises RegistryError: if ``from_version`` is not a whole number from 1.
    """

    def decorate(function: Upcast) -> Upcaster:
        return Upcaster(type_name, from_version, function)

    return decorate
