"""What a supervisor is made from: frozen specs, checked when they are made."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, TypeAlias, cast, final, get_args

import pykka

from dramaturg.actors import InvalidNameError, Props
from dramaturg.actors._paths import check_name
from dramaturg.supervision._backoff import Backoff
from dramaturg.supervision._errors import SpecError
from dramaturg.supervision._strategy import AutoShutdown, RestartType, Strategy

__all__ = ["ChildSpec", "ChildType", "Shutdown", "Startable", "SupervisorSpec", "child_props"]

ChildType: TypeAlias = Literal["worker", "supervisor"]
Shutdown: TypeAlias = float | Literal["brutal_kill", "infinity"]
"""Seconds that a child gets to stop before it is killed; or at once, or never."""
Startable: TypeAlias = "type[Any] | Props[Any] | SupervisorSpec"
"""What a child is made from: an actor class, Props, or the spec of a supervisor."""

DEFAULT_SHUTDOWN = 5.0
"""Seconds, for workers; supervisors get as long as they need (OTP's defaults)."""


@final
@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How one child is started, restarted and stopped (OTP's child specification).

    :param id: unique below its supervisor, and the actor's name there.
    :param start: an actor class, :class:`Props`, or a :class:`SupervisorSpec`.
    :param restart: "permanent": restarted whenever it ends; "transient": only
        after an abnormal end (a failure or a kill); "temporary": never, and forgotten
        when it ends.
    :param shutdown: seconds from the order to stop until it is killed;
        "brutal_kill": killed at once; "infinity": no limit. Default 5.0 for
        workers, "infinity" for supervisors.
    :param type: "worker" or "supervisor"; default by ``start``.
    :param significant: its end may end the supervisor; see ``auto_shutdown``.
    :param start_timeout: seconds that ``on_start`` may take; then it is cut
        short, and the start has failed. Default: no limit. Meanwhile the supervisor
        does nothing else.
    :param backoff: pauses before restarts; default none, as in OTP.
    :param keep_mailbox: whether queued messages outlive a restart, else they
        become dead letters; default as the actor's class says.
    :param fallbacks: what serves under the child's ref when its restarts are
        exhausted, the best first (``docs/supervision.md``).
    :param probe_every: seconds between attempts to go back to the original.
    :param probe: a request that the original has to answer before it serves
        again, made by this function; default: its start is proof enough.
    :param probe_timeout: seconds that the start and the answer may take.
    :raises SpecError: for a value that cannot be.
    """

    id: str
    start: Startable
    _: KW_ONLY
    restart: RestartType = "permanent"
    shutdown: Shutdown | None = None
    type: ChildType | None = None
    significant: bool = False
    start_timeout: float | None = None
    backoff: Backoff | None = None
    keep_mailbox: bool | None = None
    fallbacks: tuple[Startable, ...] = ()
    probe_every: float = 5.0
    probe: Callable[[], Any] | None = None
    probe_timeout: float = 5.0

    def __post_init__(self) -> None:
        try:
            self._check_all()
        except SpecError as error:
            if error.option == "id":
                raise
            raise SpecError(
                problem=error.problem, option=error.option, value=error.value,
                expected=f"{error.expected} (child {self.id!r})",
            ) from error.__cause__  # fmt: skip

    def _check_all(self) -> None:
        # In the order in which OTP looks, so that of several problems it names the same.
        if self.type is None:
            object.__setattr__(self, "type", _type_of(self.start))
        _check_id(self.id)
        _check_start("start", self.start)
        _check(
            self.restart in get_args(RestartType),
            "invalid_restart_type", "restart", self.restart,
            "'permanent', 'transient' or 'temporary'",
        )  # fmt: skip
        _check(
            isinstance(cast("object", self.significant), bool),
            "invalid_significant", "significant", self.significant, "a bool",
        )  # fmt: skip
        _check(
            not (self.significant and self.restart == "permanent"),
            "bad_combination", "significant", self.significant,
            "False for a permanent child: it never ends for good",
        )  # fmt: skip
        _check(
            self.type in get_args(ChildType),
            "invalid_child_type", "type", self.type, "'worker' or 'supervisor'",
        )  # fmt: skip
        if self.shutdown is None:
            default: Shutdown = DEFAULT_SHUTDOWN if self.type == "worker" else "infinity"
            object.__setattr__(self, "shutdown", default)
        _check(
            self.shutdown in ("brutal_kill", "infinity") or _is_seconds(self.shutdown),
            "invalid_shutdown", "shutdown", self.shutdown,
            "seconds, at least 0, 'brutal_kill' or 'infinity'",
        )  # fmt: skip
        self._check_extras()

    def _check_extras(self) -> None:
        for option in ("start_timeout", "probe_every", "probe_timeout"):
            value = getattr(self, option)
            fits = (value is None and option == "start_timeout") or _is_seconds(value)
            _check(fits and value != 0, f"invalid_{option}", option, value, "seconds, more than 0")
        _check(
            self.backoff is None or isinstance(cast("object", self.backoff), Backoff),
            "invalid_backoff", "backoff", self.backoff, "a Backoff or None",
        )  # fmt: skip
        _check(
            self.keep_mailbox is None or isinstance(cast("object", self.keep_mailbox), bool),
            "invalid_keep_mailbox", "keep_mailbox", self.keep_mailbox, "a bool or None",
        )  # fmt: skip
        _check(
            self.probe is None or callable(self.probe),
            "invalid_probe", "probe", self.probe, "a function that makes a request, or None",
        )  # fmt: skip
        _check(
            isinstance(cast("object", self.fallbacks), tuple | list),
            "invalid_fallbacks", "fallbacks", self.fallbacks,
            "a tuple of actor classes, Props or SupervisorSpecs",
        )  # fmt: skip
        object.__setattr__(self, "fallbacks", tuple(self.fallbacks))
        for rung in self.fallbacks:
            _check_start("fallbacks", rung)
            _check_recipe(rung)
        _check(
            not (self.fallbacks and self.restart == "temporary"),
            "bad_combination", "fallbacks", self.fallbacks,
            "none for a temporary child: it is never restarted",
        )  # fmt: skip
        _check(
            self.probe is None or bool(self.fallbacks),
            "bad_combination", "probe", self.probe, "fallbacks that serve until it is answered",
        )  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """The children of a supervisor, and what happens when one ends (OTP's supervisor flags).

    :param children: in start order; for "simple_one_for_one" exactly one, the template.
    :param strategy: what else is restarted with a child: "one_for_one" nothing,
        "one_for_all" all others, "rest_for_one" those after it;
        "simple_one_for_one" is a pool of like children, made on demand.
    :param intensity: how many restarts are made within ``period``; one more ends
        the supervisor. One count for all children; a group's restart counts once,
        each failed attempt counts. 0: the first crash ends it.
    :param period: seconds.
    :param auto_shutdown: "never"; "any_significant": the supervisor ends when a
        significant child ends and is not restarted; "all_significant": when the last one does.
    :raises SpecError: for a value that cannot be, two children of one id, a
        significant child under "never", or a pool without exactly one child.
    """

    children: tuple[ChildSpec, ...] = ()
    _: KW_ONLY
    strategy: Strategy = "one_for_one"
    intensity: int = 1
    period: float = 5.0
    auto_shutdown: AutoShutdown = "never"

    def __init__(
        self,
        children: Iterable[ChildSpec] = (),
        *,
        strategy: Strategy = "one_for_one",
        intensity: int = 1,
        period: float = 5.0,
        auto_shutdown: AutoShutdown = "never",
    ) -> None:
        _check(
            strategy in get_args(Strategy),
            "invalid_strategy", "strategy", strategy, f"one of {get_args(Strategy)}",
        )  # fmt: skip
        _check(
            isinstance(cast("object", intensity), int)
            and not isinstance(cast("object", intensity), bool)
            and intensity >= 0,
            "invalid_intensity", "intensity", intensity, "an int of at least 0",
        )  # fmt: skip
        _check(
            _is_seconds(period) and period > 0,
            "invalid_period", "period", period, "seconds, more than 0",
        )  # fmt: skip
        _check(
            auto_shutdown in get_args(AutoShutdown),
            "invalid_auto_shutdown", "auto_shutdown", auto_shutdown,
            f"one of {get_args(AutoShutdown)}",
        )  # fmt: skip
        object.__setattr__(self, "strategy", strategy)
        object.__setattr__(self, "intensity", intensity)
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "auto_shutdown", auto_shutdown)
        given: dict[str, ChildSpec] = {}
        for child in _each(children):
            self.check_child(child)
            _check(
                child.id not in given,
                "duplicate_child_name", "children", child.id, "each id once",
            )  # fmt: skip
            given[child.id] = child
        object.__setattr__(self, "children", tuple(given.values()))
        for child in given.values():
            for rung in range(1, len(child.fallbacks) + 1):
                name = f"{child.id}~{rung}"
                _check(
                    name not in given,
                    "duplicate_child_name", "children", name,
                    f"an id that is not the name of a fallback of {child.id!r}",
                )  # fmt: skip
        if strategy == "simple_one_for_one":
            _check(
                len(given) == 1,
                "bad_start_spec", "children", self.children,
                "exactly one child for simple_one_for_one",
            )  # fmt: skip

    def check_child(self, child: ChildSpec) -> None:
        """Check that a child fits this supervisor.

        :raises SpecError: for a significant child under ``auto_shutdown="never"``.
        """
        _check(
            not (child.significant and self.auto_shutdown == "never"),
            "bad_combination", "significant", child.significant,
            f"False for {child.id!r} under auto_shutdown='never'",
        )  # fmt: skip


def child_props(start: Startable, *, keep_mailbox: bool | None = None) -> Props[Any]:
    """Make the recipe of a child's actor."""
    from dramaturg.supervision._supervisor import Supervisor  # noqa: PLC0415 - it needs specs

    if isinstance(start, SupervisorSpec):
        props: Props[Any] = Props(Supervisor, start)
    elif isinstance(start, Props):
        props = start
    else:
        props = Props(start)
    return props if keep_mailbox is None else props.using(keep_mailbox=keep_mailbox)


def _each(children: Iterable[object]) -> Iterator[ChildSpec]:
    _check(
        hasattr(children, "__iter__") and not isinstance(children, str | bytes),
        "bad_start_spec", "children", children, "ChildSpecs",
    )  # fmt: skip
    for child in children:
        _check(
            isinstance(child, ChildSpec),
            "invalid_child_spec", "children", child, "ChildSpecs",
        )  # fmt: skip
        yield cast("ChildSpec", child)


def _type_of(start: object) -> ChildType:
    if isinstance(start, SupervisorSpec):
        return "supervisor"
    cls = getattr(start, "actor_class", start)
    return "supervisor" if getattr(cls, "_supervises", False) is True else "worker"


def _check_id(id_: object) -> None:
    _check(id_ is not None, "missing_id", "id", id_, "a name")
    try:
        check_name(cast("str", id_))
    except InvalidNameError as error:
        raise SpecError(
            problem="invalid_id", option="id", value=id_, expected="a name that a path can hold"
        ) from error


def _check_start(option: str, start: object) -> None:
    expected = "an actor class, Props or a SupervisorSpec"
    _check(_is_startable(start), "invalid_start", option, start, expected)


def _check_recipe(start: Startable) -> None:
    """Check that a fallback can be made: it is needed when there is trouble enough."""
    if isinstance(start, SupervisorSpec):
        return
    props = start if isinstance(start, Props) else Props(start)
    cls = props.actor_class
    try:
        inspect.signature(cls.__init__).bind(None, *props.args, **props.kwargs)
    except ValueError:  # one that is written in C
        return
    except TypeError as error:
        raise SpecError(
            problem="invalid_fallbacks", option="fallbacks", value=start,
            expected=f"what {cls.__qualname__}.__init__ takes: {error}",
        ) from None  # fmt: skip


def _is_startable(start: object) -> bool:
    is_class = isinstance(start, type) and issubclass(start, pykka.Actor)
    return is_class or isinstance(start, Props | SupervisorSpec)


def _is_seconds(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= cast("float", value) < math.inf


def _check(fits: bool, problem: str, option: str, value: object, expected: str) -> None:  # noqa: FBT001
    if not fits:
        raise SpecError(problem=problem, option=option, value=value, expected=expected)
