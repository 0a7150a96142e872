"""Networks that learn beside each other: formulas against plain loops, what is learnt, and what is kept."""

import math

import numpy as np
import pytest
import torch

from tests.detection.untrained import save_untrained
from tests.engine.cases import assert_equal, killed_at, recognizer_settings, state_of, toy_settings
from tests.engine.toy_task import ToyTask
from tests.recognition.word_sets import render
from train_easyocr.datasets.images import to_batch
from train_easyocr.detection.db_detector import load_db_light
from train_easyocr.detection.distillation import (
    CollaborativeLoss,
    FrozenMapTeacher,
    dilated,
    divergence_from,
    map_divergence,
    taught_loss,
)
from train_easyocr.engine import trainer
from train_easyocr.engine.device import Device
from train_easyocr.engine.distillation import MutualTask, Peers
from train_easyocr.recognition.distillation import (
    FeatureAdapter,
    FrozenTeacher,
    averaged_dml,
    dml,
    feature_adapter,
    step_divergence,
    udml,
    valid_steps,
)
from train_easyocr.recognition.model import build_model, open_trained
from train_easyocr.recognition.task import RecognizerTask
from train_easyocr.weights.starter import RECOGNIZER

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]


def divergence(first, second):
    """KL(first || second) of two distributions, in plain numbers."""
    return sum(p * math.log(p / q) for p, q in zip(first, second, strict=True))


def shares(logits):
    exponents = [math.exp(value - max(logits)) for value in logits]
    return [value / sum(exponents) for value in exponents]


@pytest.mark.parametrize("seed", range(3))
def test_divergence_step_by_step_is_that_of_a_plain_loop(seed):
    random = torch.Generator().manual_seed(seed)
    first, second = (3 * torch.randn(4, 6, 5, generator=random) for _ in range(2))
    valid = torch.arange(6) < torch.tensor([[6], [1], [3], [5]])
    expected = 0.0
    for word in range(4):
        steps = [step for step in range(6) if valid[word, step]]
        pairs = [(shares(first[word, step].tolist()), shares(second[word, step].tolist())) for step in steps]
        expected += sum(divergence(*pair) + divergence(*pair[::-1]) for pair in pairs) / 2 / len(steps)
    assert step_divergence(first, second, valid).item() == pytest.approx(expected, rel=1e-5)
    assert step_divergence(first, first, valid).item() == pytest.approx(0, abs=1e-6)


def words(*texts, width=160):
    return torch.from_numpy(to_batch([render(text) for text in texts], width))


def part_of(images):
    class Words:
        pass

    found = Words()
    found.images = images
    return found


def test_steps_beyond_a_words_end_are_none_of_its_own():
    images = words("가", "마바사가", "가나")
    widths = [render(text).shape[1] for text in ("가", "마바사가", "가나")]
    valid = valid_steps(images, 39)
    for row, width in zip(valid, widths, strict=True):
        assert row.sum() == math.ceil(39 * width / 160)
        assert not row[row.sum() :].any()
    assert valid_steps(torch.full((1, 1, 32, 64), 255, dtype=torch.uint8), 15).sum() == 1


@pytest.mark.parametrize("between", [dml, averaged_dml])
def test_a_words_loss_does_not_depend_on_how_far_it_is_filled_up(between):
    random = torch.Generator().manual_seed(1)
    first, second = (torch.randn(1, 20, 7, generator=random) for _ in range(2))
    images = words("가나", width=80)
    wide = words("가나", width=160)
    more = [torch.cat([each, 9 * torch.randn(1, 20, 7, generator=random)], 1) for each in (first, second)]
    narrow_loss, wide_loss = between(None, (first, second), part_of(images)), between(None, more, part_of(wide))
    assert narrow_loss.item() == pytest.approx(wide_loss.item(), rel=1e-5)


def test_a_frozen_teacher_is_asked_for_the_steps_of_each_word_alone():
    images, device = words("가나", "마바사가", width=160), Device.choose("fp32")
    teach, model = FrozenTeacher(RECOGNIZER, device), open_trained(RECOGNIZER)[0].eval()
    expected = model(device.input(images)).detach()
    given = expected + torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    plain = 0.0
    for right, answer, valid in zip(expected, given, valid_steps(images, given.shape[1]), strict=True):
        own = [divergence(shares(right[t].tolist()), shares(answer[t].tolist())) for t in valid.nonzero().ravel()]
        plain += sum(own) / len(own)
    assert teach(None, [given], part_of(images)).item() == pytest.approx(plain, rel=1e-4)
    assert teach(None, [expected], part_of(images)).item() == pytest.approx(0, abs=1e-4)


def test_means_over_time_forgive_blanks_that_lie_elsewhere():
    answers = torch.zeros(2, 1, 4, 3)
    for number, step in enumerate((1, 2)):  # the same character, a step apart
        answers[number, 0, :, 0], answers[number, 0, step, 0], answers[number, 0, step, 1] = 5, 0, 5
    part = part_of(torch.zeros(1, 1, 32, 16, dtype=torch.uint8).index_fill(3, torch.tensor([15]), 255))
    part.images[..., -1] = 0
    part.images[..., -2] = 255
    assert averaged_dml(None, answers, part).item() == pytest.approx(0, abs=1e-6)
    assert dml(None, answers, part).item() > 1


