from __future__ import annotations

from dataclasses import replace

import pytest

from robustft.attacks.passes import Passes
from robustft.objectives.update_passes import UpdatePasses
from robustft.planning.cost import GATES, RecordedPasses, run_cost
from robustft.planning.rates import Rates
from robustft.planning.span import Span
from robustft.planning.work import Parameters

RATES = Rates(forward=0.01, backward=0.02, training=0.1, start_up=7, exit=3)


def test_a_run_without_attacks_is_worked_out_exactly(make_work):
    """3 states x 100 images x 0.01 s, and 10 updates x 8 images x 0.1 s."""
    cost = run_cost(make_work(), RATES)
    assert cost is not None
    assert (cost.training, cost.evaluation) == (pytest.approx(8), Span.of(pytest.approx(3)))
    assert cost.total == Span.of(pytest.approx(7 + 8 + 3 + 3))


def test_an_attack_lies_between_the_first_candidate_and_the_whole_budget(make_work, attacked):
    cost = run_cost(make_work(measurements=(attacked,)), RATES)
    assert cost is not None
    assert cost.evaluation.low == pytest.approx(300 * (0.01 + 0.02))
    assert cost.evaluation.high == pytest.approx(300 * (5 * 0.01 + 4 * 0.02))
    assert cost.evaluation.low < cost.evaluation.expected < cost.evaluation.high


def test_records_replace_the_bounds(make_work, attacked):
    on_record = Passes(forward=2, backward=1)
    work = make_work(measurements=(attacked,))
    cost = run_cost(work, RATES, lambda condition: RecordedPasses(passes=on_record, of_method=True))
    assert cost is not None
    assert cost.evaluation.expected == pytest.approx(300 * 0.04)
    assert cost.evaluation.high == pytest.approx(1.1 * 300 * 0.04)
    others = run_cost(work, RATES, lambda condition: RecordedPasses(passes=on_record, of_method=False))
    assert others is not None
    assert others.evaluation.expected == cost.evaluation.expected
    assert others.evaluation.high == pytest.approx(300 * (5 * 0.01 + 4 * 0.02))


def test_an_attack_that_nobody_knows_leaves_the_cost_open(make_work, attacked):
    unknown = replace(attacked, budget=None)
    assert run_cost(make_work(measurements=(unknown,)), RATES) is None
    known = run_cost(
        make_work(measurements=(unknown,)),
        RATES,
        lambda condition: RecordedPasses(passes=Passes(forward=1), of_method=False),
    )
    assert known is not None
    assert known.evaluation.expected == pytest.approx(3)


def test_a_block_is_what_an_interruption_may_lose(make_work, clean, attacked):
    few, many = (run_cost(make_work(measurements=(clean, attacked), block_images=n), RATES) for n in (10, 1000))
    assert few is not None
    assert many is not None
    assert few.block.high == pytest.approx(10 * (5 * 0.01 + 4 * 0.02))
    assert many.block.high == pytest.approx(100 * (5 * 0.01 + 4 * 0.02))


def test_a_dearer_objective_makes_updates_dearer_and_nothing_else(make_work):
    usual, dear = (run_cost(make_work(training_factor=factor), RATES) for factor in (1, 9))
    assert usual is not None
    assert dear is not None
    assert dear.training == pytest.approx(9 * usual.training)
    assert dear.evaluation == usual.evaluation


def test_the_passes_of_an_update_cost_what_they_are(make_work):
    passes = UpdatePasses(trained=2, beside=Passes(forward=11, backward=10))
    usual, adversarial = (run_cost(make_work(update=update), RATES) for update in (UpdatePasses(), passes))
    assert usual is not None
    assert adversarial is not None
    images = usual.training / RATES.training
    assert adversarial.training == pytest.approx(
        images * (2 * RATES.training + 11 * RATES.forward + 10 * RATES.backward)
    )
    assert adversarial.evaluation == usual.evaluation


@pytest.mark.parametrize(("trainable", "updates"), [(0, 1.1), (50, 2.3), (990, 3)])
def test_what_is_trained_decides_the_cost_of_an_update(trainable: int, updates: float):
    rates = Rates.of_speed(100, Parameters(total=1000, trainable=trainable, head=10))
    assert (rates.forward, rates.training) == (pytest.approx(0.01), pytest.approx(updates * 0.01))


def test_the_gates_of_a_strong_attack_cost_no_more_than_counted():
    """As evaluation/gates.py makes them: PGD with each of its budgets, and the gradients and logits of clean images."""
    from robustft.attacks.pgd import Pgd
    from robustft.evaluation import gates

    few, many = gates.FEW_STEPS, gates.MANY_STEPS
    attacks = [Pgd(steps=steps) for steps in (few, many, 1, few, few, few)] + [Pgd(steps=few, restarts=gates.RESTARTS)]
    total = sum((attack.budget(10, "linf") for attack in attacks), Passes(forward=3, backward=1))
    assert total == GATES


@pytest.mark.parametrize("batch_size", [1, 16, 100, 128, 512, 2048])
def test_a_block_has_as_many_images_as_an_evaluation_gives_it(batch_size: int):
    import numpy as np

    from robustft.attacks import Pgd
    from robustft.attacks.engine.block_size import images_of_block
    from robustft.attacks.threat_model import ThreatModel
    from robustft.data.dataset import Images
    from robustft.evaluation.evaluator import Evaluator
    from robustft.evaluation.suite import Suite

    images = Images(pixels=np.zeros((4, 3, 2, 2), np.uint8), labels=np.zeros(4, np.int64))
    suite = Suite(threat_model=ThreatModel(eps_255=8), attacks={"pgd": Pgd(steps=2)}, batch_size=batch_size)
    evaluator = Evaluator(suite=suite, validation=images, test=images, ood={}, seed=0)
    assert images_of_block(batch_size) == evaluator.block
