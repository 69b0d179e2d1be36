"""Bugs in supervisors: who is restarted, with whom, how often, and what is called off."""

from collections.abc import Iterable, Sequence
from typing import Any

from dramaturg.actors._cell import Cell
from dramaturg.actors._incarnation import ChildExit
from dramaturg.actors._lifecycle import Stop
from dramaturg.actors._system import ActorSystem
from dramaturg.actors._tree import make_actor
from dramaturg.supervision import Backoff, RestartPlan, _strategy as strategies
from dramaturg.supervision._child import Child
from dramaturg.supervision._messages import DeleteChild, TerminateChild
from dramaturg.supervision._strategy import ChildView
from dramaturg.supervision._supervisor import Supervisor
from dramaturg.supervision._team import Team
from dramaturg.supervision._window import RestartWindow
from tests.simulated.planted.plant import Bug, function, handling, method


def _one_less(exceeded: Any) -> Any:
    return property(lambda self: len(self.old) - self.first + self.new_length >= self.intensity)


def _one_more(exceeded: Any) -> Any:
    return property(lambda self: len(self.old) - self.first + self.new_length > self.intensity + 1)


def _open_at_its_edge(add: Any) -> Any:
    def buggy(self: RestartWindow, now: float) -> RestartWindow:
        kept = tuple(each for each in self._key()[2] if each > now - self.period)
        return RestartWindow(self.intensity, self.period, (*kept, now))

    return buggy


def _never_forgets(add: Any) -> Any:
    def buggy(self: RestartWindow, now: float) -> RestartWindow:
        return RestartWindow(self.intensity, self.period, (*self._key()[2], now))

    return buggy


def _whole_seconds(add: Any) -> Any:
    def buggy(self: RestartWindow, now: float) -> RestartWindow:
        # As OTP does.
        kept = tuple(each for each in self._key()[2] if int(each) >= int(now) - self.period)
        return RestartWindow(self.intensity, self.period, (*kept, now))

    return buggy


def _forward(stop_order: Any) -> Any:
    def buggy(children: Iterable[ChildView]) -> tuple[str, ...]:
        return tuple(child.id for child in children if child.alive)

    return buggy


def _restarts_temporary(after_exit: Any) -> Any:
    def buggy(restart: str, *, clean: bool) -> Any:
        return "keep" if restart == "transient" and clean else "restart"

    return buggy


def _restarts_what_has_finished(after_exit: Any) -> Any:
    def buggy(restart: str, *, clean: bool) -> Any:
        return "forget" if restart == "temporary" else "restart"

    return buggy


def _leaves_what_has_finished(after_exit: Any) -> Any:
    def buggy(restart: str, *, clean: bool) -> Any:
        return "keep" if clean and restart != "temporary" else after_exit(restart, clean=clean)

    return buggy


def _leaves_the_transient(after_exit: Any) -> Any:
    def buggy(restart: str, *, clean: bool) -> Any:
        return "keep" if restart == "transient" else after_exit(restart, clean=clean)

    return buggy


def _rest_is_one_less(plan_restart: Any) -> Any:
    def buggy(strategy: str, children: Sequence[ChildView], failed: str) -> RestartPlan:
        plan: RestartPlan = plan_restart(strategy, children, failed)
        if strategy != "rest_for_one" or len(plan.start) < 3:
            return plan
        last = plan.start[-1]
        stop = tuple(each for each in plan.stop if each != last)
        return RestartPlan(stop, plan.forget, plan.start[:-1])

    return buggy


def _rest_is_one_more(plan_restart: Any) -> Any:
    def buggy(strategy: str, children: Sequence[ChildView], failed: str) -> RestartPlan:
        if strategy == "rest_for_one":
            place = [each.id for each in children].index(failed)
            before = children[max(0, place - 1)].id
            plan: RestartPlan = plan_restart(strategy, children, before)
            alive = before != failed and children[max(0, place - 1)].alive
            return RestartPlan(
                (*plan.stop, before) if alive else plan.stop, plan.forget, plan.start
            )
        whole: RestartPlan = plan_restart(strategy, children, failed)
        return whole

    return buggy


