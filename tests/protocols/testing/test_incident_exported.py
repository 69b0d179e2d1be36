"""An incident in shop, 2026-01-02: /store failed with SoldTwiceError.

Written by `Recording.to_test`; it fails as long as the bug is there.
2 messages from outside, 6 recorded deliveries.
"""

from dramaturg.protocols.testing import Outside, replay_incident
from tests.protocols.testing.incident_shop import Sell, careful, never_negative

OUTSIDE = [
    Outside(0.0, "/ann", Sell(title="Emma"), asks=True),
    Outside(0.00012, "/bob", Sell(title="Emma"), asks=True),
]

SCHEDULE = [
    "deliver scenario->/ann #0",
    "deliver /ann->/store #0",
    "deliver scenario->/bob #0",
    "deliver /bob->/store #0",
    "deliver /bob->/store #1",
    "deliver /ann->/store #1",
]


def test_store_does_not_fail_with_sold_twice_error() -> None:
    replayed = replay_incident(
        careful,
        outside=OUTSIDE,
        schedule=SCHEDULE,
        at_rest=never_negative,
    )

    crashes = replayed.crashes("/store")
    assert "SoldTwiceError" not in crashes, str(replayed)
    assert replayed.broken is None, str(replayed)
