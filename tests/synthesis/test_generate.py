import json
import os
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from train_easyocr.synthesis import archive, defects, generate
from train_easyocr.synthesis.__main__ import main
from train_easyocr.synthesis.defects import Placement, Scan
from train_easyocr.synthesis.fonts import packaged_folder
from train_easyocr.synthesis.vocabulary import TOPICS

pytestmark = pytest.mark.slow

ARCHIVES = {
    "Training/[라벨]train.zip",
    "Training/[원천]train1.zip",
    "Training/[원천]train2.zip",
    "Training/[원천]train3.zip",
    "Validation/[라벨]validation.zip",
    "Validation/[원천]validation.zip",
}


def run(output, *, pages=8, seed=3, workers=1, share="0.25"):
    return main(
        ["--output", str(output), "--pages", str(pages), "--seed", str(seed), "--workers", str(workers),
         "--validation_share", share, "--page_width", "496", "--fonts", str(packaged_folder())]
    )  # fmt: skip


def bytes_of(output) -> dict[str, bytes]:
    top = output / "공공행정문서 OCR"
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def members_of(output) -> dict[str, bytes]:
    """All members of all archives, names read as AI-Hub writes them."""
    members = {}
    for path in sorted((output / "공공행정문서 OCR").rglob("*.zip")):
        with zipfile.ZipFile(path, metadata_encoding="cp949") as opened:
            members.update({f"{path.parent.name}/{info.filename}": opened.read(info) for info in opened.infolist()})
    return members


def label_name(image: str) -> str:
    """The member that holds an image's labels."""
    return image.replace("01.원천데이터(Jpg)", "02.라벨링데이터(Json)").replace(".jpg", ".json")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    output = tmp_path_factory.mktemp("rendered")
    assert run(output) == 0
    return output


def test_archives_are_named_as_aihub_names_them_and_nothing_else_is_left(rendered):
    assert set(bytes_of(rendered)) == ARCHIVES
    assert {path.name for path in rendered.iterdir()} == {"공공행정문서 OCR", "synthesis.json"}


def test_member_names_are_cp949_bytes_without_the_utf8_flag(rendered):
    for path in (rendered / "공공행정문서 OCR").rglob("*.zip"):
        folder = "02.라벨링데이터(Json)/" if "라벨" in path.name else "01.원천데이터(Jpg)/"
        content = path.read_bytes()
        with zipfile.ZipFile(path) as opened:
            for info in opened.infolist():
                assert info.flag_bits & 0x800 == 0
                name = info.filename.encode("cp437").decode("cp949")
                assert name.startswith(folder) and name.split("/")[1] in TOPICS
                assert content.count(name.encode("cp949")) == 2  # local header and directory
                assert info.date_time == archive.MOMENT
            assert opened.testzip() is None


def test_every_image_has_its_label_file_in_the_documented_shape(rendered):
    members = members_of(rendered)
    images = {name for name in members if name.endswith(".jpg")}
    labels = {name for name in members if name.endswith(".json")}
    assert len(images) == 8
    assert {label_name(name) for name in images} == labels
    for name in images:
        label = json.loads(
            members[name.replace("01.원천데이터(Jpg)", "02.라벨링데이터(Json)").replace(".jpg", ".json")]
        )
        (image,) = label["images"]
        decoded = cv2.imdecode(np.frombuffer(members[name], np.uint8), cv2.IMREAD_UNCHANGED)
        assert decoded.shape[:2] == (image["image.height"], image["image.width"])
        parts = name.split("/")
        assert parts[2:5] == [image["image.category"], image["image.make.code"], image["image.make.year"]]
        assert parts[5] == image["image.file.name"]
        assert parts[5].startswith(f"{image['image.make.code']}-{image['image.make.year']}-0001-")
        assert len(label["annotations"]) >= 8
        for one in label["annotations"]:
            assert list(one) == ["id", "annotation.type", "annotation.text", "annotation.ttype", "annotation.bbox"]
            assert one["annotation.type"] == "rectangle" and one["annotation.ttype"] == "textType1"
            assert one["annotation.text"].strip() and min(one["annotation.bbox"][2:]) > 0