def _starts_the_temporary(plan_restart: Any) -> Any:
    def buggy(strategy: str, children: Sequence[ChildView], failed: str) -> RestartPlan:
        plan: RestartPlan = plan_restart(strategy, children, failed)
        started = {*plan.start, *plan.forget}
        order = tuple(each.id for each in children if each.id in started)
        return RestartPlan(plan.stop, (), order)

    return buggy


def _leaves_the_temporary(plan_restart: Any) -> Any:
    def buggy(strategy: str, children: Sequence[ChildView], failed: str) -> RestartPlan:
        plan: RestartPlan = plan_restart(strategy, children, failed)
        stop = tuple(each for each in plan.stop if each not in plan.forget)
        return RestartPlan(stop, (), plan.start)

    return buggy


def _all_is_one(plan_restart: Any) -> Any:
    def buggy(strategy: str, children: Sequence[ChildView], failed: str) -> RestartPlan:
        return RestartPlan(start=(failed,))

    return buggy


def _starts_backwards(plan_restart: Any) -> Any:
    def buggy(strategy: str, children: Sequence[ChildView], failed: str) -> RestartPlan:
        plan: RestartPlan = plan_restart(strategy, children, failed)
        return RestartPlan(plan.stop, plan.forget, plan.start[::-1])

    return buggy


def _keeps_what_is_due(forget: Any) -> Any:
    def buggy(self: Child) -> None:
        pass

    return buggy


def _trusts_stale_news(child_exited: Any) -> Any:
    def buggy(self: Team, exit_: ChildExit) -> Any:
        child = self.by_cell.get(exit_.cell)
        if child is not None and child.alive:
            child.incarnation = exit_.incarnation
        return child_exited(self, exit_)

    return buggy


def _is_surprised_by_what_it_ordered(child_exited: Any) -> Any:
    def buggy(self: Team, exit_: ChildExit) -> Any:
        child = self.by_cell.get(exit_.cell)
        if child is not None and child.incarnation == exit_.incarnation:
            child.alive = True
        return child_exited(self, exit_)

    return buggy


def _does_not_wait_for_the_end(stop: Any) -> Any:
    async def buggy(self: Team, child: Child) -> None:
        if child.alive:
            child.tell_to_stop()

    return buggy


def _counts_no_second_try(try_again: Any) -> Any:
    def buggy(self: Team, child: Child, cause: BaseException | None) -> Any:
        if child.restarting and self.children.get(child.id) is child:
            return self._make_attempt(child, cause)
        return None

    return buggy


def _gives_a_failed_start_up(settle: Any) -> Any:
    def buggy(self: Team, child: Child, error: BaseException | None) -> bool:
        return error is None and bool(settle(self, child, error))

    return buggy


def _goes_on_after_a_failed_start(settle: Any) -> Any:
    def buggy(self: Team, child: Child, error: BaseException | None) -> bool:
        settle(self, child, error)
        return True

    return buggy


def _restarts_at_once_for_nothing(restarts: Any) -> Any:
    def buggy(self: Team, cell: Cell) -> bool:
        before = self._window
        done = bool(restarts(self, cell))
        self._window = before
        return done

    return buggy


def _restarts_at_once_alone(restarts: Any) -> Any:
    def buggy(self: Team, cell: Cell) -> bool:
        kind, self._one_for_one = self._one_for_one, True
        try:
            return bool(restarts(self, cell))
        finally:
            self._one_for_one = kind

    return buggy


def _restarts_at_once_the_temporary(restarts: Any) -> Any:
    def buggy(self: Team, cell: Cell) -> bool:
        child = self.by_cell.get(cell)
        if child is None or child.spec.restart != "temporary":
            return bool(restarts(self, cell))
        child.incarnation = cell.incarnation + 1
        return True

    return buggy


def _gives_up_and_stays(give_up: Any) -> Any:
    def buggy(self: Team, child: Child, cause: BaseException | None) -> None:
        child.forget_restart()

    return buggy


def _gives_up_unseen(note_failure: Any) -> Any:
    def buggy(self: ActorSystem, error: BaseException) -> None:
        """Tell nobody that the system has failed."""

    return buggy


