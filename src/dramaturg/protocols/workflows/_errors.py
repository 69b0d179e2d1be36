"""What may go wrong with workflows, by who must act.

::

    WorkflowError
    ├── WorkflowDefinitionError    the declaration is wrong: change it (also a UsageError)
    ├── WorkflowInputError         the input is not what the workflow takes (also a UsageError)
    ├── WorkflowIdConflict         that id runs, or ran, with another input (also a UsageError)
    ├── WorkflowChanged            instances in flight know another definition: give it a version
    ├── UnknownWorkflowInstance    nobody has started that id
    └── WorkflowFailed             the instance ended otherwise than with a result
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors import DramaturgError, UsageError

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._outcome import StepError

__all__ = [
    "UnknownWorkflowInstance",
    "WorkflowChanged",
    "WorkflowDefinitionError",
    "WorkflowError",
    "WorkflowFailed",
    "WorkflowIdConflict",
    "WorkflowInputError",
]


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
        super().__init__(f"workflow {workflow!r}: {what} is {value!r}; expected {expected}")


class WorkflowIdConflict(WorkflowError, UsageError, ValueError):  # noqa: N818 - HTTP's 409
    """An id names one run for ever, and this one was started with another input."""

    def __init__(self, *, workflow: str, instance: str) -> None:
        self.workflow = workflow
        self.instance = instance
        super().__init__(
            f"{workflow!r} {instance!r} was started with another input: choose another id,"
            " or attach to it without an input"
        )


class WorkflowChanged(WorkflowError, UsageError, ValueError):  # noqa: N818 - what is the case
    """Instances in flight were begun under another definition of the same version.

    Nothing was started or resumed. Give the new definition a higher ``version`` and keep the
    old one for those in flight (``earlier=``), or migrate them.
    """

    def __init__(self, *, workflow: str, version: int, instances: tuple[str, ...]) -> None:
        self.workflow = workflow
        self.version = version
        self.instances = instances
        names = ", ".join(map(repr, instances[:5])) + (" ..." if len(instances) > 5 else "")  # noqa: PLR2004
        super().__init__(
            f"workflow {workflow!r} version {version} is not what {len(instances)} instance(s) in"
            f" flight were begun with ({names}): give it a new version, and name the old"
            " definition as an earlier one"
        )


class UnknownWorkflowInstance(WorkflowError, LookupError):  # noqa: N818 - what is the case
    """Nobody has started that id."""

    def __init__(self, *, workflow: str, instance: str) -> None:
        self.workflow = workflow
        self.instance = instance
        super().__init__(f"{workflow!r} has no instance {instance!r}")


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
