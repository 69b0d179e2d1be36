"""A pytest plugin: pykka's tests see the class that ACTOR names as `pykka.ThreadingActor`."""

import os
import pkgutil

import pykka

actor = pkgutil.resolve_name(os.environ["ACTOR"])
setattr(pykka, "ThreadingActor", actor)  # noqa: B010
setattr(pykka, "ThreadingFuture", type(actor._create_future()))  # noqa: B010
