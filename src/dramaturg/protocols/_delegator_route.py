"""Routes of a delegator: values, each checked alone when it is made, and all when put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast, final

from dramaturg.actors import Actor, ActorRef, Props, Refused, RoundRobin
from dramaturg.actors._timers import check_seconds
from dramaturg.protocols._delegator_choice import AgentChoice, is_choice
from dramaturg.protocols._delegator_messages import RouteError
from dramaturg.protocols.workflows._retry import NO_RETRY, Retry
from dramaturg.supervision import ChildSpec

__all__ = ["AGENTS", "AgentSpec", "Route", "Routes", "path_of"]

AgentSpec: TypeAlias = "ActorRef[Any] | str | ChildSpec | Props[Any] | type[Actor]"
"""Who is to do a task: an actor that lives elsewhere (its ref, or its path), or one that the
delegator starts as a supervised child (:class:`ChildSpec`, ``Props``, or a class)."""
AGENTS = "agents"
"""The name of the supervisor of a delegator's own agents."""


@final
@dataclass(frozen=True, slots=True, init=False)
class Route:
    """Who does which tasks, and what happens when they fail.

    ::

        Route(Translate, agents=[Props(Translator), "/pool"], retry=Retry(attempts=2))
        Route(Translate, when=lambda task: task.language == "de", agents=[german])
        Route(capability="summarise", agents=[summariser], fallback=human)

    A task goes to the first route that fits: by its capability, if it names one (:class:`Delegate`,
    or an attribute ``capability``) and some route has one; else by its type, the nearest base class
    first. Of several routes for one type, each but the last has a ``when``.

    :param task: a type of tasks, subclasses included; default all types.
    :param capability: a text; instead of a type.
    :param when: whether it is for this task; quick, and without effects.
    :param agents: who is asked; at least one, and no actor twice. Of a class or ``Props`` each
        place makes an actor: naming it twice makes two, which share the work.
    :param fallback: who is asked when all of them have failed.
    :param choose: who of the agents is asked first; default each in turn.
    :param retry: when the same agent is asked again; default never.
    :param timeout: seconds for each attempt; default what is left of the caller's deadline.
    :param final: errors that are an answer: they go to the caller as they are, and nobody else is
        asked. Default: a declared no.
    :param handler: is sent :class:`FailedTask` when nobody is left, and answers in their place;
        default: the caller gets :class:`DelegationFailed`.
    :raises RouteError: for a value that cannot be.
    """

    task: type | None
    capability: str | None
    when: Callable[[Any], object] | None
    agents: tuple[AgentSpec, ...]
    fallback: AgentSpec | None
    choose: AgentChoice
    retry: Retry
    timeout: float | None
    final: tuple[type[BaseException], ...]
    handler: AgentSpec | None

    def __init__(
        self,
        task: type | None = None,
        *,
        agents: Sequence[AgentSpec],
        capability: str | None = None,
        when: Callable[[Any], object] | None = None,
        fallback: AgentSpec | None = None,
        choose: AgentChoice | None = None,
        retry: Retry = NO_RETRY,
        timeout: float | None = None,
        final: tuple[type[BaseException], ...] = (Refused,),
        handler: AgentSpec | None = None,
    ) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("task", object if task is None and capability is None else task)
        put("capability", capability)
        put("when", when)
        put("agents", tuple(agents) if isinstance(cast("object", agents), list | tuple) else agents)
        put("fallback", fallback)
        put("choose", RoundRobin() if choose is None else choose)
        put("retry", retry)
        put("timeout", timeout)
        put("final", final)
        put("handler", handler)
        self._check()

    def __str__(self) -> str:
        kind = f"capability={self.capability!r}" if self.task is None else self.task.__qualname__
        return f"Route({kind}{'' if self.when is None else ', when=...'})"

    def _check(self) -> None:
        task = cast("object", self.task)
        if task is not None and not isinstance(task, type):
            raise self._wrong(f"is for {task!r}", "a class of tasks")
        if (self.task is None) == (self.capability is None):
            raise self._wrong("has a type and a capability", "one of them")
        capability = cast("object", self.capability)
        if capability is not None and not (isinstance(capability, str) and capability):
            raise self._wrong(f"has the capability {capability!r}", "a text")
        if self.when is not None and not callable(cast("object", self.when)):
            raise self._wrong(f"has when={self.when!r}", "a function of the task")
        self._check_agents()
        if not is_choice(self.choose):
            raise self._wrong(f"has choose={self.choose!r}", "a logic like InOrder()")
        if not isinstance(cast("object", self.retry), Retry):
            raise self._wrong(f"has retry={self.retry!r}", "a Retry")
        if self.timeout is not None and not check_seconds("timeout", self.timeout):
            raise self._wrong("has timeout=0", "more than 0 seconds")
        errors = cast("object", self.final)
        if not isinstance(errors, tuple) or not all(
            isinstance(each, type) and issubclass(each, BaseException)
            for each in cast("tuple[object, ...]", errors)
        ):
            raise self._wrong(f"has final={errors!r}", "a tuple of exception classes")

    def _check_agents(self) -> None:
        agents = cast("object", self.agents)
        if not isinstance(agents, tuple) or not agents:
            raise self._wrong(f"has agents={agents!r}", "at least one, in a list")
        others = [each for each in (self.fallback, self.handler) if each is not None]
        for each in (*self.agents, *others):
            if not _is_agent(each):
                raise self._wrong(
                    f"has the agent {each!r}", 'a ref, a path "/...", a ChildSpec, Props or a class'
                )
        known = [path_of(each, "") for each in (*self.agents, *others) if not _is_recipe(each)]
        for each in known:
            if known.count(each) > 1:
                raise self._wrong(f"has the agent {each} twice", "each agent once")

    def _wrong(self, problem: str, expected: str) -> RouteError:
        is_named = self.task is None or isinstance(cast("object", self.task), type)
        route = str(self) if is_named else "Route(...)"
        return RouteError(route=route, problem=problem, expected=expected)


