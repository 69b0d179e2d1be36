"""What tests of the end of a system may ask for."""

import pytest


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what was killed have less time to end than in real life."""
    monkeypatch.setattr("dramaturg.actors._kill.PATIENCE", 0.1)
