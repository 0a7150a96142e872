"""Step 5 on label files of other data sets and encodings, and where no page can be scored."""

import json

import pytest

import evaluate
from tests.documents.samples import jpeg, label, page_image

pytestmark = pytest.mark.slow

BOX = {"box": [9, 9, 59, 39], "text": "도로 ㎡"}
WORDS = [("도로 ㎡", [9, 9, 50, 30])]
COCO = {
    "images": [{"id": number, "file_name": f"쪽{number}.jpg", "width": 240, "height": 180} for number in range(2)],
    "annotations": [{"image_id": number, "bbox": [9, 9, 50, 30], "text": "도로 ㎡"} for number in range(2)],
}
LABEL_TXT = "".join(
    f'쪽{number}.jpg\t[{{"transcription": "도로 ㎡", "points": [[9, 9], [59, 9], [59, 39], [9, 39]]}}]\n'
    for number in range(2)
)


def scored(tmp_path, files):
    folder = tmp_path / "평가"
    for number in range(2):
        files = {f"images/쪽{number}.jpg": jpeg(page_image(number)), **files}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    predictions = tmp_path / "읽은 것.json"
    predictions.write_text(json.dumps({"pages": {f"쪽{number}": [BOX] for number in range(2)}}), encoding="utf-8")
    arguments = ["--eval_set", folder, "--predictions", predictions, "--output", tmp_path / "결과"]
    return evaluate.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
@pytest.mark.parametrize(
    "files",
    [
        {f"labels/쪽{number}.json": label(WORDS).decode() for number in range(2)},
        {"annotations.json": json.dumps(COCO, ensure_ascii=False)},
        {"images/Label.txt": LABEL_TXT},
    ],
    ids=["aihub", "coco", "ppocrlabel"],
)
def test_what_is_right_is_scored_as_right(tmp_path, encoding, files):
    assert scored(tmp_path, {name: text.encode(encoding) for name, text in files.items()}) == 0
    result = json.loads((tmp_path / "결과/evaluation_result.json").read_text(encoding="utf-8"))
    (model,) = result["models"].values()
    assert model["mean"]["end_to_end_f1"] == model["mean"]["exact_recall"] == 1.0
    assert result["skipped"] == []


def test_no_page_that_can_be_scored_is_status_1_with_the_commonest_reason(tmp_path, capsys):
    files = {f"labels/쪽{number}.json": b'{"images": [], "annotations": []}' for number in range(2)}
    assert scored(tmp_path, files) == 1
    said = capsys.readouterr().err
    assert "none of 2 pages could be evaluated: malformed label file, in 2 (" in said
    assert "쪽0.json: 'images' is an empty list; expected a list that describes an image); all reasons stand" in said
