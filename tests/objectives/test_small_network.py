from __future__ import annotations

from tests.benchmarks.objectives import small_case


def test_what_is_trained_against_attacks_withstands_them_and_what_is_not_does_not():
    """192-64-10 on digits of 8 pixels, 400 updates, L-inf 32/255."""
    accuracies = small_case()
    standard = accuracies.pop("standard")
    assert standard["clean"] > 95
    assert standard["robust"] < 25
    for name, found in accuracies.items():
        assert found["robust"] >= standard["robust"] + 50, name
        assert found["clean"] >= 92, name
    fast, bounded = accuracies["fast_at"], [accuracies[name] for name in ("score", "trades", "mart")]
    assert all(found["robust"] > fast["robust"] + 3 for found in bounded)
