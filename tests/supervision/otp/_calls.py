"""The calls to a supervisor: what a step asks, and the answer as the trace writes it."""

import asyncio
import dataclasses
from collections.abc import Iterable
from typing import Any, cast

from dramaturg.actors import ActorCrashed, ActorRef, ActorStopped, Future
from dramaturg.supervision import (
    AlreadyStarted,
    ChildCounts,
    ChildInfo,
    ChildRefused,
    ChildSpec,
    ChildStarted,
    ChildStartFailed,
    CountChildren,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    SpecError,
    SpecRefused,
    StartChild,
    StartInstance,
    TerminateChild,
    WhichChildren,
)
from tests.supervision.otp._clock import FOR_EVER
from tests.supervision.otp._reasons import text_of_error
from tests.supervision.otp._specs import added_child_spec
from tests.supervision.otp._stage import Attempt, Stage
from tests.supervision.otp._supervisor import start_of
from tests.supervision.otp.compare import POOL, Json

NOPROC = {"error": "noproc"}
DOWN = {"error": "down"}

OF_A_CHILD = {
    "delete_child": DeleteChild,
    "get_childspec": GetChildSpec,
    "restart_child": RestartChild,
    "terminate_child": TerminateChild,
}


async def call(stage: Stage, step: Json) -> Any:
    """Make the call of a step; return its value."""
    supervisor = stage.at(step["sup"])
    if supervisor is None or not supervisor.is_supervisor:
        return NOPROC
    try:
        request = _request(stage, step, supervisor)
    except SpecError as error:
        # In OTP it is the supervisor who finds it, when it comes to it.
        refusal = {"error": text_of_error(error)}
        answer = await ask(stage, supervisor, CountChildren())
        return answer if "error" in answer else refusal
    return NOPROC if request is None else await ask(stage, supervisor, request)


def _request(stage: Stage, step: Json, supervisor: Attempt) -> Any:
    """Make the message; None if what it is about has never been.

    :raises SpecError: for a wrong spec.
    """
    request: Any = None
    match step:
        case {"op": "start_child", "spec": given}:
            spec = added_child_spec(given, lambda child: start_of(stage, child), supervisor.spec)
            request = StartChild(spec)
        case {"op": "start_child", "instance": instance}:
            is_worker = supervisor.spec["children"][0].get("type", "worker") == "worker"
            own = [instance.get("worker", {})] if is_worker else []
            request = StartInstance(*own, name=instance["name"])
        case {"op": "terminate_child", "instance": name}:
            ref = stage.ran.get(f"{step['sup']}/{name}")
            request = None if ref is None else TerminateChild(ref)
        case {"op": op, "child": child}:
            request = OF_A_CHILD[op](child)
        case {"op": "which_children"}:
            request = WhichChildren()
        case {"op": "count_children"}:
            request = CountChildren()
        case _:
            raise ValueError(step)
    return request


async def ask(stage: Stage, supervisor: Attempt, request: Any) -> Any:
    """Ask a supervisor; return the value of its answer."""
    values: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer = supervisor.ref.ask(request, block=False, timeout=FOR_EVER)

    def note() -> None:
        if not values.done():
            values.set_result(_answered(stage, supervisor, answer))

    # In the very moment of the answer: who it names may be somebody else right after it.
    answer.add_done_callback(note)
    value = await values
    if value == DOWN:
        # In OTP whoever asks is told so by the end itself.
        await supervisor.over.wait()
    return value


def _answered(stage: Stage, supervisor: Attempt, answer: Future[Any]) -> Any:
    try:
        return _value(stage, supervisor, answer.get())
    except AlreadyStarted as refused:
        return {"error": "already_started", "child": stage.who(refused.ref)}
    except ChildStartFailed as failed:
        return {"error": "start_failed", "reason": text_of_error(failed.error)}
    except SpecRefused as refused:
        return {"error": f"bad_spec:{refused.problem}"}
    except ChildRefused as refused:
        return {"error": refused.outcome}
    except (ActorCrashed, ActorStopped):
        return DOWN


def _value(stage: Stage, supervisor: Attempt, reply: Any) -> Any:
    value: Any = "ok"
    match reply:
        case ChildStarted(ref=ref, info=info):
            value = {"ok": None if ref is None else stage.who(ref)}
            if info is not None:
                value["info"] = info
        case ChildSpec():
            value = _spec_value(reply)
        case ChildCounts():
            value = dataclasses.asdict(reply)
        case tuple():
            value = _listing(stage, supervisor, cast("tuple[ChildInfo, ...]", reply))
        case _:
            pass
    return value


def _spec_value(spec: ChildSpec) -> Json:
    shutdown = spec.shutdown
    return {
        "id": spec.id,
        "restart": spec.restart,
        "significant": spec.significant,
        "shutdown": round(shutdown * 1_000) if isinstance(shutdown, int | float) else shutdown,
        "type": spec.type,
    }


def _listing(stage: Stage, supervisor: Attempt, children: Iterable[ChildInfo]) -> list[Any]:
    if supervisor.spec.get("strategy") == POOL:
        rows = [["-", _process(stage, child), child.type] for child in children]
        return sorted(rows, key=str)
    return [[child.id, _process(stage, child), child.type] for child in children]


def _process(stage: Stage, child: ChildInfo) -> str | None:
    """Name the process of a child, or say what there is instead."""
    match child:
        case ChildInfo(state="restarting"):
            return "restarting"
        case ChildInfo(state="running", ref=ActorRef() as ref):
            return stage.who(ref)
        case _:
            return None
