"""Sets without a usable word: step 2 ends with status 1, says what was found and what was expected; so does --check."""

import json

import pytest

from tests.documents.samples import jpeg, label, page_image

pytestmark = pytest.mark.slow

NAME = "인.허가/5350109/2001/5350109-2001-0001-0001"
SETS = "training_and_validation_set"
WORDS = [("도로", [9, 9, 50, 30]), ("점용", [70, 9, 50, 30])]


def changed(**values):
    """A label file whose annotations have other values; a value of None takes the key away."""
    content = json.loads(label(WORDS))
    for annotation in content["annotations"]:
        for key, value in values.items():
            annotation[f"annotation.{key}"] = value
            if value is None:
                del annotation[f"annotation.{key}"]
    return json.dumps(content, ensure_ascii=False).encode()


def top(**values):
    return json.dumps(json.loads(label(WORDS)) | values, ensure_ascii=False).encode()


COCO_IMAGE = {"id": 1, "file_name": "5350109-2001-0001-0001.jpg", "width": 240, "height": 180}
PAGES = {
    "texts empty": (
        changed(text="  "),
        "2 x empty text (expected: a text); first: page 'NAME', annotation '1' at [9 9",
    ),
    "texts null": (changed(text=[]), "annotation.text: an empty list; expected a string, in 2 of 2"),
    "texts elsewhere": (changed(text=None), "2 x empty text, annotation.text: missing beside 'id', 'annotation.type'"),
    "texts numbers": (changed(text=5), "2 x malformed annotation, annotation.text: a number; expected a string, in 2"),
    "boxes outside": (changed(bbox=[900, 9, 50, 30]), "1 x labels that lie beside the print, 2 of 2 boxes show no ink"),
    "boxes without area": (
        changed(bbox=[9, 9, 0, 30]),
        "2 x box without area (expected: a width and a height above 0)",
    ),
    "boxes of words": (changed(bbox=["a", "b"]), "annotation.bbox: a list of strings; expected four numbers: x, y"),
    "boxes of three": (changed(bbox=[9, 9, 9]), "annotation.bbox: a list of 3 numbers; expected four numbers: x, y"),
    "boxes elsewhere": (changed(bbox=None), "annotation.bbox: missing beside 'id', 'annotation.type', 'annotation.te"),
    "boxes infinite": (changed(bbox=[9, 9, 9, float("inf")]), "a list of 4 numbers, not all of them finite"),
    "don't care": (changed(ignore=True), "2 x marked as don't care (expected: words without that mark); first: page"),
    "no annotations": (top(annotations=[]), "not one word can be used, of 0 labelled on 1 pages"),
    "annotations of strings": (top(annotations=["도로"]), "annotation: a string; expected an object, in 1 of 1"),
    "annotations an object": (top(annotations={}), "'annotations' is an empty object; expected a list, in 1 of 1"),
    "images none": (top(images=[]), "1 x malformed label file, 'images' is an empty list; expected a list that descri"),
    "labelme": (b'{"shapes": [], "imagePath": "x"}', "'images' is missing (the file's keys are 'shapes', 'imagePath')"),
    "no JSON": (b"{", "1 x malformed label file, is not JSON"),
    "no text": (b"\xff\xd8\xff\xe0\0", "1 x malformed label file, is not text in UTF-8, CP949 or UTF-16, in 1 of 1"),
    "COCO without text": (
        json.dumps({"images": [COCO_IMAGE], "annotations": [{"image_id": 1, "bbox": [9, 9, 9, 9]}]}).encode(),
        "text: missing beside 'image_id', 'bbox'; expected a string, as text, transcription, utf8_string, caption",
    ),
    "COCO of several pages": (
        json.dumps({"images": [COCO_IMAGE, COCO_IMAGE], "annotations": []}).encode(),
        "describes 2 images (COCO); a label file describes one page. A COCO file of all pages is read with --from",
    ),
}


def unpack(folder, content, image):
    for kind, suffix, data in (("images", "jpg", image), ("labels", "json", content)):
        path = folder / "unzipped/training" / kind / f"{NAME}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("kind", PAGES)
