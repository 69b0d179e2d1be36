"""Type names: under what a type travels and rests.

It is never the module path: moving a class to another module, or a script that runs as
``__main__``, must not orphan what was stored. The default name is the class's own qualified name,
from behind the last ``<locals>.`` (a class made inside a function): ``Reserve``,
``Orders.Reserve``. Name a type yourself, ``class Reserve(Message, name="shop.reserve")``, before
anything of it is stored for long: then the class may be renamed too.
"""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from dramaturg.actors._codec_errors import RegistryError

_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def type_name(cls: type) -> str:
    """Return the name under which values of ``cls`` are stored."""
    name: str | None = getattr(cls, "__type_name__", None)
    return default_name(cls) if name is None else name


def type_version(cls: type) -> int:
    """Return the version that ``cls`` has now: 1 for what is not a `Message`."""
    version: int = getattr(cls, "__type_version__", 1)
    return version


def default_name(cls: type) -> str:
    """Return the qualified name of ``cls``, without the functions around it."""
    return cls.__qualname__.rpartition("<locals>.")[2]


def checked_name(cls: type, name: object) -> str:
    """Return ``name`` if a type may bear it.

    :raises RegistryError: if not.
    """
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        reason = f"its type name is {name!r}, but must be letters, digits, '_', '.' and '-'"
        raise RegistryError(subject=cls.__qualname__, problem=reason)
    return name


def checked_version(cls: type, version: object) -> int:
    """Return ``version`` if a type may have it.

    :raises RegistryError: if not.
    """
    if type(version) is not int or version < 1:
        reason = f"its version is {version!r}, but must be a whole number from 1"
        raise RegistryError(subject=cls.__qualname__, problem=reason)
    return version


def argument_name(annotation: Any) -> str:
    """Write a type argument as part of a type name, without any module path."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return " | ".join(argument_name(each) for each in get_args(annotation))
    if origin is not None:
        arguments = ", ".join(argument_name(each) for each in get_args(annotation))
        return f"{argument_name(origin)}[{arguments}]"
    if isinstance(annotation, type):
        return "None" if annotation is NoneType else type_name(annotation)
    name: object = getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else str(annotation)
