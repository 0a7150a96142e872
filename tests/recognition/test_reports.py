"""A recognizer's validation in the logs: the published form."""

from dataclasses import replace

from tests.engine.test_logs import progress
from train_easyocr.recognition.reports import log_figures, log_lines
from train_easyocr.recognition.validation import ValidatedWord, Validation

RESULT = Validation(loss=0.25, accuracy=93.5, norm_ed=0.975, words=40, samples=(ValidatedWord("가나", "가", 0.5),))


def test_the_published_form():
    text = "\n".join(log_lines(progress(20), {"select_data": 640}, RESULT))
    assert text.splitlines() == [
        "[20/100] Training loss: 1.50000 | Validation loss: 0.25000 | Total 1:01:12 elapsed",
        "Current accuracy: 93.500 | Current normalized edit distance: 0.9750",
        "Best accuracy:    94.940 | Best normalized edit distance:    0.9826",
        "-" * 80,
        "Ground Truth | Prediction | Confidence Score & T/F",
        "-------------+------------+-----------------------",
        "가나         | 가         | 0.5000 False",
        "-" * 80,
    ]


def test_a_loss_of_no_words_is_null():
    assert log_figures(progress(5), {}, RESULT)["validation_loss"] == 0.25
    assert log_figures(progress(5), {}, replace(RESULT, loss=float("nan")))["validation_loss"] is None