@pytest.mark.parametrize("index", range(4))
def test_labels_lie_around_the_ink_of_a_clean_turned_page(library, monkeypatch, index):
    def clean_scan(planes, random, unit, words, *, black_and_white):
        height, width = next(iter(planes.values())).shape
        placement = Placement.turned(width, height, (-1.0, 0.0, 0.6, 1.2)[index], scale=0.98, shift=(5, -3))
        return Scan(255 - placement.image(np.max(list(planes.values()), axis=0)), placement, 100, np.ones(len(words)))

    monkeypatch.setattr(generate, "scan", clean_scan)
    settings = generate.RenderSettings(8, 17, Fraction(1, 4), 1240)
    jpeg, record = generate.render_page(index, settings, library)
    ink = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE) < 190
    assert len(record["label"]["annotations"]) > 8
    for one in record["label"]["annotations"]:
        x, y, width, height = one["annotation.bbox"]
        crop = ink[max(0, y) : y + height, max(0, x) : x + width]
        # Margins are four pixels and six at the most at this size; one more for what smoothing lightens.
        assert crop[:6].any() and crop[-6:].any() and crop[:, :7].any() and crop[:, -7:].any(), one


def test_print_stands_out_from_the_paper_on_nearly_all_spoilt_pages(library):
    settings = generate.RenderSettings(8, 23, Fraction(1, 4), 1240)
    contrasts = []
    for index in range(8):
        jpeg, record = generate.render_page(index, settings, library)
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        for one in record["label"]["annotations"]:
            x, y, width, height = one["annotation.bbox"]
            crop = image[max(0, y) : y + height, max(0, x) : x + width]
            contrasts.append(float(np.percentile(crop, 90) - np.percentile(crop, 5)))
    assert np.mean(np.array(contrasts) > 35) > 0.98


def test_most_pages_are_scans_to_black_and_white(library, monkeypatch):
    asked = []

    def noting(planes, random, unit, words, *, black_and_white):
        asked.append(black_and_white)
        return defects.scan(planes, random, unit, words, black_and_white=black_and_white)

    monkeypatch.setattr(generate, "scan", noting)
    for index in range(40):
        generate.render_page(index, generate.RenderSettings(40, 23, Fraction(1, 4), 310), library)
    assert 0.45 < np.mean(asked) < 0.75
    index = asked.index(True)
    jpeg, _ = generate.render_page(index, generate.RenderSettings(40, 23, Fraction(1, 4), 1800), library)
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED)
    assert asked[-1] and image.ndim == 2
    assert np.mean((image > 50) & (image < 205)) < 0.01 and 0.001 < np.mean(image < 50) < 0.2


def test_what_a_scan_left_too_little_of_to_be_read_has_no_label(library, monkeypatch):
    found = []

    def fainter(planes, random, unit, words, *, black_and_white):
        scanned = defects.scan(planes, random, unit, words, black_and_white=black_and_white)
        found.append(len(words))
        return replace(scanned, kept=np.where(np.arange(len(words)) % 3, 0.31, 0.29))

    settings = generate.RenderSettings(8, 17, Fraction(1, 4), 1240)
    all_words = [
        one["annotation.text"] for one in generate.render_page(0, settings, library)[1]["label"]["annotations"]
    ]
    monkeypatch.setattr(generate, "scan", fainter)
    left = [one["annotation.text"] for one in generate.render_page(0, settings, library)[1]["label"]["annotations"]]
    assert len(all_words) == found[0] > 8
    assert left == [text for number, text in enumerate(all_words) if number % 3]


def test_labels_look_like_the_real_ones(rendered):
    real = Path(os.environ.get("REAL_DOCUMENTS", Path(__file__).parents[3] / "shared" / "real_documents"))
    archives = sorted(real.rglob("[[]라벨]*.zip"))
    if not archives:
        pytest.skip("no real documents here")
    with zipfile.ZipFile(archives[0]) as opened:
        theirs = json.loads(opened.read(opened.infolist()[0]))
    ours = json.loads(next(content for name, content in members_of(rendered).items() if name.endswith(".json")))
    assert list(ours) == list(theirs)
    for part in ours:
        assert list(ours[part][0]) == list(theirs[part][0])
        assert [type(v) for v in ours[part][0].values()] == [type(v) for v in theirs[part][0].values()]


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(rendered, tmp_path):
    assert run(tmp_path / "둘", workers=2) == 0
    assert bytes_of(tmp_path / "둘") == bytes_of(rendered)


def test_another_seed_gives_other_pages(rendered, tmp_path):
    assert run(tmp_path, seed=4) == 0
    images, others = ({c for n, c in members_of(o).items() if n.endswith(".jpg")} for o in (rendered, tmp_path))
    assert not images & others


def test_page_i_does_not_depend_on_how_many_there_are(rendered, tmp_path):
    assert run(tmp_path, pages=5) == 0
    few, many = members_of(tmp_path), members_of(rendered)
    assert len(few) == 10 and few.items() <= many.items()


