"""The logs of a run: their form, and that nothing stands in them twice."""

import json
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train_easyocr.engine.logs import Progress, RunLog, format_validation
from train_easyocr.recognition.validation import Outcome, Sample, Validation


def progress(iteration, loss=1.5):
    best = {"accuracy": 94.94, "norm_ed": 0.98256}
    return Progress(
        iteration=iteration,
        n_iter=100,
        training_loss=loss,
        best=best,
        lr=0.1,
        elapsed=3671.6,
        batch_size=64,
        processes=2,
        drawn={"select_data": 640},
    )


FIGURES = Outcome(Validation(loss=0.25, accuracy=93.5, norm_ed=0.975, words=40, samples=(Sample("가나", "가", 0.5),)))


def test_the_published_form():
    assert format_validation(progress(20), FIGURES).splitlines() == [
        "[20/100] Training loss: 1.50000 | Validation loss: 0.25000 | Total 1:01:12 elapsed",
        "Current accuracy: 93.500 | Current normalized edit distance: 0.9750",
        "Best accuracy:    94.940 | Best normalized edit distance:    0.9826",
        "-" * 80,
        "Ground Truth | Prediction | Confidence Score & T/F",
        "-------------+------------+-----------------------",
        "가나         | 가         | 0.5000 False",
        "-" * 80,
    ]


def logged(folder: Path):
    lines = [json.loads(line) for line in (folder / "log_train.jsonl").read_text().splitlines()]
    text = (folder / "log_train.txt").read_text(encoding="utf-8")
    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    scalars = {(event.step, round(event.value, 4)) for event in board.Scalars("training_loss")}
    return [line["iteration"] for line in lines], text.count("Training loss"), lines, scalars


def test_a_run_that_goes_on_cuts_its_logs_back(tmp_path):
    log = RunLog(tmp_path, {}, 0)
    log.validation(progress(10), FIGURES)
    sizes = log.sizes()
    log.validation(progress(20, loss=9), FIGURES)
    log.close()
    again = RunLog(tmp_path, sizes, 10)
    again.validation(progress(20, loss=2), FIGURES)
    again.close()
    iterations, blocks, lines, scalars = logged(tmp_path)
    assert iterations == [10, 20]
    assert blocks == 2
    assert lines[1]["training_loss"] == 2
    assert lines[1]["accuracy"] == 93.5
    assert {(10, 1.5), (20, 2.0)} <= scalars
    assert (20, 9.0) not in scalars


def test_a_new_run_begins_with_empty_logs_and_a_loss_of_no_words_is_null(tmp_path):
    log = RunLog(tmp_path, {}, 0)
    log.validation(progress(10), FIGURES)
    log.close()
    again = RunLog(tmp_path, {}, 0)
    again.validation(progress(5), Outcome(Validation(float("nan"), 0, 0, 0, ())))
    again.close()
    iterations, blocks, lines, scalars = logged(tmp_path)
    assert (iterations, blocks) == ([5], 1)
    assert lines[0]["validation_loss"] is None
    assert scalars == {(5, 1.5)}
