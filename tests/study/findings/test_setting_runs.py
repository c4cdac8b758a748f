from __future__ import annotations

from dataclasses import replace

from robustft.study.findings.setting_runs import by_setting


def test_runs_by_setting_and_strategy_in_the_order_of_areas(make_point, make_run, make_comparison, digits) -> None:
    pets = replace(digits, key="1" * 16, name="pets")
    point = make_point(1, 50, 50)
    runs = [make_run(strategy, seed, point) for seed in (0, 1) for strategy in ("full", "lora")]
    settings = by_setting(make_comparison(*runs, make_run("ia3", 0, point, setting=pets), areas={"lora": 0.6}))
    assert [one.name for one in settings] == ["digits", "pets"]
    assert [run.name for run in settings[0].runs] == ["lora/seed-0", "lora/seed-1", "full/seed-0", "full/seed-1"]
    assert list(settings[1].by_strategy) == ["ia3"]
