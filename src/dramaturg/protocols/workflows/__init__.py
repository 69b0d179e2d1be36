"""Workflows: durable message protocols between a coordinator and its participants."""

from dramaturg.protocols.workflows._blocking import BlockingWorkflow
from dramaturg.protocols.workflows._declare import (
    branch,
    fan_out,
    for_each,
    loop,
    pause,
    recover,
    saga,
    sequence,
    step,
    switch,
    wait_for,
)
from dramaturg.protocols.workflows._declared import by_instance, coordinators_of, workflow_asked
from dramaturg.protocols.workflows._errors import (
    AttemptCancelled,
    UnknownWorkflowInstance,
    WorkflowChanged,
    WorkflowDefinitionError,
    WorkflowError,
    WorkflowFailed,
    WorkflowIdConflict,
    WorkflowInputError,
)
from dramaturg.protocols.workflows._events import AttemptAbandoned
from dramaturg.protocols.workflows._history import History, HistoryEntry
from dramaturg.protocols.workflows._joins import all_of, any_of, first_valid, partial, quorum
from dramaturg.protocols.workflows._outcome import BranchOutcome, Outcomes, StepError
from dramaturg.protocols.workflows._participant import Call, UnknownParticipantError, ask
from dramaturg.protocols.workflows._retry import Retry
from dramaturg.protocols.workflows._step import Step
from dramaturg.protocols.workflows._view import InstanceStatus
from dramaturg.protocols.workflows._workflow import Instance, Workflow

__all__ = [
    "AttemptAbandoned",
    "AttemptCancelled",
    "BlockingWorkflow",
    "BranchOutcome",
    "Call",
    "History",
    "HistoryEntry",
    "Instance",
    "InstanceStatus",
    "Outcomes",
    "Retry",
    "Step",
    "StepError",
    "UnknownParticipantError",
    "UnknownWorkflowInstance",
    "Workflow",
    "WorkflowChanged",
    "WorkflowDefinitionError",
    "WorkflowError",
    "WorkflowFailed",
    "WorkflowIdConflict",
    "WorkflowInputError",
    "all_of",
    "any_of",
    "ask",
    "branch",
    "by_instance",
    "coordinators_of",
    "fan_out",
    "first_valid",
    "for_each",
    "loop",
    "partial",
    "pause",
    "quorum",
    "recover",
    "saga",
    "sequence",
    "step",
    "switch",
    "wait_for",
    "workflow_asked",
]
