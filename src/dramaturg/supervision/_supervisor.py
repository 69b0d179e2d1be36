"""The supervisor: the actor, and what it can be asked; what it does is in ``_team``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from dramaturg.actors import Actor, ActorRef, handler
from dramaturg.supervision._child import Child, is_ignored
from dramaturg.supervision._errors import (
    AlreadyPresent,
    AlreadyStarted,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    ChildStartFailed,
    PoolRefused,
    SpecError,
    SpecRefused,
)
from dramaturg.supervision._messages import (
    ChildCounts,
    ChildInfo,
    ChildStarted,
    CountChildren,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    StartChild,
    StartInstance,
    TerminateChild,
    WhichChildren,
)
from dramaturg.supervision._spec import ChildSpec, SupervisorSpec, child_props
from dramaturg.supervision._team import Team

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._health import HealthNote
    from dramaturg.actors._incarnation import ChildExit

__all__ = ["Supervisor"]


class Supervisor(Actor):
    """Starts, watches, restarts and stops children.

    ::

        spec = SupervisorSpec([ChildSpec("till", Till), ChildSpec("stock", Props(Stock, 100))])
        shop = system.spawn(Props(Supervisor, spec), name="shop")
        await shop.started()

    Children start one after the other, in the order of the specs, and stop in the
    reverse order. ``shop.started()`` is done when all are up; if one fails to
    start, those before it are stopped again and the supervisor does not come up.
    Requests: :class:`StartChild`, :class:`TerminateChild`, :class:`RestartChild`,
    :class:`DeleteChild`, :class:`WhichChildren`, :class:`CountChildren`,
    :class:`GetChildSpec`; for pools :class:`StartInstance`.

    A supervisor that gives up stops its children and ends with "shutdown". Its
    own supervisor then follows its spec; at the top of the tree the system's
    ``wait()`` raises :class:`RestartLimitReached`; below an actor that is no
    supervisor that actor fails with it.

    An order to stop is obeyed in its turn, behind the requests and the ends of children
    that came before it (OTP: one mailbox). Requests that it does not come to any more
    fail with ``ActorStopped``, also when it is restarted.

    A subclass may make the spec itself, see :meth:`init`, and have handlers of its
    own; it must not block them on its children.

    :param spec: the children, and what happens when one ends.
    :raises SpecError: if that is no :class:`SupervisorSpec`.
    """

    _supervises: ClassVar[bool] = True
    keep_mailbox: ClassVar[bool] = False

    def __init__(self, spec: SupervisorSpec | None = None) -> None:
        if spec is not None and not isinstance(cast("object", spec), SupervisorSpec):
            raise _no_spec(spec)
        self._given = spec
        self._instances = 0
        self._team: Team | None = None

    def init(self) -> SupervisorSpec:
        """Return the spec; called at each start of the supervisor (OTP's ``Module:init/1``).

        Raising fails the start; raising :class:`dramaturg.actors.Ignore` asks not to be started.
        """
        return SupervisorSpec() if self._given is None else self._given

    async def on_start(self) -> None:
        """Start the children; see the class. A subclass that overrides it calls it."""
        spec = self.init()
        if not isinstance(cast("object", spec), SupervisorSpec):
            raise _no_spec(spec)
        self._team = Team(self._cell, spec)
        await self._team.start_all()

    # -- what the runtime asks -----------------------------------------------------------

    async def _stop_children(self) -> None:
        if self._team is not None:
            await self._team.stop_children()

    def _forget_plans(self) -> None:
        if self._team is not None:
            self._team.forget_plans()

    def _child_exited(self, exit_: ChildExit) -> Any:
        return None if self._team is None else self._team.child_exited(exit_)

    def _restarts_at_once(self, child: Cell) -> bool:
        return self._team is not None and self._team.restarts_at_once(child)

    def _report_health(self) -> HealthNote | None:
        return None if self._team is None else self._team.health()

    @property
    def _running(self) -> Team:
        return cast("Team", self._team)

    # -- requests ------------------------------------------------------------------------

    @handler
    async def _start_child(self, message: StartChild) -> ChildStarted:
        spec = message.spec
        if self._running.is_pool:
            raise PoolRefused(path=self.context.path, child=spec.id)
        try:
            self._running.spec.check_child(spec)
        except SpecError as error:
            raise SpecRefused(
                path=self.context.path, child=spec.id, problem=error.problem
            ) from error
        self._refuse_present(spec.id)
        child = self._running.add(spec)
        return await self._first_start(child, forget=True)

    @handler
    async def _start_instance(self, message: StartInstance) -> ChildStarted:
        template = self._running.spec.children[0] if self._running.is_pool else None
        if template is None:
            raise ChildNotFound(path=self.context.path, child="(a pool's template)")
        name = message.name
        if name is None:
            self._instances += 1
            name = f"{template.id}-{self._instances}"
            while name in self._running.children:
                self._instances += 1
                name = f"{template.id}-{self._instances}"
        else:
            self._refuse_present(name)
        props = child_props(template.start, keep_mailbox=template.keep_mailbox)
        if message.args or message.kwargs:
            kwargs = {**props.kwargs, **message.kwargs}
            options = props.options
            cls: Any = props.actor_class
            props = type(props)(cls, *props.args, *message.args, **kwargs).using(**options)
        child = self._running.add(template, name, props)
        return await self._first_start(child, forget=True)

    def _refuse_present(self, id_: str) -> None:
        present = self._running.children.get(id_)
        if present is None:
            return
        if present.ref is not None:
            raise AlreadyStarted(path=self.context.path, child=id_, ref=present.ref)
        raise AlreadyPresent(path=self.context.path, child=id_)

    async def _first_start(self, child: Child, *, forget: bool) -> ChildStarted:
        error = await self._running.start(child)
        if error is None:
            return ChildStarted(child.ref, child.info)
        if is_ignored(error):
            self._running.settle_ignored(child)
            return ChildStarted(None)
        if forget:
            self._running.forget(child)
        else:
            child.release()
        raise ChildStartFailed(path=self.context.path, child=child.id, error=error) from error

    @handler
    async def _terminate_child(self, message: TerminateChild) -> None:
        child = self._find(message.child)
        if child is None:
            return
        was_due = child.restarting
        child.forget_restart()
        await self._running.stop(child)
        if child.spec.restart == "temporary" or self._running.is_pool:
            self._running.forget(child)
        else:
            child.release()
        if was_due:
            # Nobody starts the rest of its group any more.
            for each in self._running.children.values():
                if not each.alive and not each.restarting:
                    each.release()

    @handler
    async def _restart_child(self, message: RestartChild) -> ChildStarted:
        child = self._find_idle(message.child)
        return await self._first_start(child, forget=False)

    @handler
    async def _delete_child(self, message: DeleteChild) -> None:
        self._running.forget(self._find_idle(message.child))

    @handler
    def _which_children(self, message: WhichChildren) -> tuple[ChildInfo, ...]:  # noqa: ARG002
        return tuple(
            ChildInfo(
                id=child.id,
                ref=child.ref,
                state="running" if child.alive else "restarting" if child.restarting else "down",
                type=child.spec.type or "worker",
            )
            for child in self._running.children.values()
        )

    @handler
    def _count_children(self, message: CountChildren) -> ChildCounts:  # noqa: ARG002
        children = self._running.children.values()
        supervisors = sum(child.spec.type == "supervisor" for child in children)
        return ChildCounts(
            specs=1 if self._running.is_pool else len(children),
            active=sum(child.is_active(of_pool=self._running.is_pool) for child in children),
            supervisors=supervisors,
            workers=len(children) - supervisors,
        )

    @handler
    def _get_child_spec(self, message: GetChildSpec) -> ChildSpec:
        if self._running.is_pool:
            template = self._running.spec.children[0]
            if message.child == template.id:
                return template
            if isinstance(message.child, str):
                raise ChildNotFound(path=self.context.path, child=message.child)
        child = self._find(message.child)
        if child is None:
            raise ChildNotFound(path=self.context.path, child=message.child)
        return child.spec

    def _find(self, wanted: str | ActorRef[Any]) -> Child | None:
        """Find a child by id or ref; None for an instance of a pool that is gone already."""
        if isinstance(wanted, ActorRef):
            child = self._running.by_cell.get(wanted.cell)
            if child is None and not (wanted.cell.parent is self._cell and not wanted.is_alive()):
                raise ChildNotFound(path=self.context.path, child=wanted)
            return child
        if self._running.is_pool:
            raise PoolRefused(path=self.context.path, child=wanted)
        child = self._running.children.get(wanted)
        if child is None:
            raise ChildNotFound(path=self.context.path, child=wanted)
        return child

    def _find_idle(self, id_: str) -> Child:
        """Find a child that has a spec and does not run."""
        child = self._find(id_)
        if child is None or self._running.is_pool:
            raise PoolRefused(path=self.context.path, child=id_)
        if child.alive:
            raise ChildRunning(path=self.context.path, child=id_)
        if child.restarting:
            raise ChildRestarting(path=self.context.path, child=id_)
        return child


def _no_spec(value: object) -> SpecError:
    return SpecError(problem="bad_return", option="spec", value=value, expected="a SupervisorSpec")
