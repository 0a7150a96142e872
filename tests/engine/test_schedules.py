"""Learning rates: each schedule against its formula and against torch's own scheduler, and linear scaling."""

import math

import pytest
import torch

from train_easyocr.engine.schedules import Reference, Schedule, depends_on_length

LR, N = 0.5, 200


def rates(schedule):
    return [schedule.rate(step) for step in range(schedule.n_iter)]


def torch_rates(make):
    """What one of torch's schedulers gives."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    scheduler = make(optimizer)
    found = []
    for _ in range(N):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


def test_constant_is_constant():
    assert rates(Schedule("constant", LR, N)) == [LR] * N
    expected = torch_rates(lambda o: torch.optim.lr_scheduler.LinearLR(o, 1 / 20, 1.0, total_iters=19))
    assert rates(Schedule("constant", LR, N, warmup=20)) == pytest.approx(expected)


def test_piecewise_goes_down_at_its_points():
    schedule = Schedule("piecewise", LR, N, points=(50, 120), factors=(0.2, 0.02))
    expected = [LR] * 50 + [LR * 0.2] * 70 + [LR * 0.02] * 80
    assert rates(schedule) == pytest.approx(expected)
    tenths = Schedule("piecewise", LR, N, points=(50, 120), factors=(0.1, 0.01))
    assert rates(tenths) == pytest.approx(torch_rates(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [50, 120])))
    published = Schedule.from_settings("piecewise", 1e-4, 1000, warmup=0, points=[0.875], factors=[0.2])
    assert [published.rate(step) for step in (0, 874, 875, 999)] == pytest.approx([1e-4, 1e-4, 2e-5, 2e-5])


def test_cosine_falls_in_half_a_cosine():
    schedule = Schedule("cosine", LR, N)
    assert rates(schedule) == pytest.approx([LR * (1 + math.cos(math.pi * step / N)) / 2 for step in range(N)])
    assert rates(schedule) == pytest.approx(torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, N)))
    assert schedule.rate(N // 2) == pytest.approx(LR / 2)
    warm = Schedule("cosine", LR, N, warmup=40)
    assert rates(warm)[:40] == pytest.approx([LR * (step + 1) / 40 for step in range(40)])
    assert rates(warm)[40:] == pytest.approx([LR * (1 + math.cos(math.pi * step / 160)) / 2 for step in range(160)])


def test_one_cycle_rises_in_a_line_and_falls_in_half_a_cosine():
    schedule = Schedule.from_settings("one_cycle", LR, N)
    expected = [LR * (step + 1) / 20 for step in range(20)]
    expected += [LR * (1 + math.cos(math.pi * step / 181)) / 2 for step in range(1, 181)]
    assert rates(schedule) == pytest.approx(expected)


@pytest.mark.parametrize("scheduler", ["cosine", "one_cycle"])
@pytest.mark.parametrize("n_iter", [1, 2, 5, 10, 11, 100])
def test_no_rate_is_zero_however_short_the_run(scheduler, n_iter):
    found = rates(Schedule.from_settings(scheduler, LR, n_iter))
    top = found.index(max(found))
    assert found[top] == LR
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert min(found) > 0


def test_shares_of_a_run_and_steps():
    def warmup(value, scheduler="constant", n_iter=1000):
        return Schedule.from_settings(scheduler, LR, n_iter, warmup=value).warmup

    assert [warmup(value) for value in (0.05, 300, 1, 0, "auto")] == [50, 300, 1, 0, 0]
    assert [warmup("auto", scheduler) for scheduler in ("piecewise", "cosine", "one_cycle")] == [20, 20, 100]
    assert warmup(0, "one_cycle") == 1
    mixed = Schedule.from_settings("piecewise", LR, 1000, points=[0.5, 800], factors=[0.5, 0.1])
    assert mixed.points == (500, 800)


def test_what_may_grow_longer():
    for scheduler, warmup, points, depends in [
        ("constant", "auto", [], False),
        ("constant", 0.1, [], True),
        ("constant", 500, [], False),
        ("piecewise", 0, [300], False),
        ("piecewise", 0, [0.5], True),
        ("piecewise", "auto", [300], True),
        ("cosine", 0, [], True),
        ("one_cycle", "auto", [], True),
    ]:
        settings = {"warmup": warmup, "points": points, "factors": [0.1] * len(points)}
        short, long = (Schedule.from_settings(scheduler, LR, n_iter, **settings) for n_iter in (1000, 2000))
        same = all(short.rate(step) == long.rate(step) for step in range(1000))
        assert depends_on_length(scheduler, warmup, points) is depends is not same


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Schedule("constant", 1.0, 10), "(constant): 1, constant"),
        (Schedule("constant", 1.0, 10, warmup=5), "(constant): rises to 1 over 5 iterations, then stays there"),
        (Schedule("piecewise", 1e-4, 10, points=(8,), factors=(0.2,)), "0.0001, 2e-05 from iteration 9 on"),
        (Schedule("cosine", 1e-3, 5000), "(cosine): 0.001, falls in a half cosine up to iteration 5,000"),
    ],
)
def test_a_schedule_says_what_it_does(schedule, text):
    assert schedule.describe().endswith(text)


def test_linear_scaling():
    recognizer = Reference(1e-4, 128, "published")
    assert [recognizer.scaled(batch) for batch in (128, 64, 256)] == pytest.approx([1e-4, 5e-5, 2e-4])
    detector = Reference(1e-4, 8, "published")
    assert detector.scaled(4) == pytest.approx(5e-5)
    assert recognizer.describe(64) == (
        "lr: auto is 5e-05 for batches of 64, in proportion to 0.0001 for batches of 128 (published)"
    )
    limited = Reference(2e-3, 64, "found", ceiling=4e-3)
    assert [limited.scaled(batch) for batch in (32, 128, 1024)] == pytest.approx([1e-3, 4e-3, 4e-3])
    assert limited.describe(1024).endswith("(found), 0.004 at most")
    assert limited.describe(64).endswith("(found)")


def test_wrong_schedules_are_refused():
    with pytest.raises(ValueError, match="none of constant, piecewise, cosine, one_cycle"):
        Schedule("linear", LR, N)
    with pytest.raises(ValueError, match="1 points and 0 factors"):
        Schedule("piecewise", LR, N, points=(3,))
