"""All cases, by their names."""

from tests.simulated import (
    blackboard_scenarios,
    bounded_scenarios,
    delegator_scenarios,
    front_scenarios,
    mailbox_scenarios,
    requests_scenarios,
    supervision_scenarios,
    supervisor_scenarios,
    timers_scenarios,
    topic_scenarios,
    watch_scenarios,
)
from tests.simulated.case import Case

CASES: dict[str, Case] = {
    case.name: case
    for module in (
        blackboard_scenarios,
        bounded_scenarios,
        delegator_scenarios,
        front_scenarios,
        mailbox_scenarios,
        requests_scenarios,
        supervision_scenarios,
        supervisor_scenarios,
        timers_scenarios,
        topic_scenarios,
        watch_scenarios,
    )
    for case in module.CASES
}
