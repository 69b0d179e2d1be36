"""Faults that are injected: the shop survives them all, and its books still agree."""

import pytest

from tests.examples.storefront_kit import Run, counts


def test_the_standard_faults_all_happen_and_the_shop_survives_them(run: Run) -> None:
    ran = run("--limit", "300", "--faults", "standard")

    assert ran.code == 0
    for told in (
        "till/payment: failed: the bank has hung up",
        "back-office/inventory: was killed",
        "back-office/inventory: failed: the shelves came down",
        "back-office/shipping: is stopped",  # with inventory, which it comes after
        "back-office/ledger: is stopped",
        "till/payment: hangs",
        "till/payment: was killed",
        "till/payment: is back, life 3",
        "pricing/catalogue: failed: the pricing service does not answer",
        "pricing/catalogue: is degraded to rung 1",
        "pricing/catalogue~1: failed: the cache cannot be read",
        "pricing/catalogue: is degraded to rung 2",
        "pricing/catalogue: has recovered",
    ):
        assert told in ran.out
    assert "faults injected: 31 (raise 28, kill 1, hang 1, raise after 1)" in ran.out
    for restarts in ("inventory 2", "shipping 2", "ledger 2", "payment 2", "catalogue~1 10"):
        assert restarts in ran.out
    found, replayed, left = counts(r"dead letters: (\d+) found, (\d+) replayed, (\d+) left", ran)
    assert found == replayed > 10
    assert left == 0
    orders, once = counts(r"orders that they were about: (\d+), counted once: (\d+)", ran)
    assert orders == once > 0
    assert "figures agree" in ran.out


@pytest.mark.parametrize("seed", range(5))
def test_whoever_crashes_or_is_killed_at_random_the_shop_survives_it(run: Run, seed: int) -> None:
    ran = run("--limit", "150", "--chaos", "0.02", "--seed", seed)

    assert ran.code == 0
    [faults] = counts(r"faults injected: (\d+)", ran)
    [restarts] = counts(r"restarts: (\d+)", ran)
    assert faults > 10
    assert restarts > 10
    found, replayed, left = counts(r"dead letters: (\d+) found, (\d+) replayed, (\d+) left", ran)
    assert found == replayed > 5
    assert left == 0
    orders, once = counts(r"orders that they were about: (\d+), counted once: (\d+)", ran)
    assert orders == once


def test_a_rate_above_one_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--chaos", "1.5")

    assert "must be from 0 to below 1" in capsys.readouterr().err
