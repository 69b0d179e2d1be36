"""One identity for a package that has two names.

At the top of a checkout `actors`, `supervision` and `protocols` are symbolic links to the packages
beside this file. Python would load a package reached through its link a second time, under the
link's name and with classes of its own, and `except Refused` would miss the very error it names. So
a package that finds itself loaded under the name of its link calls `link`, and from then on that
name, and all names below it, stand for the modules of `dramaturg`.

An installed `dramaturg` comes without links, and nothing here runs.
"""

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def link(name: str) -> None:
    """Make `name` another name of the package `dramaturg.<name>`."""
    sys.modules[name] = import_module(f"dramaturg.{name}")
    sys.meta_path.insert(0, _LinkedModules(name))


class _LinkedModules(MetaPathFinder, Loader):
    """Finds `<name>.x` where it is already: at `dramaturg.<name>.x`."""

    def __init__(self, name: str) -> None:
        self._below = f"{name}."

    def find_spec(self, fullname: str, *_where: object) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname.startswith(self._below) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"dramaturg.{spec.name}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The module has run under its own name. The import system has just put the spec of the
        # link in place of the module's own, which `reload` and pickling by name rely on.
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state