def test_splits_and_categories():
    quarter = Fraction(1, 4)
    places = [archive.place_of(index, quarter) for index in range(400)]
    assert sum(split == "Validation" for split, _ in places) == 100
    for name in ("Training", "Validation"):
        numbers = [number for split, number in places if split == name]
        assert numbers == list(range(len(numbers)))  # so categories rotate within each split
    uneven = [archive.place_of(index, Fraction("0.1"))[0] for index in range(1000)]
    assert uneven.count("Validation") == 100


def test_pages_of_the_splits_differ(rendered):
    names = [name for name in members_of(rendered) if name.endswith(".jpg")]
    stems = [name.rsplit("/", 1)[1] for name in names]
    assert len(set(stems)) == 8
    assert len({content for name, content in members_of(rendered).items()}) == 16


def test_a_second_run_finds_everything_and_renders_nothing(rendered, monkeypatch, capsys):
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*.zip")}
    monkeypatch.setattr(generate, "render_page", None)
    assert run(rendered) == 0
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*.zip")} == before
    out = capsys.readouterr().out
    assert "nothing to do" in out
    assert "Training pages              |      6" in out


def test_other_settings_are_said_and_replace_everything(tmp_path, capsys):
    assert run(tmp_path, pages=4) == 0
    assert run(tmp_path, pages=4, share="0.5") == 0
    assert "other settings (validation_share: 1/4 -> 1/2)" in capsys.readouterr().out
    assert set(bytes_of(tmp_path)) == ARCHIVES - {"Training/[원천]train3.zip"}
    assert len(members_of(tmp_path)) == 8


def test_a_damaged_archive_is_made_again(rendered, tmp_path):
    assert run(tmp_path) == 0
    path = tmp_path / "공공행정문서 OCR" / "Training" / "[원천]train2.zip"
    path.write_bytes(path.read_bytes()[:-10])
    assert run(tmp_path) == 0
    assert bytes_of(tmp_path) == bytes_of(rendered)


@pytest.mark.parametrize("at", [0, 3, 7])
def test_a_run_that_was_stopped_goes_on_where_it_stopped(rendered, tmp_path, monkeypatch, at):
    render, calls = generate.render_page, []

    def stopping(index, *rest):
        if index == at and len(calls) == at:
            raise KeyboardInterrupt
        calls.append(index)
        return render(index, *rest)

    monkeypatch.setattr(generate, "render_page", stopping)
    assert run(tmp_path) == 130
    assert not list(tmp_path.rglob("*.zip"))
    for folder in tmp_path.glob(".pages-*"):
        (folder / "0000000.jpg.123.part").write_bytes(b"half a file")
    monkeypatch.setattr(generate, "render_page", lambda index, *rest: (calls.append(index), render(index, *rest))[1])
    assert run(tmp_path) == 0
    assert sorted(calls) == list(range(8))
    assert bytes_of(tmp_path) == bytes_of(rendered)


def test_stopped_while_packing(rendered, tmp_path, monkeypatch):
    write, count = archive.write_archive, []

    def stopping(*arguments, **settings):
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt
        write(*arguments, **settings)

    monkeypatch.setattr(archive, "write_archive", stopping)
    assert run(tmp_path) == 130
    monkeypatch.setattr(generate, "render_page", None)
    assert run(tmp_path) == 0
    assert bytes_of(tmp_path) == bytes_of(rendered)


def test_a_real_download_is_never_overwritten(tmp_path, capsys):
    path = tmp_path / "공공행정문서 OCR" / "Training" / "[라벨]train.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"precious")
    assert run(tmp_path) == 1
    assert path.read_bytes() == b"precious"
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "not rendered here" in line and str(tmp_path) in line


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"pages": "3"}, 1, "leave no validation page"),
        ({"pages": "zwölf"}, 2, "not a whole number"),
        ({"seed": "-1"}, 2, "not a whole number"),
        ({"validation_share": "1"}, 2, "not a share"),
        ({"validation_share": "1/0"}, 2, "not a share"),
        ({"fonts": "/없는/폴더"}, 1, "no such folder"),
        ({"output": "/proc/없음"}, 1, "/proc"),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path, capsys, changes, status, message):
    settings = {"output": str(tmp_path), "pages": "8", "seed": "1", "fonts": str(packaged_folder()), **changes}
    arguments = [word for name, value in settings.items() for word in (f"--{name}", value)]
    try:
        result = main(arguments)
    except SystemExit as stop:
        result = stop.code
    error = capsys.readouterr().err
    assert result == status
    assert message in error.strip().splitlines()[-1] and "Traceback" not in error