def test_pages_without_a_usable_word(tmp_path, run, kind):
    content, said = PAGES[kind]
    unpack(tmp_path, content, jpeg(page_image(1)))
    said = said.replace("NAME", NAME)
    for _ in range(2):  # the second run does not take the first for done
        status, out, err = run("--dataset", tmp_path, "--training", "--workers", 1)
        assert (status, "ready" in out, "nothing to do" in out) == (1, False, False)
        assert said in err and "training: not one word can be used" in err
        assert not (tmp_path / SETS / "training/select_data").exists()
        assert (tmp_path / SETS / "training/.select_data.work/set/skipped.csv").exists()
    status, out, err = run("--dataset", tmp_path, "--check", "--training", "--workers", 1)
    assert status == 1 and "error: training: not one word can be used" in err
    assert kind == "no annotations" or said in out
    unpack(tmp_path, label(WORDS), jpeg(page_image(1)))
    assert run("--dataset", tmp_path, "--training", "--workers", 1)[0] == 0


def test_an_unreadable_image_is_named(tmp_path, run):
    unpack(tmp_path, label(WORDS), b"no image")
    status, _, err = run("--dataset", tmp_path, "--training", "--workers", 1, "--format", "lmdb")
    assert status == 1 and "1 x unreadable image, " in err and f"first: page '{NAME}'" in err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("character=가나", "each of its 2 words holds a character that is not in character='가나' (most often '"),
        ("batch_max_length=1", "each of its 2 words has more than batch_max_length=1 characters"),
    ],
)
def test_words_that_step_3_could_not_train_on(tmp_path, run, settings, said):
    unpack(tmp_path, label(WORDS), jpeg(page_image(1)))
    arguments = ("--dataset", tmp_path, "--training", "--workers", 1)
    for more in ((), (), ("--check",)):
        status, out, err = run(*arguments, *more, settings)
        assert status == 1 and said in err and "ready" not in out
    assert run(*arguments)[0] == 0  # the words themselves are good


FOLDERS = {
    "Label.txt": (json.dumps([{"transcription": "가", "points": [[1, 1], [9, 9]], "difficult": True}]), "don't care"),
    "label.txt": ('[{"transcription": "가", "points": "x"}]', "points: a string; expected a list of [x, y], in"),
    "LABEL.TXT": ('[{"points": [[1, 1], [9, 9]]}]', "transcription: missing beside 'points'; expected a string, in"),
    "gt_쪽0.txt": ("1,1,9,1,9,9,1,9,###\n", "x marked as don't care"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_of_ones_own_without_a_usable_word(tmp_path, run, name):
    content, said = FOLDERS[name]
    folder = tmp_path / "원본"
    folder.mkdir()
    for number in range(3):
        (folder / f"쪽{number}.jpg").write_bytes(jpeg(page_image(number)))
        if name.startswith("gt_"):
            (folder / name.replace("0", str(number))).write_text(content, encoding="utf-8")
    if not name.startswith("gt_"):
        lines = [f"원본/쪽{number}.jpg\t{content}\n" for number in range(3)]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    for more in (("--training",), ("--validation",), ("--evaluation",), ("--check",)):
        status, out, err = run("--from", folder, "--output", tmp_path / "set", "--workers", 1, *more)
        assert (status, "ready" in out) == (1, False), more
        assert said in (out if more == ("--check",) else err)


def test_a_set_without_words_of_an_older_version_is_made_anew(tmp_path, run):
    unpack(tmp_path, label(WORDS), jpeg(page_image(1)))
    arguments = ("--dataset", tmp_path, "--training", "--workers", 1)
    assert run(*arguments)[0] == 0
    file = tmp_path / SETS / "training/select_data/statistics.json"
    content = json.loads(file.read_bytes())
    content["words"]["used"] = 0
    file.write_text(json.dumps(content), encoding="utf-8")
    status, out, _ = run(*arguments)
    assert status == 0 and "is made anew: not one word of it can be used" in out
    assert json.loads(file.read_bytes())["words"]["used"] == 2


def test_reasons_are_kinds_and_names_go_into_skipped_csv(tmp_path, run):
    folder = tmp_path / "원본"
    folder.mkdir()
    word = json.dumps([{"transcription": "가", "points": [[1, 1], [30, 30]]}])
    for number in range(4):
        (folder / f"쪽{number}.jpg").write_bytes(jpeg(page_image(number)))
    lines = [f"원본/쪽{number}.jpg\t{word}\n" for number in range(304)]
    (folder / "Label.txt").write_text("".join(lines), encoding="utf-8")
    status, out, _ = run("--from", folder, "--output", tmp_path / "set", "--training", "--workers", 1)
    assert status == 0 and out.count("page without image") == 2  # a row of the table, and an example
    text = (tmp_path / "set" / SETS / "training/select_data/skipped.csv").read_text(encoding="utf-8")
    assert 'Label.txt, line 304",,,,page without image,원본/쪽303.jpg\n' in text.replace('"Label.txt', "Label.txt")
