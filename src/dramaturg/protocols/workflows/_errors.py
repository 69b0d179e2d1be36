"""What may go wrong with workflows, by who must act.

::

    WorkflowError
    ├── WorkflowDefinitionError    the declaration is wrong: change it (also a UsageError)
    ├── WorkflowInputError         the input is not what the workflow takes (also a UsageError)
    ├── WorkflowIdConflict         that id runs, or ran, with another input (also a UsageError)
    ├── WorkflowChanged            instances in flight know another definition: give it a version
    ├── AttemptCancelled           a step's own task was cancelled, and not by its workflow
    ├── UnknownWorkflowInstance    nobody has started that id
    └── WorkflowFailed             the instance ended otherwise than with a result
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import DramaturgError, UsageError

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._outcome import StepError

__all__ = [
    "AttemptCancelled",
    "UnknownWorkflowInstance",
    "WorkflowChanged",
    "WorkflowDefinitionError",
    "WorkflowError",
    "WorkflowFailed",
    "WorkflowIdConflict",
    "WorkflowInputError",
    "shown",
]

_SHOWN = 200


def shown(value: object) -> str:
    """Show a value in an error, if need be its beginning."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


class WorkflowError(DramaturgError):
    """Base of what workflows raise."""


class WorkflowDefinitionError(WorkflowError, UsageError, ValueError):
    """A step or a workflow is declared wrongly; raised when it is declared."""

    def __init__(self, *, thing: str, problem: str, expected: str) -> None:
        self.thing = thing
        self.problem = problem
        self.expected = expected
        super().__init__(f"{thing} {problem}: expected {expected}")


class WorkflowInputError(WorkflowError, UsageError, TypeError):
    """A workflow was given something that it does not take; nothing was started."""

    def __init__(self, *, workflow: str, what: str, value: object, expected: str) -> None:
        self.workflow = workflow
        self.what = what
        self.value = value
        self.expected = expected
        super().__init__(f"workflow {workflow!r}: {what} is {shown(value)}; expected {expected}")


class WorkflowIdConflict(WorkflowError, UsageError, ValueError):  # noqa: N818 - HTTP's 409
    """An id names one run for ever, and this one was started with another input."""

    def __init__(self, *, workflow: str, instance: str) -> None:
        self.workflow = workflow
        self.instance = instance
        super().__init__(
            f"{workflow!r} {shown(instance)} was started with another input: choose another id,"
            " or attach to it without an input"
        )


class WorkflowChanged(WorkflowError, UsageError, ValueError):  # noqa: N818 - what is the case
    """Instances in flight were begun under another definition of the same version.

    Nothing was started or resumed. Give the new definition a higher ``version`` and keep the
    old one for those in flight (``earlier=``), or migrate them. ``record`` is what has no place in
    the definition to which an instance was to be moved; it stays under ``stays_under``.
    """

    def __init__(
        self,
        *,
        workflow: str,
        version: int,
        instances: tuple[str, ...],
        record: str | None = None,
        stays_under: int | None = None,
    ) -> None:
        self.workflow = workflow
        self.version = version
        self.instances = instances
        self.record = record
        self.stays_under = stays_under
        if record is not None:
            super().__init__(
                f"{workflow!r} {instances[0]!r} (version {stays_under}) cannot go on under version"
                f" {version}: its record {record!r} has no step there; it stays under version"
                f" {stays_under}"
            )
            return
        names = ", ".join(map(repr, instances[:5])) + (" ..." if len(instances) > 5 else "")  # noqa: PLR2004
        super().__init__(
            f"workflow {workflow!r} version {version} is not what {len(instances)} instance(s) in"
            f" flight were begun with ({names}): give it a new version, and name the old"
            " definition as an earlier one"
        )


class AttemptCancelled(WorkflowError):  # noqa: N818 - what is the case
    """An attempt failed since its own task was cancelled, and not by its workflow.

    Nobody has to catch it: it stands in the error of the step, and ``Retry`` may name it.
    """

    def __init__(self, *, step: str) -> None:
        self.step = step
        super().__init__(f"the task of {step} was cancelled, and not by its workflow")


class UnknownWorkflowInstance(WorkflowError, LookupError):  # noqa: N818 - what is the case
    """Nobody has started that id."""

    def __init__(self, *, workflow: str, instance: str) -> None:
        self.workflow = workflow
        self.instance = instance
        super().__init__(f"{workflow!r} has no instance {shown(instance)}")


class WorkflowFailed(WorkflowError):  # noqa: N818 - the instance's end, not this library's error
    """An instance ended without a result.

    ``status`` is "failed", "compensated", "cancelled" or "stuck"; ``error`` is that of the
    step which failed; ``stuck`` names the compensations that an operator has to resolve.
    """

    def __init__(
        self,
        *,
        workflow: str,
        instance: str,
        status: str,
        error: StepError | None,
        stuck: tuple[str, ...] = (),
    ) -> None:
        self.workflow = workflow
        self.instance = instance
        self.status = status
        self.error = error
        self.stuck = stuck
        why = "" if error is None else f" {error}"
        left = f"; to be resolved: {', '.join(stuck)}" if stuck else ""
        super().__init__(f"{workflow!r} {instance!r} is {status}:{why or ' cancelled'}{left}")
