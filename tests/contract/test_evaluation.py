"""What step 5 leaves, and an evaluation of given predictions to the last digit."""

import csv
import json
import zipfile

import pytest

from tests.contract import pages
from tests.contract.entry_points import EVALUATE, succeed
from tests.contract.golden import ASSETS

pytestmark = pytest.mark.slow

FIGURES = {
    "detection_precision", "detection_recall", "detection_f1", "cer", "exact_precision", "exact_recall",
    "end_to_end_precision", "end_to_end_recall", "end_to_end_f1", "end_to_end_f1_without_spaces",
    "end_to_end_f1_unified_dots",
}  # fmt: skip
NOT_OF_THE_SCORE = ("eval_set", "versions", "config")
"""Where and with what it was made."""
VARIANTS = {6: ("가 나", "가나"), 13: ("인·허가", "인ㆍ허가")}
"""Words of each page, by number, whose label and reading are the same but for spaces or dots."""


@pytest.fixture(scope="package")
def eval_set(tmp_path_factory):
    """Four pages: an ordinary one, one with a broken label file, one without words, and one more."""
    folder = pages.write_folder(tmp_path_factory.mktemp("평가"), range(4))
    for number in (0, 3):
        words = pages.page(number)[1]
        for index, (text, _) in VARIANTS.items():
            words[index] = (*words[index][:4], text)
        labels = pages.label(words, pages.category_of(number))
        (folder / "labels" / f"{pages.name_of(number)}.json").write_bytes(labels)
    (folder / "labels" / f"{pages.name_of(1)}.json").write_bytes(b"kaputt")
    (folder / "labels" / f"{pages.name_of(2)}.json").write_bytes(pages.label([]))
    return folder


def readings(number):
    """Return what a reader with all kinds of faults says of a page: [xmin, ymin, xmax, ymax, text] a word."""
    read = []
    for index, (x, y, width, height, text) in enumerate(pages.page(number)[1]):
        box = [max(x, 0), y, x + width, y + height]
        text = VARIANTS.get(index, ("", text))[1]  # noqa: PLW2901
        if index % 7 == 1:
            continue  # missed
        if index % 7 == 2:
            text = text[:-1] + "뷁"  # noqa: PLW2901
        if index % 7 == 3:
            box[0] += width // 4
        if index % 7 == 4:
            box[1] += height * 2 // 3  # too far off to be matched
        if index % 7 == 5:
            read.append([*box[:2], (box[0] + box[2]) // 2, box[3], text[:1]])  # half of it, besides
        read.append([*box, text])
    return read


def predicted(folder):
    """Write the readings in the three forms, each a system of its own; return their files."""
    found = {pages.name_of(number): readings(number) for number in (0, 1, 3)}
    as_json = {name: [{"box": word[:4], "text": word[4]} for word in words] for name, words in found.items()}
    (folder / "판독.json").write_text(json.dumps({"pages": as_json}, ensure_ascii=False), encoding="utf-8")
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["page", "xmin", "ymin", "xmax", "ymax", "text", "confidence"])
        writer.writerows([name, *word, 0.5] for name, words in found.items() for word in words)
    with zipfile.ZipFile(folder / "icdar.zip", "w") as archive:
        for name, words in found.items():
            lines = [f"{a},{b},{c},{b},{c},{d},{a},{d},{text}\n" for a, b, c, d, text in words]
            archive.writestr(zipfile.ZipInfo(name.rpartition("/")[2] + ".txt", (2020, 1, 1, 0, 0, 0)), "".join(lines))
    return [folder / name for name in ("판독.json", "table.csv", "icdar.zip")]


@pytest.fixture(scope="package")
def evaluated(eval_set, tmp_path_factory):
    """The folder with the results."""
    folder = tmp_path_factory.mktemp("결과")
    files = [part for file in predicted(folder) for part in ("--predictions", file)]
    succeed(EVALUATE, "--eval_set", eval_set, *files, "--output", folder, "--report_images", "none")
    return folder


def result_of(folder):
    return json.loads((folder / "evaluation_result.json").read_text(encoding="utf-8"))


def score_of(folder):
    """Return what evaluation_result.json says but for NOT_OF_THE_SCORE."""
    found = {key: value for key, value in result_of(folder).items() if key not in NOT_OF_THE_SCORE}
    for model in found["models"].values():
        model["identity"].pop("predictions_sha256")  # of the file; a ZIP's bytes may depend on zlib's version
    for problem in found["skipped"]:
        problem["detail"] = problem["detail"].partition("/labels/")[2]  # without the set's folder
    return found


def test_the_score_of_given_predictions_is_what_it_was(evaluated):
    found = score_of(evaluated)
    expected = json.loads((ASSETS / "evaluation_result.json").read_text(encoding="utf-8"))
    assert found == expected
    assert list(found["models"]["table"]["mean"].values()) == list(found["models"]["판독"]["mean"].values())


def test_files_of_an_evaluation(evaluated):
    wanted = {
        "evaluation_result.csv", "evaluation_result.json", "evaluation_predictions.jsonl", "evaluation_report.html",
        "report.md", "analysis.json", "analysis_pages.jsonl", "evaluation_history",
    }  # fmt: skip
    assert {path.name for path in evaluated.iterdir()} >= wanted


def test_top_level_keys(evaluated):
    found = result_of(evaluated)
    assert found.keys() >= {
        "eval_set", "boxes", "headline", "pages", "words", "categories", "models", "improvement_percent", "left_out",
        "warnings", "skipped", "versions", "config",
    }  # fmt: skip
    analysis = json.loads((evaluated / "analysis.json").read_text(encoding="utf-8"))
    assert analysis.keys() >= {"models", "pages"}
    for model in found["models"].values():
        assert model.keys() >= {"identity", "mean", "pooled", "counts", "categories"}
        assert model["mean"].keys() >= FIGURES and model["pooled"].keys() >= FIGURES


def test_a_row_a_page_and_model_in_the_csv(evaluated):
    with (evaluated / "evaluation_result.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0].keys() >= {"page", "category", "model", "labels", "predictions", "matched"} | FIGURES
    assert [row["model"] for row in rows].count("icdar") == result_of(evaluated)["pages"]


def test_the_installed_model_is_scored_at_labelled_boxes(installed, prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(installed))
    options = ["--eval_set", prepared / "evaluation_set", "--finetuned", "--boxes", "labels", "--no-cuda"]
    succeed(EVALUATE, *options, "--output", tmp_path, "--report_images", "none")
    found = result_of(tmp_path)
    assert (list(found["models"]), found["boxes"], found["pages"]) == (["finetuned"], "labels", 2)
    assert found["models"]["finetuned"]["mean"]["detection_f1"] == 1.0
    head, *lines = (tmp_path / "evaluation_predictions.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(head)
    assert all(json.loads(line).keys() >= {"reader", "page", "rows"} for line in lines)
