"""All planted bugs."""

from tests.simulated.planted import (
    blackboard,
    delegator,
    front,
    mailbox,
    requests,
    supervisor,
    timers,
    topic,
    watch,
)
from tests.simulated.planted.plant import Bug

BUGS: tuple[Bug, ...] = (
    *supervisor.BUGS,
    *mailbox.BUGS,
    *requests.BUGS,
    *timers.BUGS,
    *topic.BUGS,
    *watch.BUGS,
    *front.BUGS,
    *blackboard.BUGS,
    *delegator.BUGS,
)
