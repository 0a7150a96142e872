"""The command line around an evaluation: other systems' predictions, exports, history, marks. No network is opened."""

import csv
import json
import math
import zipfile

import pytest

import evaluate
from tests.evaluation.fakes import FakeRecognizer, fake_model
from tests.evaluation.installed import write_set
from train_easyocr.common.files import sha256
from train_easyocr.documents.aihub import find_pages, read_labelled_page
from train_easyocr.documents.page_sums import pack_sums, page_sum
from train_easyocr.evaluation import command
from train_easyocr.evaluation.exchange import read_predictions, write_predictions
from train_easyocr.evaluation.learnt_pages import LEARNT_FROM
from train_easyocr.settings.config import Config
from train_easyocr.weights.model_files import Place

pytestmark = pytest.mark.slow


@pytest.fixture
def eval_set(tmp_path):
    return write_set(tmp_path / "set")


@pytest.fixture
def perfect(eval_set, tmp_path):
    """A file in which another system read everything right, but for the last page, which is not in it."""
    pages = [read_labelled_page(file) for file in find_pages(eval_set)[0]][:-1]
    rows = {page.name: [[*word.box, word.text, 0.9] for word in page.words] for page in pages}
    write_predictions(tmp_path / "perfect.json", rows, "other")
    return tmp_path / "perfect.json"


@pytest.fixture
def finetuned(tmp_path, monkeypatch):
    """An installed model, with a reader that needs no network."""
    weights = tmp_path / "easyocr" / "model" / "finetuned.pth"
    files = [weights, *(tmp_path / "easyocr" / "user_network" / f"finetuned.{suffix}" for suffix in ("yaml", "py"))]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"model")
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    model = fake_model("finetuned", {"weights_sha256": sha256(weights)}, FakeRecognizer())
    monkeypatch.setattr(command, "find_models", lambda baseline, finetuned, *_: ([model] if finetuned else [], {}))
    return weights


def step5(tmp_path, *options):
    return evaluate.main(
        [
            "--eval_set",
            str(tmp_path / "set"),
            "--output",
            str(tmp_path / "out"),
            *map(str, options),
            f"saved_models={tmp_path / 'saved'}",
        ]
    )


def result(tmp_path):
    return json.loads((tmp_path / "out" / "evaluation_result.json").read_text(encoding="utf-8"))