def _is_recipe(agent: AgentSpec) -> bool:
    """Tell whether a new actor is made of it wherever it stands."""
    return isinstance(agent, Props | type)


def _is_agent(given: object) -> bool:
    if isinstance(given, str):
        return given.startswith("/")
    if isinstance(given, type):
        return issubclass(given, Actor)
    return isinstance(given, ActorRef | ChildSpec | Props)


@final
class Routes:
    """All routes of a delegator, checked together, and its own agents by name.

    :param tasks: every type of task that is to come; then each has a route, and each route a task.
    :raises RouteError: for routes that could never be chosen, tasks without a route, or two
        different agents under one id.
    """

    __slots__ = ("_by_capability", "_by_type", "all", "children", "given")

    def __init__(self, routes: Sequence[Route], tasks: Sequence[type] = ()) -> None:
        given = cast("object", routes)
        if not isinstance(given, list | tuple) or not routes:
            raise RouteError(route="a delegator", problem=f"has {routes!r}", expected="some routes")
        for each in routes:
            if not isinstance(cast("object", each), Route):
                raise RouteError(route="a delegator", problem=f"has {each!r}", expected="a Route")
        self.children: dict[str, ChildSpec] = {}
        self.given: dict[str, ActorRef[Any]] = {}
        """Agents that were given as refs, by path."""
        self.all = tuple(self._named(each) for each in routes)
        self._by_type: dict[type, list[Route]] = {}
        self._by_capability: dict[str, list[Route]] = {}
        for each in self.all:
            self._add(each)
        self._check_tasks(tasks)

    def _add(self, route: Route) -> None:
        if route.task is not None:
            shelf = self._by_type.setdefault(route.task, [])
        else:
            shelf = self._by_capability.setdefault(cast("str", route.capability), [])
        if shelf and shelf[-1].when is None:
            if route.when is None:
                raise RouteError(route=str(route), problem="is there twice", expected="one")
            raise RouteError(
                route=str(route),
                problem="can never be chosen, since one without `when` comes first",
                expected="the one without `when` as the last",
            )
        shelf.append(route)

    def _check_tasks(self, tasks: Sequence[type]) -> None:
        reached: set[int] = set()
        for task in tasks:
            if not isinstance(cast("object", task), type):
                raise RouteError(route="tasks", problem=f"has {task!r}", expected="classes")
            found = self._for_type(task)
            capability = getattr(task, "capability", None)
            if isinstance(capability, str) and self._by_capability:
                found = self._by_capability.get(capability, [])
            if not found:
                raise RouteError(
                    route=task.__qualname__, problem="has no route", expected="at least one"
                )
            reached |= {id(each) for each in found}
        for route in self.all if tasks else ():
            if route.task is not None and id(route) not in reached:
                raise RouteError(
                    route=str(route), problem="can never be chosen", expected="one of the tasks"
                )

    def _for_type(self, cls: type) -> list[Route]:
        """Return the routes that a task of this class may take, up to the one that takes all."""
        found: list[Route] = []
        for base in cls.__mro__:
            for route in self._by_type.get(base, ()):
                found.append(route)
                if route.when is None:
                    return found
        return found

    def find(self, task: object, capability: str | None) -> Route | None:
        """Return the route for a task; None if there is none. Raises what a ``when`` raises."""
        if capability is None and self._by_capability:
            own = getattr(task, "capability", None)
            capability = own if isinstance(own, str) else None
        if capability is not None:
            candidates = self._by_capability.get(capability, [])
        else:
            candidates = self._for_type(type(task))
        for route in candidates:
            if route.when is None or route.when(task):
                return route
        return None

    # -- agents of its own

    def _named(self, route: Route) -> Route:
        """Return the route with a spec for each agent that is to be started."""
        named = object.__new__(Route)
        for name in Route.__slots__:
            object.__setattr__(named, name, getattr(route, name))
        object.__setattr__(named, "agents", tuple(self._spec(each) for each in route.agents))
        for name in ("fallback", "handler"):
            one: AgentSpec | None = getattr(route, name)
            object.__setattr__(named, name, None if one is None else self._spec(one))
        return named

    def _spec(self, agent: AgentSpec) -> ActorRef[Any] | str | ChildSpec:
        if isinstance(agent, ActorRef):
            self.given[agent.path] = agent
        if isinstance(agent, ActorRef | str):
            return agent
        if isinstance(agent, ChildSpec):
            known = self.children.setdefault(agent.id, agent)
            if known != agent:
                raise RouteError(
                    route=f"ChildSpec({agent.id!r})",
                    problem="is there twice, and differs",
                    expected="an id for each agent",
                )
            return known
        cls: type[Any] = agent if isinstance(agent, type) else agent.actor_class
        name, number = cls.__name__, 1
        while name in self.children:
            number += 1
            name = f"{cls.__name__}-{number}"
        self.children[name] = ChildSpec(name, agent)
        return self.children[name]


def path_of(agent: AgentSpec, delegator: str) -> str:
    """Return the path of an agent that has a name."""
    if isinstance(agent, ChildSpec):
        return f"{delegator}/{AGENTS}/{agent.id}"
    return agent if isinstance(agent, str) else cast("ActorRef[Any]", agent).path
