"""Validation: the figures against plain computation, and reading as EasyOCR reads."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance
from torch.nn import functional

from tests.recognition.word_sets import WORDS, tiny_config, write_set
from train_easyocr.datasets.data import open_set
from train_easyocr.datasets.images import reading_width, resize_patch, to_batch
from train_easyocr.engine.device import Device, normalize
from train_easyocr.recognition.decoding import prefix_beam_search
from train_easyocr.recognition.losses import make_criterion
from train_easyocr.recognition.model import build_model
from train_easyocr.recognition.task import make_converter
from train_easyocr.recognition.validation import (
    BEAM_WIDTH,
    Score,
    ValidatedWord,
    Validation,
    Validator,
    normalized_edit_similarity,
    read_logits,
    read_patches,
)
from train_easyocr.weights.characters import CharacterSet

CPU = Device(torch.device("cpu"), "fp32")


pytestmark = pytest.mark.usefixtures("one_thread")


class Parts:
    """A validator with a network of random weights that reads something."""

    def __init__(self, folder, sets=("a",), labels=WORDS, **settings):
        shares = {1: "1", 2: "0.5-0.5"}[len(sets)]
        self.config = tiny_config(select_data="-".join(sets), batch_ratio=shares, **settings)
        self.converter = make_converter(self.config, CharacterSet(self.config.character))
        for name in sets:
            if not (folder / name).is_dir():
                write_set(folder / name, labels)
        sets = [open_set(folder / name, self.config, self.converter.character_set) for name in sets]
        self.patches = [data.patch(index, self.config.rgb) for data in sets for index in range(len(data))]
        self.labels = [data.label(index) for data in sets for index in range(len(data))]
        self.criterion = make_criterion(self.converter, self.config.batch_max_length, skip_unknown=False)
        torch.manual_seed(3)
        self.model = build_model(self.config, self.converter.num_class)
        self.validator = Validator(sets, self.config, self.converter, self.criterion, CPU)

    def run(self, iteration=0):
        return self.validator.run(self.model, iteration)


@pytest.mark.parametrize(
    ("truth", "prediction", "similarity"),
    [
        ("가나다", "가나다", 1),
        ("가나다", "", 0),
        ("가나다라", "가나다", 0.75),
        ("가", "가나", 0.5),
        ("가나", "다라", 0),
    ],
)
def test_similarity_is_one_minus_edit_distance_by_the_longer_length(truth, prediction, similarity):
    assert normalized_edit_similarity(truth, prediction) == similarity


@given(st.text("가나다 1", max_size=8), st.text("가나다 1", max_size=8))
def test_similarity_is_that_of_the_plain_edit_distance(truth, prediction):
    longer = max(len(truth), len(prediction))
    expected = 1 - edit_distance(truth, prediction) / longer if longer else 1
    assert normalized_edit_similarity(truth, prediction) == pytest.approx(expected, abs=1e-12)


def test_a_score_of_nothing_is_zero_and_means_are_over_words():
    score = Score()
    assert score.summary() == (0, 0)
    score.update("가나", "가나")
    score.update("가나다라", "가나")
    assert score.summary() == (50, 0.75)


@pytest.mark.parametrize("settings", [{}, {"Prediction": "Attn"}, {"batch_width": "fixed", "Transformation": "TPS"}])
def test_words_are_read_as_one_by_one(tmp_path, settings):
    parts = Parts(tmp_path, show_number=12, **settings)
    result = parts.run()
    parts.model.eval()
    for sample, patch, label in zip(result.samples, parts.patches, parts.labels, strict=True):
        width = reading_width(patch.shape[1], patch.shape[0], 32)
        image = normalize(torch.from_numpy(to_batch([resize_patch(patch, 32, width)], width)))
        with torch.no_grad():
            [(text, confidence)] = read_logits(parts.model(image), parts.converter)
        assert (sample.truth, sample.prediction) == (label, text)
        assert sample.confidence == pytest.approx(confidence, rel=1e-3)
    assert {sample.prediction for sample in result.samples} != {""}
    assert result.words == 12
    similarities = [normalized_edit_similarity(s.truth, s.prediction) for s in result.samples]
    assert result.norm_ed == pytest.approx(np.mean(similarities))
    assert result.accuracy == 100 * np.mean([s.truth == s.prediction for s in result.samples])


def test_the_loss_is_the_mean_over_words_that_fit(tmp_path):
    parts = Parts(tmp_path)
    result = parts.run()
    losses = []
    for patch, label in zip(parts.patches, parts.labels, strict=True):
        width = reading_width(patch.shape[1], patch.shape[0], 32)
        image = normalize(torch.from_numpy(to_batch([resize_patch(patch, 32, width)], width)))
        targets, lengths = parts.converter.encode([label])
        with torch.no_grad():
            steps = parts.model(image).log_softmax(2).permute(1, 0, 2)
        losses.append(functional.ctc_loss(steps, targets, torch.tensor([len(steps)]), lengths).item())
    assert all(map(math.isfinite, losses))
    assert result.loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_a_label_too_long_for_its_patch_counts_as_read_but_not_in_the_loss(tmp_path):
    square = [np.full((32, 32), 9, np.uint8)]
    write_set(tmp_path / "a", ["가나다라마바사가"], patches=square)
    result = Parts(tmp_path).run()
    assert result.words == 1
    assert math.isnan(result.loss)


def test_batch_size_and_workers_change_nothing(tmp_path):
    results = [Parts(tmp_path, **settings).run() for settings in ({}, {"batch_size": 1}, {"workers": 2})]
    for result in results[1:]:
        assert [(s.truth, s.prediction) for s in result.samples] == [
            (s.truth, s.prediction) for s in results[0].samples
        ]
        assert result.loss == pytest.approx(results[0].loss, rel=1e-4)
        assert (result.accuracy, result.words) == (results[0].accuracy, results[0].words)


def test_several_sets_are_validated_together(tmp_path):
    write_set(tmp_path / "b", WORDS[:5])
    both = Parts(tmp_path, ("a", "b"), show_number=17)
    result = both.run()
    assert result.words == 17
    assert [sample.truth for sample in result.samples] == WORDS + WORDS[:5]


def test_samples_change_with_the_iteration_and_not_with_the_run(tmp_path):
    parts = Parts(tmp_path, show_number=3)
    shown = [tuple(sample.truth for sample in parts.run(iteration).samples) for iteration in (1, 2, 3, 1)]
    assert len(shown[0]) == 3
    assert shown[0] == shown[3]
    assert len(set(shown)) > 1
    assert Parts(tmp_path, show_number=0).run().samples == ()


def test_beam_search_decodes_by_beam_search(tmp_path):
    torch.manual_seed(1)
    parts = Parts(tmp_path, decode="beamsearch")
    logits = torch.randn(20, 7, parts.converter.num_class)
    expected = [prefix_beam_search(word.log_softmax(1).numpy(), BEAM_WIDTH)[0] for word in logits]
    beam = read_logits(logits, parts.converter, "beamsearch")
    plain = read_logits(logits, parts.converter)
    assert [text for text, _ in beam] == [parts.converter.decode(path) for path in expected]
    assert [text for text, _ in beam] != [text for text, _ in plain]
    assert [confidence for _, confidence in beam] == [confidence for _, confidence in plain]
    beam_everywhere = Parts(tmp_path, decode="beamsearch", show_number=12).run()
    probabilities = read_patches(
        parts.model, parts.converter, parts.patches, parts.config, device=CPU, decode="beamsearch"
    )
    assert [sample.prediction for sample in beam_everywhere.samples] == [text for text, _ in probabilities]


def test_patches_are_read_in_their_order_as_validation_reads_them(tmp_path):
    parts = Parts(tmp_path, show_number=12)
    result = parts.run()
    for batch_size in (1, 5):
        texts = read_patches(
            parts.model, parts.converter, parts.patches, parts.config, device=CPU, batch_size=batch_size
        )
        assert [text for text, _ in texts] == [sample.prediction for sample in result.samples]
    assert read_patches(parts.model, parts.converter, [], parts.config, device=CPU) == []


def test_what_the_check_raises_ends_the_validation(tmp_path):
    class StopError(Exception):
        pass

    def check():
        raise StopError

    parts = Parts(tmp_path)
    with pytest.raises(StopError):
        parts.validator.run(parts.model, 0, check)


def test_the_table_lines_up_for_hangul():
    samples = (ValidatedWord("경남 김해시", "경남 김해시", 0.98765), ValidatedWord("A", "가\n나", 0.5))
    assert Validation(0, 0, 0, 2, samples).table().splitlines() == [
        "Ground Truth | Prediction  | Confidence Score & T/F",
        "-------------+-------------+-----------------------",
        "경남 김해시  | 경남 김해시 | 0.9877 True",
        "A            | 가\\n나      | 0.5000 False",
    ]