def test_predictions_of_another_system_alone(perfect, finetuned, tmp_path, capsys):
    assert step5(tmp_path, "--predictions", perfect) == 0
    found = result(tmp_path)
    assert (list(found["models"]), found["boxes"]) == (["perfect"], "predictions")
    assert found["models"]["perfect"]["identity"]["predictions_sha256"] == sha256(perfect)
    assert found["models"]["perfect"]["mean"]["end_to_end_f1"] == 0.75
    names = [page.name for page in find_pages(tmp_path / "set")[0]]
    lines = (tmp_path / "out" / "analysis_pages.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["page"] for line in lines] == names
    said = capsys.readouterr()
    assert "1 pages are not in it" in said.err
    assert "read at the predictions' own boxes" in said.out


def learnt_from(weights, eval_set, *numbers):
    """Write a card that says so of some pages; return the pages' names."""
    pages = find_pages(eval_set)[0]
    sums = [page_sum(pages[number].image.read_bytes()) for number in numbers] + [page_sum(b"elsewhere")]
    weights.with_suffix(".json").write_text(json.dumps({"trained_on": pack_sums(sums)}))
    return [pages[number].name for number in numbers]


def scored(tmp_path):
    lines = (tmp_path / "out" / "analysis_pages.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["page"] for line in lines]


def test_pages_that_weights_learnt_from_are_named_and_left_out(finetuned, eval_set, tmp_path, capsys):
    names = [page.name for page in find_pages(eval_set)[0]]
    learnt = learnt_from(finetuned, eval_set, 1, 3)
    assert step5(tmp_path, "--finetuned", "--boxes", "labels", "--limit", 2) == 0
    assert scored(tmp_path) == [name for name in names if name not in learnt][:2]
    said = capsys.readouterr().err
    for name in learnt:
        assert f"{name}: finetuned learnt from this page\n" in said
    assert (
        f"2 of {len(names)} pages are among those that finetuned learnt from and are left out; --with_training" in said
    )
    skipped = result(tmp_path)["skipped"]
    assert [page["reason"] for page in skipped] == [LEARNT_FROM] * 2


def test_pages_that_weights_learnt_from_can_be_scored(finetuned, eval_set, tmp_path, capsys):
    names = [page.name for page in find_pages(eval_set)[0]]
    learnt_from(finetuned, eval_set, 0)
    for options in (("--with_training_pages",), ("--export_badcases", tmp_path / "나쁜 낱말")):
        assert step5(tmp_path, "--finetuned", "--boxes", "labels", *options) == 0
        assert scored(tmp_path) == names
        assert "finetuned learnt from: their scores say nothing about other pages" in capsys.readouterr().err
    learnt_from(finetuned, eval_set, *range(len(names)))
    assert step5(tmp_path, "--finetuned", "--boxes", "labels") == 1
    assert (
        f"{len(names)} of {len(names)} pages are among those that finetuned learnt from; --with"
        in capsys.readouterr().err
    )


def test_other_weights_and_the_detector_have_learnt_too(finetuned, eval_set, tmp_path, capsys, monkeypatch):
    detection = Place(finetuned.parent, finetuned.parent)
    detection.detection_settings.write_text("settings")
    other = tmp_path / "other.pth"
    asked = evaluate.parse_args(["--finetuned", "--weights", str(other), "--boxes", "detector"])
    names = learnt_from(other, eval_set, 0) + learnt_from(detection.detector, eval_set, 2)
    pages = find_pages(eval_set)[0]
    other.touch()
    left, problems = command._not_trained_on(pages, asked, Config())
    assert [page.name for page in pages if page not in left] == [problem.name for problem in problems] == sorted(names)
    said = capsys.readouterr().err
    assert f"{names[0]}: {other} learnt from this page" in said
    assert f"{names[1]}: the installed detector learnt from this page" in said
    at_labels = evaluate.parse_args(["--finetuned", "--boxes", "labels"])
    assert command._not_trained_on(pages, at_labels, Config()) == (pages, [])


def test_beside_a_model(perfect, finetuned, tmp_path, capsys):
    assert step5(tmp_path, "--predictions", perfect, "--finetuned", "--boxes", "labels") == 0
    found = result(tmp_path)
    assert (list(found["models"]), found["boxes"]) == (["perfect", "finetuned"], "labels")
    assert "finetuned - perfect" in capsys.readouterr().out
    with (tmp_path / "out" / "evaluation_result.csv").open(encoding="utf-8") as file:
        assert {row["model"] for row in csv.DictReader(file)} == {"perfect", "finetuned"}


@pytest.mark.parametrize("suffix", ["json", "csv", "zip"])
def test_exported_words_score_the_same(finetuned, eval_set, tmp_path, suffix):
    exported = tmp_path / f"ours.{suffix}"
    assert step5(tmp_path, "--finetuned", "--boxes", "labels", "--export", exported) == 0
    before = result(tmp_path)["models"]["finetuned"]["mean"]
    assert step5(tmp_path, "--predictions", exported) == 0
    assert result(tmp_path)["models"]["ours"]["mean"] == before
    if suffix == "zip":
        with zipfile.ZipFile(tmp_path / "ours_labels.zip") as labels, zipfile.ZipFile(exported) as words:
            assert labels.namelist() == words.namelist()
            assert len(labels.namelist()) == 4
        pages = [read_labelled_page(file) for file in find_pages(eval_set)[0]]
        found = read_predictions(tmp_path / "ours_labels.zip", [page.name for page in pages])
        assert {page: [row[:5] for row in rows] for page, rows in found.rows.items()} == {
            page.name: [[*word.box, word.text] for word in page.words] for page in pages
        }
        assert all(math.isnan(row[5]) for rows in found.rows.values() for row in rows)


def test_labels_in_another_form_score_the_same(finetuned, eval_set, tmp_path, capsys):
    """What was exported in the ICDAR form, unpacked beside the images, is an evaluation set of its own."""
    assert step5(tmp_path, "--finetuned", "--boxes", "labels", "--export", tmp_path / "ours.zip") == 0
    before = result(tmp_path)
    assert "left out" not in capsys.readouterr().err
    (eval_set / "labels").rename(tmp_path / "labels_of_ai_hub")
    with zipfile.ZipFile(tmp_path / "ours_labels.zip") as labels:
        labels.extractall(eval_set / "gt")
    assert step5(tmp_path, "--finetuned", "--boxes", "labels") == 0
    after = result(tmp_path)
    assert after["models"]["finetuned"]["mean"] == before["models"]["finetuned"]["mean"]
    assert after["words"] == before["words"] > 0
    file = sorted((eval_set / "gt").rglob("*.txt"))[0]
    file.write_text(f"{file.read_text(encoding='utf-8')}1,1,9,1,9,9,1,9,###\n깨진 줄\n", encoding="utf-8")
    capsys.readouterr()
    assert step5(tmp_path, "--finetuned", "--boxes", "labels") == 0
    assert result(tmp_path)["words"] == before["words"]
    err = capsys.readouterr().err
    assert f"of {file.name}: malformed annotation" in err
    assert "1 labelled words are left out: marked as don't care" in err
    assert "counts as false" in err
    assert step5(tmp_path, "--finetuned", "--label_format", "ppocrlabel") == 1
    assert "Label.txt" in capsys.readouterr().err


def test_model_that_is_exported(perfect, finetuned, tmp_path):
    both = ("--predictions", perfect, "--finetuned", "--boxes", "labels")
    assert step5(tmp_path, *both, "--export", tmp_path / "e.json", "--model", "perfect") == 0
    assert json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))["model"] == "perfect"
    assert step5(tmp_path, *both, "--export", tmp_path / "e.json", "--model", "none") == 2


