"""Words that a detector finds where no label is: what is cut out, what is left out and counted; killed and not."""

import cv2
import numpy as np
import pytest
from PIL import Image

import prepare_dataset
from tests.detection.page_files import WORDS, draw_page, write_page
from tests.engine.cases import Killed
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import open_unlabelled
from train_easyocr.documents.page import Box
from train_easyocr.documents.page_sums import page_sum, read_page_sums
from train_easyocr.semi_supervised.pages import KNOWN, MEASURED, UnlabelledCutting, cut_unlabelled, find_unlabelled

BARE = Box(180, 120, 240, 150)
"""Paper alone."""
FOUND = [*WORDS, BARE, Box(5, 5, 8, 9)]


@pytest.fixture
def scans(tmp_path):
    """Three scans without labels; one is of another form, one is damaged."""
    folder = tmp_path / "스캔 문서"
    folder.mkdir()
    Image.fromarray(draw_page(WORDS)).save(folder / "쪽 1.png")
    Image.fromarray(draw_page(WORDS, paper=200)).save(folder / "쪽 2.jpg", quality=95)
    (folder / "쪽 3.png").write_bytes(b"no image")
    return folder


def cut(folder, target, *, form="png", left_out=None, find=lambda page: list(FOUND)):
    said = []
    count = cut_unlabelled(
        find_unlabelled(folder), UnlabelledCutting(target, form, find, "a detector", left_out or {}, said.append)
    )
    return count, "\n".join(said)


def counts_in(said):
    """The table of what was done."""
    lines = (line.split("|") for line in said.splitlines() if line.count("|") == 1)
    return {name.strip(): number.strip() for name, number in lines if number.strip()}


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_the_words_that_are_found_become_a_set_without_texts(scans, tmp_path, form):
    count, said = cut(scans, tmp_path / "낱말", form=form)
    assert count == 2 * len(WORDS)
    words = open_unlabelled(tmp_path / "낱말")
    assert len(words) == count
    assert {words.label(index) for index in range(count)} == {""}
    xmin, ymin, xmax, ymax = WORDS[0]
    assert words.table.row(0)[0] == f"쪽 1_{xmin}-{ymin}-{xmax}-{ymax}.png"
    np.testing.assert_array_equal(words.patch(0, False), draw_page(WORDS)[ymin:ymax, xmin:xmax])
    assert words.sizes()[0].tolist() == [box.width for box in WORDS] * 2
    assert read_page_sums(tmp_path / "낱말") == {
        name: page_sum((scans / f"{name}.{suffix}").read_bytes()) for name, suffix in (("쪽 1", "png"), ("쪽 2", "jpg"))
    }
    counts = counts_in(said)
    assert counts == {
        "pages": "2",
        "pages that can't be read": "1",
        "words found": "12",
        "without ink": "2",
        "cut out": "10",
    }
    assert f"left out: {scans / '쪽 3.png'}: is neither an image" in said
    assert cut(scans, tmp_path / "낱말", form=form)[1].endswith("nothing to do, it is there")


def test_pages_of_several_in_one_document(tmp_path):
    first, second = (Image.fromarray(draw_page(WORDS, paper=paper)) for paper in (230, 210))
    (tmp_path / "문서").mkdir()
    first.save(tmp_path / "문서/보고서.tif", save_all=True, append_images=[second])
    first.save(tmp_path / "문서/보고서.pdf", resolution=300)
    cut(tmp_path / "문서", tmp_path / "셋")
    assert len(read_page_sums(tmp_path / "셋")) == 3
    assert len({name.rpartition("_")[0] for name in names_of(tmp_path / "셋")}) == 3


def names_of(folder):
    words = open_unlabelled(folder)
    return [words.table.row(index)[0] for index in range(len(words))]


def test_words_that_labels_cover_are_left_out_on_partly_labelled_pages(tmp_path):
    write_page(tmp_path / "쪽", "일부", boxes=WORDS[:2], page=draw_page(WORDS))
    count, said = cut(tmp_path / "쪽", tmp_path / "셋")
    assert count == len(WORDS) - 2
    assert counts_in(said)["covered by labels"] == "2"
    names = names_of(tmp_path / "셋")
    assert not any(f"_{WORDS[0].xmin}-{WORDS[0].ymin}-" in name for name in names)


def test_pages_that_are_measured_on_or_labelled_elsewhere_are_left_out(scans, tmp_path):
    sums = [page_sum((scans / name).read_bytes()) for name in ("쪽 1.png", "쪽 2.jpg")]
    count, said = cut(scans, tmp_path / "셋", left_out={sums[0]: MEASURED})
    assert count == len(WORDS)
    assert f"pages {MEASURED}" in said
    assert read_page_sums(tmp_path / "셋").keys() == {"쪽 2"}
    with pytest.raises(UserError, match="not one word was found on 0 pages"):
        cut(scans, tmp_path / "다른 셋", left_out={sums[0]: MEASURED, sums[1]: KNOWN})


def test_a_partly_labelled_page_of_the_training_set_gives_its_other_words(tmp_path):
    write_page(tmp_path / "쪽", "일부", boxes=WORDS[:2], page=draw_page(WORDS))
    known = {page_sum((tmp_path / "쪽/images/일부.png").read_bytes()): KNOWN}
    assert cut(tmp_path / "쪽", tmp_path / "셋", left_out=known)[0] == len(WORDS) - 2


def test_killed_it_goes_on_with_the_next_document(scans, tmp_path):
    seen = []

    def dying(page):
        seen.append(page.shape)
        if len(seen) == 2:
            raise Killed
        return list(FOUND)

    with pytest.raises(Killed):
        cut(scans, tmp_path / "셋", find=dying)
    assert not (tmp_path / "셋").exists()
    cut(scans, tmp_path / "셋", find=dying)
    assert len(seen) == 3
    cut(scans, tmp_path / "한 번에")
    ours, theirs = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "셋", tmp_path / "한 번에")
    )
    assert ours == theirs


def test_nothing_to_be_cut(tmp_path):
    (tmp_path / "빈 곳").mkdir()
    with pytest.raises(UserError, match="holds neither images nor PDFs"):
        find_unlabelled(tmp_path / "빈 곳")
    with pytest.raises(UserError, match="there is no such folder"):
        find_unlabelled(tmp_path / "없는 곳")


@pytest.mark.slow
def test_step_2_cuts_them_with_the_starters_detector(scans, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path / "easyocr"))
    page = np.full((600, 800), 255, np.uint8)
    for number, text in enumerate(("Hello", "2001", "World")):
        cv2.putText(page, text, (60, 120 + 150 * number), cv2.FONT_HERSHEY_SIMPLEX, 2.0, 0, 4)
    cv2.imencode(".png", page)[1].tofile(str(scans / "글.png"))
    output, place = tmp_path / "자료", "training_and_validation_set/unlabeled/select_data"
    assert prepare_dataset.main(["--unlabeled", str(scans), "--output", str(output)]) == 0
    words = open_unlabelled(output / place)
    assert len([index for index in range(len(words)) if words.table.row(index)[0].startswith("글_")]) == 3
    assert prepare_dataset.main(["--unlabeled", str(scans), "--output", str(scans / "안")]) == 2
    assert "outside of that folder" in capsys.readouterr().err