def _leaves_its_children(stop_children: Any) -> Any:
    async def buggy(self: Team) -> None:
        for child in list(self.children.values())[1:]:
            await self.stop(child)

    return buggy


def _stops_forward(stop_children: Any) -> Any:
    async def buggy(self: Team) -> None:
        order = dict(self.children)
        self.children = dict(reversed(order.items()))
        await stop_children(self)
        self.children = order

    return buggy


def _counts_no_incarnation(made: Any) -> Any:
    def buggy(cell: Cell) -> None:
        cell.incarnation = min(cell.incarnation, 2)
        made(cell)

    return buggy


def _terminates_what_is_due_later(terminate: Any) -> Any:
    async def buggy(actor: Any, message: TerminateChild) -> None:
        child = actor._find(message.child)
        if child is not None and child.alive:
            await terminate(actor, message)

    return buggy


def _terminates_without_waiting(terminate: Any) -> Any:
    async def buggy(actor: Any, message: TerminateChild) -> None:
        child = actor._find(message.child)
        if child is not None and child.alive:
            child.tell_to_stop()

    return buggy


def _keeps_what_is_deleted(delete: Any) -> Any:
    async def buggy(actor: Any, message: DeleteChild) -> None:
        actor._find_idle(message.child)

    return buggy


def _all_significant_ignores_what_is_due(shuts_down: Any) -> Any:
    def buggy(auto: str, ended: ChildView, others: Iterable[ChildView]) -> bool:
        if not ended.significant or auto == "never":
            return False
        return auto == "any_significant" or not any(
            each.significant and each.alive for each in others
        )

    return buggy


def _any_end_is_significant(shuts_down: Any) -> Any:
    def buggy(auto: str, ended: ChildView, others: Iterable[ChildView]) -> bool:
        return auto != "never" and ended.significant

    return buggy


def _terminating_is_significant(stop: Any) -> Any:
    async def buggy(self: Team, child: Child) -> None:
        await stop(self, child)
        if child.spec.significant:
            self.cell.signal(Stop())

    return buggy


def _pauses_alike(next_count: Any) -> Any:
    def buggy(self: Backoff, failures: int, up_for: float) -> int:
        return 0

    return buggy


def _never_recovers(next_count: Any) -> Any:
    def buggy(self: Backoff, failures: int, up_for: float) -> int:
        return failures + 1

    return buggy


def _pauses_too_long(delay: Any) -> Any:
    def buggy(self: Backoff, failures: int, random: Any) -> float:
        return float(delay(self, failures + 1, random))

    return buggy


