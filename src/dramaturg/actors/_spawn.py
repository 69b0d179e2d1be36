"""Making an actor: its cell, its dispatcher, its place in the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import pykka

from dramaturg.actors import _pykka_contract as pykka_contract, _report as report
from dramaturg.actors._actor import Actor, ThreadActor
from dramaturg.actors._cell import Cell
from dramaturg.actors._errors import DuplicateNameError, OptionError, StartFailed, said
from dramaturg.actors._exit_reason import SHUTDOWN
from dramaturg.actors._letters import stopped_error
from dramaturg.actors._lifecycle import Start, Stop
from dramaturg.actors._mailbox import UNBOUNDED, ThreadQueue, Unbounded
from dramaturg.actors._paths import check_name
from dramaturg.actors._props import Props
from dramaturg.actors._ref import ActorRef
from dramaturg.actors._standing_in import serve_for
from dramaturg.actors._state import RUNNING, State
from dramaturg.actors._thread import ThreadDispatcher
from dramaturg.actors._timers import cancel_all
from dramaturg.actors._tree import detach, make_actor
from dramaturg.actors._watch import unwatch_all

if TYPE_CHECKING:
    from dramaturg.actors._system import ActorSystem

__all__ = ["lay_down", "resolved", "spawn", "spawn_in_pykkas_way", "take_over"]

A = TypeVar("A", bound="Actor | pykka.Actor")
_NO_OPTIONS: dict[str, Any] = {}


def spawn(
    system: ActorSystem, parent: Cell, actor: Props[A] | type[A], name: str | None
) -> ActorRef[A]:
    """See :meth:`ActorSystem.spawn`."""
    cell, cls = _make_cell(system, parent, actor, name)
    _make_actor(cell)
    _begin(cell, cls)
    return cell.ref


def lay_down(parent: Cell, actor: Props[Any] | type[Any], name: str) -> Cell:
    """Make a supervisor's child that is DOWN, before its first incarnation.

    :raises: as :meth:`ActorSystem.spawn`, but for :class:`StartFailed`.
    """
    cell, _ = _make_cell(parent.system, parent, actor, name)
    cell.state = State.DOWN
    cell.attention = True
    cell.incarnation = 0
    cell.idle = True
    return cell


def take_over(old: Cell) -> Cell:
    """Make a cell that is DOWN and takes over ref, place, mailbox and watchers of the old one.

    The very mailbox, with its door: so nothing changes its place in the queue, and what
    a sender puts in who has loaded the old cell from the ref is in the right one.
    """
    cell = Cell(old.system, old.parent, old.name, old.props)
    cls = old.actor_class
    options = old.props.options if isinstance(old.props, Props) else _NO_OPTIONS
    cell.throughput = cls.throughput
    cell.incarnation = old.incarnation
    cell.attention = True
    _set_options(cell, cls, options)
    _set_dispatcher(cell, cls)
    extra, before = cell.more(), old.more()
    extra.restarts, extra.restarted_at = before.restarts, before.restarted_at
    parent = old.parent
    with old.system.lock:
        cell.state, old.state = old.state, State.STOPPED
        if parent is not None and parent.children and parent.children.get(old.name) is old:
            parent.children[old.name] = cell
        cell.mailbox, old.mailbox = old.mailbox, []
        cell.batch, old.batch = old.batch, None
        cell.open()
        cell.ref = old.ref
        old.ref.cell = cell
        # Such a sender has to come to see that the old cell has stopped.
        old.put = cell.post
        old.idle = True
        extra.watchers, before.watchers = before.watchers, {}
        for watcher in extra.watchers:
            watching = watcher.more().watching
            if old in watching:
                watching[cell] = watching.pop(old)
    extra.front = before.front
    if before.stand_in is not None:
        serve_for(cell, before.stand_in)
    cell.idle = True
    return cell


def spawn_in_pykkas_way(
    system: ActorSystem, cls: type[Actor], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ActorRef[Any]:
    """See :meth:`Actor.start`: as pykka does, ``__init__`` raises to the caller as it is."""
    cell, cls = _make_cell(system, system.root, Props(cls, *args, **kwargs), None)
    try:
        make_actor(cell)
    except BaseException:
        _undo(cell)
        raise
    pykka_contract.adopt(cell)
    _begin(cell, cls)
    return cell.ref


def _make_cell(
    system: ActorSystem, parent: Cell, actor: Props[Any] | type[Any], name: str | None
) -> tuple[Cell, type[Actor]]:
    actor, cls = resolved(actor)
    options = actor.options if isinstance(actor, Props) else _NO_OPTIONS
    cell = Cell(system, parent, system.next_name(cls) if name is None else check_name(name), actor)
    cell.ref = ActorRef(cell)
    cell.throughput = cls.throughput
    if options or cls.mailbox is not UNBOUNDED or cls.policy is not None or not cls.keep_mailbox:
        _set_options(cell, cls, options)
    _set_dispatcher(cell, cls)
    with system.lock:
        if system.stopped or (parent.state is not RUNNING and parent.state >= State.RESTARTING):
            # While it restarts its children are stopping: nobody would tell this one.
            detail = "is restarting" if parent.state is State.RESTARTING else "has stopped"
            raise stopped_error(parent, detail)
        if parent.children is None:
            parent.children = {}
        while parent.children.setdefault(cell.name, cell) is not cell:
            if name is not None:
                raise DuplicateNameError(path=cell.path)
            cell.name = system.next_name(cls)
            cell.where = None
        system.count_one_more()
    return cell, cls


def resolved(
    actor: Props[Any] | type[Any],
) -> tuple[Props[Any] | type[Any], type[Actor]]:
    """Return the recipe and the class in it, which supervises a plain pykka actor if need be."""
    cls = actor.actor_class if isinstance(actor, Props) else actor
    # An attribute tells it faster than issubclass does for abstract classes.
    if isinstance(cls, type) and hasattr(cls, "_kind"):
        return actor, cls
    cls = _adopted(cls)
    return _with_class(actor, cls), cls


def _adopted(cls: Any) -> type[Actor]:
    """Make a supervised class of a plain pykka.ThreadingActor subclass.

    Its own methods come first, then ours in the place of pykka's.
    """
    if isinstance(cls, type) and issubclass(cls, pykka.ThreadingActor):
        return type(cls.__name__, (cls, ThreadActor), {"__module__": cls.__module__})
    raise OptionError(
        option="actor",
        value=cast("object", cls),
        expected="an Actor, ThreadActor or pykka.ThreadingActor class",
    )


def _with_class(actor: Props[Any] | type[Any], cls: type[Actor]) -> Props[Any] | type[Actor]:
    if not isinstance(actor, Props):
        return cls
    return Props(cls, *actor.args, **actor.kwargs).using(**actor.options)


def _set_options(cell: Cell, cls: type[Actor], options: dict[str, Any]) -> None:
    cell.throughput = options.get("throughput", cls.throughput)
    mailbox = options.get("mailbox", cls.mailbox)
    if mailbox.__class__ is not Unbounded:
        cell.mailbox = queue = mailbox.create(cell)
        if queue is not None:
            cell.put = cell.system.door(queue.put)
    policy = options.get("policy", cls.policy)
    if policy is not None:
        cell.more().policy = policy
    keep_mailbox = options.get("keep_mailbox", cls.keep_mailbox)
    if not keep_mailbox:
        cell.more().keep_mailbox = False


def _set_dispatcher(cell: Cell, cls: type[Actor]) -> None:
    system = cell.system
    if cls._kind == "thread":
        name = f"{cls.__name__}-{cell.name.rpartition('-')[2]}"
        daemon = cast("type[ThreadActor]", cls).use_daemon_thread
        cell.dispatcher = ThreadDispatcher(name, daemon=daemon)
        if cell.mailbox.__class__ is list:
            cell.mailbox = ThreadQueue()
            cell.open()
        cell.more().thread = cell.dispatcher
    elif cls._kind == "task" or cls.loop_bound:
        cell.dispatcher = system.tasks
    else:
        cell.dispatcher = system.direct


def _make_actor(cell: Cell) -> None:
    try:
        make_actor(cell)
    except BaseException as error:
        _undo(cell)
        failed = StartFailed(path=cell.path, cause=said(error))
        if not isinstance(error, Exception):
            raise
        raise failed from error


def _undo(cell: Cell) -> None:
    """Take a cell out of the tree whose actor could not be made."""
    for child in tuple((cell.children or {}).values()):
        child.signal(Stop(SHUTDOWN))
    cancel_all(cell)
    unwatch_all(cell)
    cell.more().never_up = True
    with cell.system.lock:
        cell.put = cell.refuse
    waiters = detach(cell) or ()
    cell.flush()
    for future in waiters:
        future.complete(True, None)  # noqa: FBT003 - pykka's answer: it was alive


def _begin(cell: Cell, cls: type[Actor]) -> None:
    """Let the cell run: until now it was not idle, so that nobody could."""
    if cell.extra is not None and cell.extra.thread is not None:
        try:
            cell.extra.thread.start()
        except BaseException:  # the machine has no more threads
            _undo(cell)
            raise
    if cls.on_start is not Actor.on_start:
        cell.state = State.STARTING
        cell.signal(Start())
    else:
        report.started(cell)
    cell.idle = True
    if cell.mailbox or cell.control:
        cell.dispatcher.schedule(cell)
