"""Folders in the form of MSTextRecLMSSLDataset, and settings of networks that learn in seconds."""

import cv2

from tests.recognition.word_sets import SYLLABLES, TINY, WORDS, render

TEXTS = WORDS[:6]
"""Few enough for a tiny network to know by heart soon."""


def write_folder(folder, labelled=24, validation=30, unlabelled=30):
    """Write images and lists; each picture is another one. Returns what the unlabelled words say, by their paths."""
    truth = {}
    for number in range(labelled + validation + unlabelled):
        name = f"images/쪽 {number % 3}/낱말_{number:03d}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        truth[name] = TEXTS[number % len(TEXTS)]
        cv2.imencode(".png", render(truth[name], noise=number))[1].tofile(str(folder / name))
    names = list(truth)
    first, last = names[:labelled], names[labelled + validation :]
    write_lists(
        folder, {name: truth[name] for name in first}, {n: truth[n] for n in names[labelled:][:validation]}, last
    )
    return {name: truth[name] for name in last}


def write_lists(folder, labelled, validation, unlabelled):
    for file, words in (("train.txt", labelled), ("val.txt", validation)):
        lines = "".join(f"{name}\t{text}\n" for name, text in words.items())
        (folder / file).write_text(lines, encoding="utf-8")
    (folder / "train_unlabeled.txt").write_text("".join(f"{name}\n" for name in unlabelled), encoding="utf-8")
    (folder / "dict.txt").write_text("".join(f"{letter}\n" for letter in SYLLABLES), encoding="utf-8")


OURS = ("workers", "precision", "character")
NETWORK = {key: value for key, value in TINY.items() if key not in OURS} | {
    "output_channel": 32,
    "hidden_size": 32,
    "batch_size": 8,
    "lr": 0.005,
    "n_iter": 160,
    "val_period": 1_000,
    "save_period": 1_000,
}


def settings(folder, **changes):
    """`key=value` as on a command line."""
    values = {f"{size}.{key}": value for size in ("large", "small") for key, value in NETWORK.items()}
    values |= {"large.ema": 0.9, "saved_models": folder / "저장 모델", "experiment_name": "시험"}
    values |= {"workers": 0, "precision": "fp32", "small.n_iter": 20, "least_accuracy": 30, "rounds": 1, "views": 0.05}
    return [f"{key}={value}" for key, value in (values | changes).items()]