def test_bad_cases(perfect, finetuned, tmp_path, capsys):
    assert step5(tmp_path, "--predictions", perfect, "--export_badcases", tmp_path / "bad") == 0
    with (tmp_path / "bad" / "labels.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 5  # the page that was not read
    assert "did not read right: 5" in capsys.readouterr().out


def test_nothing_is_read_when_the_end_would_fail(perfect, finetuned, tmp_path, capsys):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    assert step5(tmp_path, "--predictions", perfect, "--export_badcases", mine) == 1
    assert step5(tmp_path, "--finetuned", "--mark", "last") == 2
    for options in (["--export", "x.txt"], ["--predictions", str(perfect), "--mark", "x"]):
        with pytest.raises(SystemExit, match="2"):
            step5(tmp_path, *options)
    assert not (tmp_path / "out").exists()


def test_broken_predictions(finetuned, eval_set, tmp_path, capsys):
    (tmp_path / "bad.json").write_text("{}")
    assert step5(tmp_path, "--predictions", tmp_path / "bad.json") == 1
    assert "bad.json" in capsys.readouterr().err


def test_two_files_of_one_name(perfect, finetuned, tmp_path, capsys):
    assert step5(tmp_path, "--predictions", perfect, "--predictions", perfect) == 2
    assert "rename the file" in capsys.readouterr().err


def test_weights_of_one_name_are_told_apart_by_their_folders(eval_set, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "find_models", lambda *_: ([], {}))
    monkeypatch.setattr(
        command,
        "model_of_bundle",
        lambda bundle, name, *_: fake_model(name, {"weights_sha256": sha256(bundle.recognizer)}, FakeRecognizer()),
    )
    chosen = []
    for experiment in ("첫째", "둘째"):
        path = tmp_path / experiment / "best_accuracy.pth"
        path.parent.mkdir()
        path.write_text(experiment, encoding="utf-8")
        chosen += ["--weights", path]
    assert step5(tmp_path, *chosen, "--boxes", "labels") == 0
    scores = json.loads((tmp_path / "out" / "evaluation_result.json").read_text(encoding="utf-8"))
    assert list(scores["models"]) == ["첫째/best_accuracy", "둘째/best_accuracy"]
    assert step5(tmp_path, *chosen[:2], "--boxes", "labels") == 0
    assert "| best_accuracy\n" in capsys.readouterr().out
    assert step5(tmp_path, *chosen[:2], *chosen[:2], "--boxes", "labels") == 2
    assert "rename the file" in capsys.readouterr().err


def test_weights_by_name_that_are_evaluated_already(eval_set, tmp_path, monkeypatch, capsys):
    """As `--baseline --weights starter` where EasyOCR's weights can't be had: there is no file to rename."""
    starter = fake_model("starter", {"weights_sha256": "0"}, FakeRecognizer())
    monkeypatch.setattr(command, "find_models", lambda *_: ([starter], {}))
    assert step5(tmp_path, "--baseline", "--weights", "starter", "--boxes", "labels") == 2
    error = capsys.readouterr().err
    assert "--weights starter: there is another model called starter; it is evaluated already, leave it out" in error
    assert "rename" not in error


def test_folders_of_weights_of_one_name(eval_set, tmp_path, monkeypatch, capsys):
    """They are other weights: nothing says which of them is evaluated already."""
    monkeypatch.setattr(command, "find_models", lambda *_: ([], {}))
    monkeypatch.setattr(command, "model_of_bundle", lambda _, name, *__: fake_model(name, {}, FakeRecognizer()))
    chosen = []
    for above in ("첫째", "둘째"):
        folder = tmp_path / above / "모델"
        folder.mkdir(parents=True)
        (folder / "recognizer.pth").write_text(above, encoding="utf-8")
        chosen += ["--weights", folder]
    assert step5(tmp_path, *chosen, "--boxes", "labels") == 2
    assert "another model called 모델; rename the folder" in capsys.readouterr().err


def test_history_and_comparison(perfect, finetuned, tmp_path, capsys):
    assert step5(tmp_path, "--predictions", perfect) == 0
    assert step5(tmp_path, "--finetuned", "--boxes", "labels", "--mark", "first") == 0
    said = capsys.readouterr().out
    assert "kept as evaluation 2" in said
    copy = tmp_path / "saved" / "marked" / "first" / "recognizer.pth"
    assert str(copy) in said
    assert copy.read_bytes() == finetuned.read_bytes()
    assert step5(tmp_path, "--history") == 0
    said = capsys.readouterr().out
    assert [line.split(" ")[0] for line in said.splitlines()[2:]] == ["1:perfect", "2:finetuned"]
    assert said.splitlines()[-1].endswith("first")
    assert step5(tmp_path, "--compare", "1", "first") == 0
    assert "2:finetuned" in capsys.readouterr().out
    assert step5(tmp_path, "--compare", "1", "7") == 2
    assert "no such evaluation" in capsys.readouterr().err


def test_history_of_nothing(finetuned, tmp_path, capsys):
    assert step5(tmp_path, "--history") == 0
    assert "no evaluation is kept yet" in capsys.readouterr().out
