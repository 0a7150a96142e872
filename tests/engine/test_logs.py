"""The logs of a run: their form, and that nothing stands in them twice."""

import json
import time
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from train_easyocr.engine.logs import Progress, RunLog


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
    )


def next_second():
    """Wait: TensorBoard reads files in the order of the seconds they begin in, of one second .10 before .9."""
    time.sleep(1.01 - time.time() % 1)


TEXT, FIGURES = "Training loss: so", {"validation_loss": 0.25, "accuracy": 93.5, "drawn": {"select_data": 640}}


def test_the_line_that_begins_a_block():
    assert progress(20).headline() == "[20/100] Training loss: 1.50000 | Total 1:01:12 elapsed"
    assert progress(20).headline("F1: 1") == "[20/100] Training loss: 1.50000 | F1: 1 | Total 1:01:12 elapsed"


def logged(folder: Path):
    lines = [json.loads(line) for line in (folder / "log_train.jsonl").read_text().splitlines()]
    text = (folder / "log_train.txt").read_text(encoding="utf-8")
    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    scalars = {(event.step, round(event.value, 4)) for event in board.Scalars("training_loss")}
    return [line["iteration"] for line in lines], text.count("Training loss"), lines, scalars


def test_a_run_that_goes_on_cuts_its_logs_back(tmp_path):
    log = RunLog(tmp_path, {}, 0)
    log.record(progress(10), TEXT, FIGURES)
    sizes = log.sizes()
    log.record(progress(20, loss=9), TEXT, FIGURES)
    log.close()
    next_second()
    again = RunLog(tmp_path, sizes, 10)
    again.record(progress(20, loss=2), TEXT, FIGURES)
    again.close()
    iterations, blocks, lines, scalars = logged(tmp_path)
    assert iterations == [10, 20]
    assert blocks == 2
    assert lines[1]["training_loss"] == 2
    assert lines[1]["accuracy"] == 93.5
    assert {(10, 1.5), (20, 2.0)} <= scalars
    assert (20, 9.0) not in scalars


def test_a_new_run_begins_with_empty_logs_and_what_is_not_known_is_null(tmp_path):
    log = RunLog(tmp_path, {}, 0)
    log.record(progress(10), TEXT, FIGURES)
    log.close()
    next_second()
    again = RunLog(tmp_path, {}, 0)
    again.record(progress(5), TEXT, FIGURES | {"validation_loss": None})
    again.close()
    iterations, blocks, lines, scalars = logged(tmp_path)
    assert (iterations, blocks) == ([5], 1)
    assert lines[0]["validation_loss"] is None
    assert scalars == {(5, 1.5)}
