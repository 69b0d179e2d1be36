"""What is stored, as a file to keep beside the code: a change that breaks it fails in CI.

The file names each type under which something may be stored, with its version, the oldest version
that can be read, and its fields or values; sorted, one thing a line, so that a diff reads well.

The file and the code are compared by one rule: whatever the file allows to be stored, the code has
to read. So a type may get a field that may be missing, and a field a wider type; all else needs a
new version, and an upcaster from the old one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dramaturg.actors._errors import OptionError
from dramaturg.actors.journal._errors import StoredTypesBroken, StoredTypesChanged
from dramaturg.actors.journal._fingerprint_text import alternatives, described, parsed, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.actors._registry import TypeRegistry
    from dramaturg.actors.journal._fingerprint_text import StoredType

__all__ = ["check_stored_types", "stored_types"]


def stored_types(registry: TypeRegistry) -> str:
    """Write down all types of a registry: names, versions, fields, and their parts too.

    The same in each process.
    """
    return written(described(registry).values())


def check_stored_types(
    path: str | os.PathLike[str], *registries: TypeRegistry, update: bool = False
) -> None:
    """Check that all that may have been stored can still be read; to be called in a test.

    ::

        def test_stored_types() -> None:
            check_stored_types("stored_types.txt", Account.types, Order.types)

    :param path: of the file; it is committed with the code.
    :param registries: of all that is stored. One name stands for one type in all of them.
    :param update: write the file if it is not there or not up to date. A change that breaks
        what is stored is never written.
    :raises StoredTypesBroken: if a change would make stored values unreadable.
    :raises StoredTypesChanged: if the file has to be updated, or is not there.
    :raises RegistryError: if the registries contradict each other.
    :raises OptionError: if there is no registry, or the file is no such file.
    """
    if not registries:
        raise OptionError(option="registries", value=(), expected="at least one")
    first, *others = registries
    new = described(first.including(*others))
    name = os.fspath(path)
    file = Path(path)
    text = file.read_text(encoding="utf-8") if file.exists() else None
    try:
        old = parsed(text or "")
    except ValueError as error:
        expected = f"a file that check_stored_types has written ({error})"
        raise OptionError(option="path", value=name, expected=expected) from error
    broken = tuple(change for each in old.values() for change in _broken(each, new.get(each.name)))
    if broken:
        raise StoredTypesBroken(path=name, changes=broken)
    if text == written(new.values()):
        return
    if not update:
        raise StoredTypesChanged(path=name, changes=tuple(_changes(text, old, new)))
    file.write_text(written(new.values()), encoding="utf-8")


def _broken(old: StoredType, new: StoredType | None) -> Iterator[str]:
    """Name what stored values of a type would stumble over."""
    name = old.name
    if new is None:
        yield f"{name} is gone"
        return
    if new.is_part and not old.is_part:
        yield f"{name} is a part of others now, and can no more be read by itself"
    if new.oldest > old.oldest:
        yield (
            f"{name} v{old.oldest} can no more be read: v{new.version} has upcasters from"
            f" v{new.oldest} on"
            if new.oldest < new.version
            else f"{name} v{old.oldest} can no more be read: v{new.version} has no upcaster"
        )
    if new.version < old.version:
        yield f"{name} has version {new.version} after {old.version}"
    if new.version == old.version:
        yield from _broken_fields(old, new)
    lost = old.values - new.values
    if lost:
        yield f"{name} has no more {', '.join(sorted(lost))}"


def _broken_fields(old: StoredType, new: StoredType) -> Iterator[str]:
    advice = f"without a version above {old.version}"
    before, after = old.fields, new.fields
    for field, text in sorted(before.items()):
        if field not in after:
            yield f"{old.name}.{field} is gone {advice}"
        elif not alternatives(text) <= alternatives(after[field]):
            yield f"{old.name}.{field} was {text} and is {after[field]} {advice}"
    for field in sorted(new.required):
        if field not in before:
            yield f"{old.name}.{field} is new and required {advice}"
        elif field in old.optional:
            yield f"{old.name}.{field} could be missing and is required {advice}"


def _changes(
    text: str | None, old: dict[str, StoredType], new: dict[str, StoredType]
) -> Iterator[str]:
    if text is None:
        yield "it is not there"
        return
    different = [name for name in sorted(new) if old.get(name) != new[name]]
    for name in different:
        yield f"{name} has changed" if name in old else f"{name} is new"
    if not different:
        yield "it is written differently"