@pytest.mark.parametrize("seed", range(3))
def test_maps_of_detectors_against_plain_loops(seed):
    random = np.random.default_rng(seed)
    first, second = (torch.from_numpy(random.normal(0, 2, (2, 5, 6)).astype(np.float32)) for _ in range(2))
    counts = torch.from_numpy(random.integers(0, 2, (2, 5, 6)).astype(np.float32))
    expected = 0.0
    for p, q, weight in zip(first.sigmoid().ravel(), second.sigmoid().ravel(), counts.ravel(), strict=True):
        pair = [p.item(), 1 - p.item()], [q.item(), 1 - q.item()]
        expected += weight.item() * (divergence(*pair) + divergence(*pair[::-1])) / 2
    assert map_divergence(first, second, counts).item() == pytest.approx(expected / counts.sum().item(), rel=1e-4)
    mask = torch.from_numpy(random.random((2, 5, 6)) > 0.7)
    for page, y, x in np.ndindex(2, 5, 6):
        near = mask[page, max(0, y - 1) : y + 1, max(0, x - 1) : x + 1].any()
        assert dilated(mask)[page, y, x] == float(near)


def test_divergence_from_a_teachers_map_is_that_of_a_plain_loop():
    random = torch.Generator().manual_seed(3)
    logits, student = (3 * torch.randn(2, 5, 6, generator=random) for _ in range(2))
    teacher = logits.sigmoid()
    expected = sum(
        divergence([p, 1 - p], [q, 1 - q])
        for p, q in zip(teacher.flatten().tolist(), student.sigmoid().flatten().tolist(), strict=True)
    )
    assert divergence_from(teacher, student).item() == pytest.approx(expected / (4 * teacher.sum().item()), rel=1e-4)
    assert divergence_from(teacher, logits).item() == pytest.approx(0, abs=1e-6)
    assert divergence_from(torch.zeros(2, 5, 6), torch.full((2, 5, 6), -40.0)).item() == pytest.approx(0, abs=1e-6)


