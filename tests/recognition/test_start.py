"""What a training starts from: where it is found, and new characters that are learnt first."""

import pytest
import torch
from torch import nn

from tests.easyocr_files import install_random_weights
from tests.recognition.word_sets import SYLLABLES, tiny_config
from train_easyocr.common.errors import MissingWeightsError, UsageError
from train_easyocr.engine.device import Device
from train_easyocr.engine.state import load_state
from train_easyocr.recognition import start as start_module
from train_easyocr.recognition.batches import WordBatch
from train_easyocr.recognition.losses import CtcCriterion
from train_easyocr.recognition.start import find_start, learn_new_characters
from train_easyocr.recognition.task import train
from train_easyocr.weights.characters import CharacterSet, CtcConverter
from train_easyocr.weights.checkpoints import read_weights

pytestmark = pytest.mark.usefixtures("one_thread")

CHARACTERS = "가나다바사뷁"
NEW = [4, 5, 6]
"""The classes of 바, 사 and 뷁, of which no word holds the last one."""
WORDS = ["가바", "사나", "다가", "바사", "나다", "사바가", "가나다", "바"]


class Signs(nn.Module):
    """A network for images of which every fourth column is as dark as its character's number.

    It is sure of the first three, and takes 바 for 가 and 사 for 나 with hardly less confidence.
    """

    def __init__(self):
        super().__init__()
        self.pictures = torch.randint(2, (7, 64), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
        self.Prediction = nn.Linear(64, len(CHARACTERS) + 1)
        with torch.no_grad():
            rows = self.pictures * 12 / 64
            rows[1] += self.pictures[4] * 11 / 64
            rows[2] += self.pictures[5] * 11 / 64
            rows[4:] = rows[1:4].mean(0)
            self.Prediction.weight.copy_(rows)
            self.Prediction.bias.copy_(torch.tensor([0.0] * 4 + [-2.0] * 3))

    def features(self, images):
        return self.pictures[images[:, 0, 0, ::4].long()]


@pytest.fixture
def signs(monkeypatch):
    monkeypatch.setattr(Device, "input", lambda _, images: images)
    return Signs()


def pictures():
    """A batch of words, each sign followed by paper."""
    images = torch.zeros(len(WORDS), 1, 1, 24, dtype=torch.uint8)
    for image, word in zip(images, WORDS, strict=True):
        for place, character in enumerate(word):
            image[0, 0, 8 * place] = CHARACTERS.index(character) + 1
    return WordBatch(images, WORDS, [torch.arange(len(WORDS)).numpy()])


def learn(model, count, parts=1):
    converter = CtcConverter(CharacterSet(CHARACTERS))
    criterion = CtcCriterion(converter, skip_unknown=False)
    device = Device(torch.device("cpu"), "fp32")
    return learn_new_characters(
        model, NEW, [pictures()] * count, count, criterion=criterion, device=device, parts=parts
    )


def read(model):
    classes = model.Prediction(model.features(pictures().images)).argmax(2)
    return ["".join(CHARACTERS[number - 1] for number in word if number) for word in classes]


def test_new_characters_are_read_after_some_batches_and_known_ones_as_before(signs):
    before = {key: value.clone() for key, value in signs.state_dict().items()}
    assert read(signs)[:3] == ["가가", "나나", "다가"]
    losses = learn(signs, 100)
    assert len(losses) == 100
    assert losses[-1] < losses[0] / 3
    assert read(signs) == WORDS
    for key, value in signs.state_dict().items():
        assert torch.equal(value[:4], before[key][:4])


def test_characters_that_do_not_occur_hardly_move(signs):
    before = signs.Prediction.weight.detach().clone()
    learn(signs, 100)
    moved = (signs.Prediction.weight.detach() - before).norm(dim=1)
    assert moved[4:6].min() > 0.5
    assert moved[6] < moved[4:6].min() / 3


def test_batches_in_parts_give_the_same_rows(signs):
    whole = Signs()
    losses = learn(whole, 10)
    assert learn(signs, 10, parts=3) == pytest.approx(losses, rel=1e-5)
    assert torch.allclose(signs.Prediction.weight, whole.Prediction.weight, atol=1e-5)


@pytest.mark.slow
def test_the_trainer_learns_new_characters_once_and_first(data, capsys):
    train(tiny_config(data, experiment_name="start", character=SYLLABLES[:5], data_filtering_off=True, n_iter=1))
    start = tiny_config(data, experiment_name="start").experiment / "best_accuracy.pth"
    capsys.readouterr()
    for count, name in ((0, "none"), (20, "some")):
        config = tiny_config(
            data, experiment_name=name, continue_from=str(start), new_characters_first=count, n_iter=30, lr=1e-12
        )
        train(config)
    assert capsys.readouterr().out.count("New characters were learnt first, their rows alone, on 20 batches") == 1
    plain, learnt = (load_state(tiny_config(data, experiment_name=name).experiment) for name in ("none", "some"))
    for key, value in learnt["model"].items():
        known, before = (each[:6] if key.startswith("Prediction") else each for each in (value, plain["model"][key]))
        assert torch.allclose(known, before, atol=1e-8), key
    rows = learnt["model"]["Prediction.weight"][6:]
    assert (rows - plain["model"]["Prediction.weight"][6:]).abs().mean() > 0.02
    assert torch.equal(read_weights(start)["Prediction.weight"], plain["model"]["Prediction.weight"][:6])
    train(config)
    assert "learnt first" not in capsys.readouterr().out


def test_weights_that_can_not_be_had_are_told_with_those_that_can(data, monkeypatch):
    def missing(name):
        raise MissingWeightsError(f"{name} is nowhere")

    monkeypatch.setattr(start_module, "find_weights", missing)
    with pytest.raises(MissingWeightsError, match=r"korean_g2 is nowhere; .* continue_from=starter img_height=32$"):
        train(tiny_config(data, continue_from="korean_g2"))


def test_weights_that_know_words_of_another_height_are_told(data, capsys):
    for height in (32, 48):
        train(tiny_config(data, experiment_name=f"{height}", img_height=height, n_iter=1))
    first = tiny_config(data, experiment_name="32").experiment / "best_accuracy.pth"
    capsys.readouterr()
    for height, told in ((32, 0), (48, 1)):
        name = f"from 32 to {height}"
        train(tiny_config(data, experiment_name=name, img_height=height, continue_from=str(first), n_iter=1))
        assert capsys.readouterr().out.count("these weights know words 32 pixels high; img_height=32") == told


def test_known_characters_leave_nothing_to_be_learnt_first(data, capsys):
    train(tiny_config(data, experiment_name="start", n_iter=1))
    start = tiny_config(data, experiment_name="start").experiment / "best_accuracy.pth"
    train(tiny_config(data, experiment_name="same", continue_from=str(start), character=SYLLABLES[::-1], n_iter=1))
    said = capsys.readouterr().out
    assert "7 characters keep their trained rows" in said
    assert "learnt first" not in said


def test_a_start_is_a_file_or_a_name_of_easyocr(tmp_path, monkeypatch):
    install_random_weights(tmp_path, monkeypatch, names=("korean_g2",))
    path, characters = find_start("korean_g2")
    assert path.name == "korean_g2.pth"
    assert len(characters) == 1008
    (tmp_path / "mine").touch()
    assert find_start(str(tmp_path / "mine")) == (tmp_path / "mine", "")
    for wrong in ("nothing.pth", "folder/nothing", str(tmp_path)):
        with pytest.raises(UsageError, match="no such file"):
            find_start(wrong)
    with pytest.raises(UsageError, match="korean_g3"):
        find_start("korean_g3")