ONE, ALL, REST = "supervisor/one_for_one", "supervisor/one_for_all", "supervisor/rest_for_one"
BUGS = (
    Bug("supervisor/one restart too few", "supervisor/intensity",
        method(RestartWindow, "exceeded", _one_less)),
    Bug("supervisor/one restart too many", "supervisor/intensity",
        method(RestartWindow, "exceeded", _one_more)),
    Bug("supervisor/the period is open", "supervisor/intensity",
        method(RestartWindow, "add", _open_at_its_edge)),
    Bug("supervisor/the period has no end", "supervisor/intensity",
        method(RestartWindow, "add", _never_forgets)),
    Bug("supervisor/the period is in whole seconds", "supervisor/intensity",
        method(RestartWindow, "add", _whole_seconds)),
    Bug("supervisor/a group stops the eldest first", ALL,
        function(strategies.stop_order, _forward)),
    Bug("supervisor/its end stops the eldest first", "supervisor/given up below nobody",
        method(Team, "stop_children", _stops_forward)),
    Bug("supervisor/temporary ones are restarted", ONE,
        function(strategies.after_exit, _restarts_temporary)),
    Bug("supervisor/transient ones are restarted", ONE,
        function(strategies.after_exit, _restarts_what_has_finished)),
    Bug("supervisor/permanent ones may finish", ONE,
        function(strategies.after_exit, _leaves_what_has_finished)),
    Bug("supervisor/transient ones stay down", ALL,
        function(strategies.after_exit, _leaves_the_transient)),
    Bug("supervisor/the rest is one less", REST,
        function(strategies.plan_restart, _rest_is_one_less)),
    Bug("supervisor/the rest is one more", REST,
        function(strategies.plan_restart, _rest_is_one_more)),
    Bug("supervisor/temporary ones start with the group", ALL,
        function(strategies.plan_restart, _starts_the_temporary)),
    Bug("supervisor/temporary ones outlive the group", "supervisor/all for one",
        function(strategies.plan_restart, _leaves_the_temporary)),
    Bug("supervisor/all is one", "supervisor/all together",
        function(strategies.plan_restart, _all_is_one)),
    Bug("supervisor/a group starts backwards", ALL,
        function(strategies.plan_restart, _starts_backwards)),
    Bug("supervisor/stale news is trusted", ALL, method(Team, "child_exited", _trusts_stale_news)),
    Bug("supervisor/an ordered end is a surprise", "supervisor/asked",
        method(Team, "child_exited", _is_surprised_by_what_it_ordered)),
    Bug("supervisor/an end is not waited for", "supervisor/one_for_all, slowly",
        method(Team, "stop", _does_not_wait_for_the_end)),
    Bug("supervisor/a second try is not counted", "supervisor/failing starts of one",
        method(Team, "try_again", _counts_no_second_try)),
    Bug("supervisor/a failed start is the last", "supervisor/failing starts of all",
        method(Team, "_settle_attempt", _gives_a_failed_start_up)),
    Bug("supervisor/a failed start holds nobody up", "supervisor/failing starts of the rest",
        method(Team, "_settle_attempt", _goes_on_after_a_failed_start)),
    Bug("supervisor/a restart at once is not counted", "supervisor/intensity",
        method(Team, "restarts_at_once", _restarts_at_once_for_nothing)),
    Bug("supervisor/a restart at once is of one alone", "supervisor/all together",
        method(Team, "restarts_at_once", _restarts_at_once_alone)),
    Bug("supervisor/a restart at once of a temporary one", ONE,
        method(Team, "restarts_at_once", _restarts_at_once_the_temporary)),
    Bug("supervisor/it gives up and stays", "supervisor/intensity",
        method(Team, "_give_up", _gives_up_and_stays)),
    Bug("supervisor/it gives up unseen", "supervisor/given up below nobody",
        method(ActorSystem, "note_failure", _gives_up_unseen)),
    Bug("supervisor/it leaves a child behind", "supervisor/given up",
        method(Team, "stop_children", _leaves_its_children)),
    Bug("supervisor/incarnations are not counted", ONE,
        function(make_actor, _counts_no_incarnation)),
    Bug("supervisor/what is due stays due", "supervisor/terminated while due",
        method(Child, "forget_restart", _keeps_what_is_due)),
    Bug("supervisor/what is due is not terminated", "supervisor/terminated while due",
        handling(Supervisor, TerminateChild, _terminates_what_is_due_later)),
    Bug("supervisor/termination is not waited for", "supervisor/asked",
        handling(Supervisor, TerminateChild, _terminates_without_waiting)),
    Bug("supervisor/what is deleted stays", "supervisor/asked",
        handling(Supervisor, DeleteChild, _keeps_what_is_deleted)),
    Bug("supervisor/what is due is no significant one", "supervisor/all significant",
        function(strategies.shuts_down, _all_significant_ignores_what_is_due)),
    Bug("supervisor/any significant end ends it", "supervisor/all significant",
        function(strategies.shuts_down, _any_end_is_significant)),
    Bug("supervisor/a terminated child is significant", "supervisor/not significant",
        method(Team, "stop", _terminating_is_significant)),
    Bug("supervisor/all pauses are alike", "supervisor/pauses",
        method(Backoff, "next_count", _pauses_alike)),
    Bug("supervisor/pauses never recover", "supervisor/pauses",
        method(Backoff, "next_count", _never_recovers)),
    Bug("supervisor/pauses are a step too long", "supervisor/pauses",
        method(Backoff, "delay", _pauses_too_long)),
)  # fmt: skip
