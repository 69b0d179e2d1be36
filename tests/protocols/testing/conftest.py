"""What tests of a search may ask for."""

import pytest

STEPS = ("AFRESH", "ANEW", "SINGLES", "WANDERING")


@pytest.fixture
def brief_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was found be made short in fewer tries.

    For tests of what is found: to make it as short as can be takes most of a search's time.
    """
    for step in STEPS:
        monkeypatch.setattr(f"dramaturg.protocols.testing._shrink.{step}", 20)
