from __future__ import annotations

import torch

from robustft.attacks.noise import Noise

SHAPE = (3, 6, 6)


def test_an_image_has_its_own_noise_whatever_else_is_in_the_batch():
    whole = Noise(seed=1, rows=torch.arange(6)).signed(SHAPE, stream="restart-0")
    part = Noise(seed=1, rows=torch.tensor([4, 2])).signed(SHAPE, stream="restart-0")
    assert torch.equal(part, whole[[4, 2]])


def test_seed_row_and_stream_each_change_the_noise():
    def draw(seed: int, row: int, stream: str) -> torch.Tensor:
        return Noise(seed=seed, rows=torch.tensor([row])).signed(SHAPE, stream=stream)

    first = draw(0, 0, "restart-0")
    assert torch.equal(first, draw(0, 0, "restart-0"))
    for other in (draw(1, 0, "restart-0"), draw(0, 1, "restart-0"), draw(0, 0, "restart-1")):
        assert not torch.equal(first, other)


def test_noise_is_uniform_on_both_sides_of_zero():
    noise = Noise(seed=0, rows=torch.arange(50)).signed((3, 16, 16), stream="restart-0")
    assert float(noise.min()) >= -1
    assert float(noise.max()) < 1
    assert abs(float(noise.mean())) < 0.02
    assert abs(float(noise.var()) - 1 / 3) < 0.01


def test_no_global_generator_moves():
    before = torch.get_rng_state()
    Noise(seed=0, rows=torch.arange(3)).signed(SHAPE, stream="restart-0")
    assert torch.equal(torch.get_rng_state(), before)


def test_an_image_may_be_at_another_count_than_the_others():
    noise = Noise(seed=0, rows=torch.arange(3))
    mixed = noise.uniform(SHAPE, stream="window", count=torch.tensor([0, 5, 0]))
    assert torch.equal(mixed[1], noise.uniform(SHAPE, stream="window", count=5)[1])
    assert torch.equal(mixed[[0, 2]], noise.uniform(SHAPE, stream="window")[[0, 2]])
    assert float((mixed[1] == noise.uniform(SHAPE, stream="window")[1]).float().mean()) < 0.1


def test_normal_numbers_have_the_moments_of_a_normal_distribution():
    drawn = Noise(seed=0, rows=torch.arange(200)).normal((3, 16, 16), stream="restart-0")
    assert abs(float(drawn.mean())) < 0.01
    assert abs(float(drawn.var()) - 1) < 0.02
    assert abs(float((drawn**4).mean()) - 3) < 0.1


def test_neighbouring_images_and_numbers_are_uncorrelated():
    drawn = Noise(seed=0, rows=torch.arange(64)).signed((3, 32, 32), stream="restart-0").flatten(1)
    between = torch.corrcoef(drawn).fill_diagonal_(0).abs().max()
    assert float(between) < 5 / drawn.shape[1] ** 0.5
    along = torch.corrcoef(torch.stack([drawn[:, 1:].flatten(), drawn[:, :-1].flatten()]))[0, 1]
    assert abs(float(along)) < 0.01