def test_a_detector_learns_the_map_of_a_frozen_one_alone(tmp_path):
    weights, device = save_untrained(tmp_path / "큰 것.pth"), Device.choose("fp32")
    images = torch.randint(0, 255, (2, 1, 64, 96), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    with torch.no_grad():
        words = load_db_light(weights)[0].eval()(device.input(images))[:, 0]
    between = FrozenMapTeacher(weights, device)
    part = images, torch.zeros(2, 4, *words.shape[1:], dtype=torch.uint8)
    random = torch.Generator().manual_seed(2)
    answer = torch.randn(2, 2, *words.shape[1:], generator=random)
    expected = 50 * divergence_from(words, answer[:, 0]).item()
    assert between(None, (answer,), part).item() == pytest.approx(expected, rel=1e-5)
    assert expected > 0.1
    other = torch.stack([answer[:, 0], answer[:, 1] + 3], 1)  # the threshold map does not say where words are
    assert between(None, (other,), part).item() == pytest.approx(expected, rel=1e-6)


def test_a_student_that_sees_the_teachers_words_has_the_least_loss():
    there, counts = torch.zeros(1, 8, 8), torch.ones(1, 8, 8)
    there[:, 2:5, 1:6] = 1
    right, wrong = (torch.stack([8 * (2 * mask - 1), torch.zeros(1, 8, 8)], 1) for mask in (there, 1 - there))
    assert taught_loss(right, there, counts) < 0.1
    assert taught_loss(wrong, there, counts) > 5


def test_students_learn_the_teachers_words_dilated_and_each_other_where_labels_count():
    class Teacher(torch.nn.Module):
        def forward(self, images):
            return torch.where(torch.arange(64).reshape(1, 1, 8, 8) % 5 == 0, 0.31, 0.29).expand(2, 1, 8, 8)

    random = torch.Generator().manual_seed(1)
    first, second = (2 * torch.randn(2, 2, 8, 8, generator=random) for _ in range(2))
    targets = torch.randint(0, 2, (2, 4, 8, 8), generator=random).to(torch.uint8)
    part = torch.zeros(2, 1, 16, 16, dtype=torch.uint8), targets
    between = CollaborativeLoss(Teacher(), Device.choose("fp32"))
    found = between(None, (first, second), part)
    words, counts = dilated(torch.arange(64).reshape(1, 8, 8).expand(2, 8, 8) % 5 == 0), targets[:, 1].float()
    parts = taught_loss(first, words, counts), taught_loss(second, words, counts)
    expected = sum(parts) + map_divergence(first[:, 0], second[:, 0], counts)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    elsewhere = torch.where(targets[:, 1:2] == 0, 9.0, first)
    assert between(None, (elsewhere, second), part).item() == pytest.approx(found.item(), rel=1e-5)


def pair_of(kind, between, adapters=None):
    """Make a task of two, the second one with another seed."""

    def make(config, processes):
        other = config.model_copy(update={"seed": config.seed + 1})
        return MutualTask([kind(config, processes), kind(other, processes)], between, adapters)

    return make


def test_without_a_loss_between_them_each_learns_as_it_would_alone(tmp_path):
    config = toy_settings(tmp_path / "둘", dropout=0.0, grad_clip=1e9)
    trainer.train(pair_of(ToyTask, lambda *_: torch.zeros(())), config)
    alone = toy_settings(tmp_path / "하나", dropout=0.0, grad_clip=1e9)
    trainer.train(ToyTask, alone)
    together = {
        key.removeprefix("students.0."): value
        for key, value in state_of(config)["model"].items()
        if key.startswith("students.0.")
    }
    assert_equal(together, state_of(alone)["model"])
    names = [path.name for path in alone.experiment.glob("best_*.pth")]
    assert names
    for name in names:
        assert (config.experiment / name).read_bytes() == (alone.experiment / name).read_bytes()


def test_two_points_of_view_come_nearer_to_each_other(tmp_path):
    def apart(folder, weight):
        config = toy_settings(folder, n_iter=30, dropout=0.0)
        trainer.train(pair_of(ToyTask, lambda _, a, __: weight * (a[0] - a[1]).square().sum()), config)
        model = Peers([ToyTask(config).build() for _ in range(2)])
        model.load_state_dict(state_of(config)["model"])
        answers = model.eval()(torch.randn(200, 3, generator=torch.Generator().manual_seed(1)))
        return (answers[0] - answers[1]).square().mean().item()

    assert apart(tmp_path / "함께", 5.0) < 0.5 * apart(tmp_path / "따로", 0.0)


@pytest.mark.parametrize("between", [averaged_dml, udml])
def test_recognizers_beside_each_other_killed_and_not(tmp_path, monkeypatch, between):
    kind = pair_of(RecognizerTask, between, feature_adapter if between is udml else None)
    whole, parted = (recognizer_settings(tmp_path / name, n_iter=4, ema=0.9) for name in ("한 번에", "나누어"))
    trainer.train(kind, whole)
    killed_at(monkeypatch, lambda config: trainer.train(kind, config), parted, (trainer.Trainer, "_step", 4, True))
    trainer.train(kind, parted)
    assert_equal(state_of(whole)["model"], state_of(parted)["model"])
    model, card, _ = open_trained(parted.experiment / "best_accuracy.pth")  # as if it had learnt alone
    assert card.network["Prediction"] == "CTC"
    assert set(model.state_dict()) == set(build_model(parted, card.network["num_class"]).state_dict())


@pytest.mark.parametrize("channels", [(3, 2), (3, 3)])
def test_distance_of_maps_is_that_of_a_plain_loop(channels):
    random, adapter = torch.Generator().manual_seed(1), FeatureAdapter(channels)
    first = torch.randn(2, channels[0], 1, 4, generator=random)
    second = torch.randn(2, channels[1], 2, 8, generator=random)
    adapter.maps = [first, second]
    found = adapter()
    fit = adapter.fit.weight[:, :, 0, 0] if channels[0] != channels[1] else torch.eye(3)
    bias = adapter.fit.bias if channels[0] != channels[1] else torch.zeros(3)
    for word in range(2):
        total = 0.0
        for channel, x in np.ndindex(channels[0], 4):
            square = second[word, :, :, 2 * x : 2 * x + 2].flatten(1).tolist()  # what is one place of the first map
            weights = fit[channel].tolist()
            values = [sum(w * each[place] for w, each in zip(weights, square, strict=True)) for place in range(4)]
            total += (first[word, channel, 0, x].item() - sum(values) / 4 - bias[channel].item()) ** 2
        assert found[word].item() == pytest.approx(total / (4 * channels[0]), rel=1e-4)


def test_udml_is_dml_and_the_distance_of_maps_summed_over_words():
    random = torch.Generator().manual_seed(1)
    answers = [torch.randn(3, 39, 7, generator=random) for _ in range(2)]
    maps = [torch.randn(3, 4, 1, 40, generator=random) for _ in range(2)]
    adapter, part = FeatureAdapter((4, 4)), part_of(words("가", "마바사가", "가나"))
    adapter.maps = list(maps)
    expected = dml(None, answers, part) + sum((one - other).square().mean() for one, other in zip(*maps, strict=True))
    assert udml(Peers([], adapter), answers, part).item() == pytest.approx(expected.item(), rel=1e-5)


def test_maps_of_networks_of_other_widths_meet_through_an_adapter(tmp_path):
    config = recognizer_settings(tmp_path)
    students = [build_model(config.model_copy(update={"output_channel": width}), 8) for width in (16, 32)]
    adapter = feature_adapter(students)
    images = torch.randn(2, 1, 32, 64)
    for student in students:
        student.train()(images)
    loss = adapter()
    assert loss.shape == (2,)
    loss.sum().backward()
    assert adapter.fit.weight.grad.abs().sum() > 0
    assert adapter.maps == []
    students[0].eval()(images)
    assert adapter.maps == []
