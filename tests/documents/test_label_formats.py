"""Labels by PPOCRLabel and in ICDAR's text files: what each form says, how folders are laid out, and what is broken."""

import json
import os
import random
import unicodedata
import zipfile

import pytest

from tests.documents.samples import WORDS, jpeg, label, page_image
from train_easyocr.common.errors import UserError
from train_easyocr.common.text import normalize_label
from train_easyocr.documents import Box, Quad, Word
from train_easyocr.documents.aihub import (
    BAD_NAME,
    IGNORED,
    MALFORMED_ANNOTATION,
    MAX_LABEL_BYTES,
    NO_AREA,
    NO_IMAGE,
    NO_LABEL,
    NO_TEXT,
    SECOND_IMAGE,
    SECOND_LABEL,
    LabelError,
    Problem,
    read_labelled_page,
    read_labels,
)
from train_easyocr.documents.label_formats import (
    AMBIGUOUS,
    NO_WORDS_LINE,
    ORPHANS,
    find_labelled_pages,
    left_out,
    parse_icdar_line,
)
from train_easyocr.documents.sources import PageSource
from train_easyocr.evaluation.exchange import write_icdar

SQUARE = [[10, 20], [50, 20], [50, 40], [10, 40]]
SLANTED = [[10.5, 20], [50, 18.2], [50.2, 40], [9.8, 40.9]]


def write(path, content=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def word(text, points=SQUARE, **more):
    return {"transcription": text, "points": points, "difficult": False} | more


def words_of(page_file):
    return [(tuple(found.box), found.text) for found in read_labelled_page(page_file).words]


@pytest.mark.parametrize(
    ("form", "line", "corners", "text"),
    [
        (
            "icdar2015",
            "377,117,463,117,465,130,378,130,Genaxis",
            [(377, 117), (463, 117), (465, 130), (378, 130)],
            None,
        ),
        ("icdar2015", "1,2,3,2,3,4,1,4,제1,234호, 끝", [(1, 2), (3, 2), (3, 4), (1, 4)], "제1,234호, 끝"),
        ("icdar2015", "-1, 2, 3.5, 2, 3, 4, 1, 4,가", [(-1, 2), (3.5, 2), (3, 4), (1, 4)], "가"),
        ("icdar2015", "1,2,3,2,3,4,1,4,", [(1, 2), (3, 2), (3, 4), (1, 4)], ""),
        ("icdar2015", '1,2,3,2,3,4,1,4,"그는 \\"예\\"라 함"', [(1, 2), (3, 2), (3, 4), (1, 4)], '그는 "예"라 함'),
        ("icdar2017", "1,2,3,2,3,4,1,4,Korean,도로, 점용", [(1, 2), (3, 2), (3, 4), (1, 4)], "도로, 점용"),
        ("icdar2013", '38, 43, 920, 215, "Tiredness"', [(38, 43), (920, 215)], "Tiredness"),
        ("icdar2013", '158 128 412 182 "Footpath"', [(158, 128), (412, 182)], "Footpath"),
        ("icdar2013", "1,2,3,4,5,6,7,8,가", [(1, 2), (3, 4)], "5,6,7,8,가"),
    ],
)
def test_lines_of_the_competitions(form, line, corners, text):
    assert parse_icdar_line(line, form) == (corners, line.rpartition(",")[2] if text is None else text)


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("icdar2015", '38, 43, 920, 215, "Tiredness"'),
        ("icdar2015", "1,2,3,2,3,4,1,가"),
        ("icdar2015", "1,2,3,2,3,4,1,4"),
        ("icdar2017", "1,2,3,2,3,4,1,4,도로"),
        ("icdar2017", "1,2,3,2,3,4,1,4,한국어,도로"),
        ("icdar2013", "1,2,3,가"),
        ("icdar2013", "nan,2,3,4,가"),
    ],
)
def test_lines_of_another_form(form, line):
    assert parse_icdar_line(line, form) is None


@pytest.fixture
def ppocrlabel(tmp_path):
    """A folder as PPOCRLabel leaves it, with its other files; paths start with the folder's own name."""
    folder = tmp_path / "문서"
    for name in ("a.jpg", "b.PNG", "c.jpg"):
        write(folder / name)
    lines = [
        "문서/a.jpg\t" + json.dumps([word("경남 김해시"), word("(경, 유", SLANTED)], ensure_ascii=False),
        "문서/b.PNG\t" + json.dumps([word("하", difficult=True), word("###"), word(" 도로 "), word("")]),
    ]
    write(folder / "Label.txt", "\n".join(lines) + "\n")
    write(folder / "Cache.cach", lines[0])
    write(folder / "fileState.txt", "/x/문서/a.jpg\t1\n")
    write(folder / "rec_gt.txt", "crop_img/a_crop_0.jpg\t경남 김해시\n")
    write(folder / "crop_img" / "a_crop_0.jpg")
    return folder


def test_a_folder_of_ppocrlabel(ppocrlabel):
    found = find_labelled_pages(ppocrlabel)
    assert (found.form, [page.name for page in found.pages]) == ("ppocrlabel", ["a", "b"])
    assert found.problems == [Problem("c", NO_LABEL)]
    assert words_of(found.pages[0]) == [((10, 20, 50, 40), "경남 김해시"), ((9, 18, 51, 41), "(경, 유")]
    assert words_of(found.pages[1]) == [((10, 20, 50, 40), "도로")]
    counts, lines = left_out(found.pages)
    assert counts == {IGNORED: 2, NO_TEXT: 1}
    assert lines[0] == f"b: word 1 in line 2: {IGNORED}"
    page = read_labelled_page(found.pages[0])
    assert (page.image, page.category, page.width, page.height) == (ppocrlabel / "a.jpg", "", 0, 0)
    assert [word.corners for word in page.words] == [None, Quad(*map(tuple, SLANTED))]


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n", "깨진 줄\n".encode()])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_marks_and_blank_lines_of_a_label_txt(ppocrlabel, start, end):
    content = (ppocrlabel / "Label.txt").read_bytes().replace(b"\n", end)
    write(ppocrlabel / "Label.txt", start + content + end)
    found = find_labelled_pages(ppocrlabel)
    assert [words_of(page)[-1][1] for page in found.pages] == ["(경, 유", "도로"]
    broken = [Problem("Label.txt, line 1", NO_WORDS_LINE)] if "깨진".encode() in start else []
    assert found.problems == [*broken, Problem("c", NO_LABEL)]


def test_broken_lines_and_words_of_a_label_txt_are_named(ppocrlabel):
    lines = [
        "문서/a.jpg",
        "문서/없음.jpg\t[]",
        "문서/a.jpg\t[{",
        "문서/b.PNG\t"
        + json.dumps(
            [5, {}, word(7), word("가", [[1, 2], [3]]), word("가", "x"), word("가", [[float("nan"), 1]]), word("나")]
        ),
        "문서/c.jpg\t" + json.dumps([word("가\ud800"), word("가", [[10, 20]])]),
        "문서/c.jpg\t[]",
    ]
    write(ppocrlabel / "Label.txt", "\n".join(lines))
    found = find_labelled_pages(ppocrlabel)
    assert [(problem.name, problem.reason) for problem in found.problems] == [
        ("Label.txt, line 1", NO_WORDS_LINE),
        ("Label.txt, line 2", NO_IMAGE),
        ("c", SECOND_LABEL),
    ]
    with pytest.raises(LabelError, match=r"/Label\.txt: line 3 is no JSON behind the tab: Expecting"):
        read_labelled_page(found.pages[0])
    assert words_of(found.pages[1]) == [((10, 20, 50, 40), "나")]
    counts, told = left_out(found.pages)
    assert counts == {MALFORMED_ANNOTATION: 6, "text that can't be written": 1, NO_AREA: 1}
    assert told[0] == f"b: word 1 in line 4: {MALFORMED_ANNOTATION}, word: a number; expected an object"


def test_paths_in_a_label_txt(tmp_path):
    """As PPOCRLabel writes them on Windows, as PaddleOCR's data sets have them, and a folder with several of them."""
    for name in ("한/x.jpg", "두/x.jpg", "images/세/y.jpg"):
        write(tmp_path / name)
    write(tmp_path / "한/Label.txt", "한\\x.jpg\t" + json.dumps([word("한")]))
    write(tmp_path / "두/Label.txt", "/home/someone/두/x.jpg\t" + json.dumps([word("두")]))
    write(
        tmp_path / "labels/train.txt", unicodedata.normalize("NFD", "images/세/y.jpg") + "\t" + json.dumps([word("세")])
    )
    found = find_labelled_pages(tmp_path)
    assert {page.name: words_of(page)[0][1] for page in found.pages} == {
        "한/x": "한",
        "두/x": "두",
        "images/세/y": "세",
    }
    assert not found.problems
    assert {read_labelled_page(page).category for page in found.pages} == {"한", "두", "images"}


def test_a_path_that_leads_outside_is_no_page(tmp_path):
    write(tmp_path / "밖.jpg")
    write(tmp_path / "안/x.jpg")
    lines = [f"{path}\t" + json.dumps([word("가")]) for path in ("../밖.jpg", str(tmp_path / "밖.jpg"), "안/x.jpg")]
    write(tmp_path / "안/Label.txt", "\n".join(lines))
    found = find_labelled_pages(tmp_path / "안")
    assert [page.image for page in found.pages] == [tmp_path / "안/x.jpg"]
    assert [problem.name for problem in found.problems] == ["Label.txt, line 1", "Label.txt, line 2"]


def test_folders_of_icdar_2015(tmp_path):
    words = (
        "1,2,31,2,31,14,1,14,도로",
        "",
        "5,5,25,6,24,15,4,14,###",
        "1,1,9,1,9,9,1,9,",
        "1,2,3,가",
        "5,5,9,5,9,8,5,8,1,000원",
    )
    lines = "\ufeff" + "\r\n".join(words)
    for number in (1, 2):
        write(tmp_path / f"ch4_training_images/img_{number}.jpg")
    write(tmp_path / "ch4_training_localization_transcription_gt/gt_img_1.txt", lines)
    write(tmp_path / "ch4_training_localization_transcription_gt/gt_img_9.txt", lines)
    found = find_labelled_pages(tmp_path)
    assert (found.form, [page.name for page in found.pages]) == ("icdar2015", ["img_1"])
    assert found.problems == [
        Problem("ch4_training_localization_transcription_gt/gt_img_9.txt", NO_IMAGE),
        Problem("img_2", NO_LABEL),
    ]
    assert words_of(found.pages[0]) == [((1, 2, 31, 14), "도로"), ((5, 5, 9, 8), "1,000원")]
    counts, told = left_out(found.pages)
    assert counts == {IGNORED: 1, NO_TEXT: 1, MALFORMED_ANNOTATION: 1}
    assert told[2].startswith(
        f"img_1: line 5 of gt_img_1.txt: {MALFORMED_ANNOTATION}, line: not the numbers and the text"
    )


@pytest.mark.parametrize(
    ("form", "line", "box"),
    [
        ("icdar2013", '1, 2, 31, 14, "도로, 점용"', (1, 2, 31, 14)),
        ("icdar2013", '1 2 31 14 "도로, 점용"', (1, 2, 31, 14)),
        ("icdar2015", "1,2,31,2,31,14,1,14,도로, 점용", (1, 2, 31, 14)),
        ("icdar2017", "1,2,31,2,31,14,1,14,Korean,도로, 점용", (1, 2, 31, 14)),
    ],
)
def test_the_form_is_told_from_the_lines_or_from_the_caller(tmp_path, form, line, box):
    write(tmp_path / "x.jpg")
    write(tmp_path / "x.txt", f"{line}\n깨진 줄\n{line}")
    write(tmp_path / "README.txt", "무엇이 여기 있나")
    found = find_labelled_pages(tmp_path)
    assert (found.form, found.problems) == (form, [Problem("README.txt", NO_IMAGE)])
    assert words_of(found.pages[0]) == 2 * [(box, "도로, 점용")]
    forced = find_labelled_pages(tmp_path, "icdar2013")
    flat = {} if form == "icdar2013" else {NO_AREA: 2}  # the first two of four corners lie beside each other
    assert (forced.form, left_out(forced.pages)[0]) == ("icdar2013", flat | {MALFORMED_ANNOTATION: 1})


def test_which_image_a_text_file_is_of(tmp_path):
    for name in ("x.jpg", "가/x.jpg", "나/y.jpg", "다/y.jpg", "라/z.jpg", "라/z.png", "gt_w.jpg", "w.jpg"):
        write(tmp_path / "images" / name)
    for name in ("x.txt", "가/gt_x.txt", "y.txt", "z.txt", "gt_z.txt", "gt_w.txt"):
        write(tmp_path / "labels" / name, "1,2,31,2,31,14,1,14,도로")
    found = find_labelled_pages(tmp_path)
    pairs = {page.name: page.label.path.relative_to(tmp_path / "labels").as_posix() for page in found.pages}
    assert pairs == {"gt_w": "gt_w.txt", "x": "x.txt", "가/x": "가/gt_x.txt", "라/z": "gt_z.txt"}
    assert set(found.problems) == {
        Problem("labels/y.txt", AMBIGUOUS),
        Problem("나/y", NO_LABEL),
        Problem("다/y", NO_LABEL),
        Problem("라/z", SECOND_LABEL),
        Problem("라/z", SECOND_IMAGE),
        Problem("w", NO_LABEL),
    }


def test_labels_beside_images_with_decomposed_names(tmp_path):
    write(tmp_path / f"{unicodedata.normalize('NFD', '신청서')}.jpg")
    write(tmp_path / f"gt_{unicodedata.normalize('NFC', '신청서')}.txt", "1,2,31,2,31,14,1,14,도로")
    assert [page.name for page in find_labelled_pages(tmp_path).pages] == ["신청서"]


def test_names_that_are_not_utf8_are_left_out(tmp_path):
    """Their bytes can go into no labels.csv and no manifest."""
    for stem in (b"x", b"\xb0\xa1"):  # 가 in CP949
        write(tmp_path / f"{os.fsdecode(stem)}.jpg")
        write(tmp_path / f"gt_{os.fsdecode(stem)}.txt", "1,2,31,2,31,14,1,14,도로")
    found = find_labelled_pages(tmp_path)
    assert [page.name for page in found.pages] == ["x"]
    assert found.problems == [Problem(r"\udcb0\udca1.jpg", BAD_NAME), Problem(r"gt_\udcb0\udca1.txt", BAD_NAME)]


def test_ai_hubs_own_folders(tmp_path):
    write(tmp_path / "images/인.허가/x.jpg")
    write(tmp_path / "labels/인.허가/x.json", label([("도로", [1, 2, 30, 12])]))
    found = find_labelled_pages(tmp_path)
    assert (found.form, [page.name for page in found.pages]) == ("aihub", ["인.허가/x"])
    write(tmp_path / "labels/인.허가/x.txt", "1,2,31,2,31,14,1,14,도로")
    with pytest.raises(UserError, match=r"forms aihub and icdar2015; say which with --label_format"):
        find_labelled_pages(tmp_path)
    assert words_of(find_labelled_pages(tmp_path, "icdar2015").pages[0]) == words_of(found.pages[0])


@pytest.mark.parametrize(
    "files", [{}, {"x.jpg": b""}, {"x.txt": b"1,2,3,4,5,6,7,8,a"}, {"x.jpg": b"", "x.txt": b"a\n"}]
)
def test_a_folder_with_nothing_usable_says_what_was_expected(tmp_path, files):
    for name, content in files.items():
        write(tmp_path / name, content)
    with pytest.raises(UserError, match=r"expected are images .* Label\.txt, or .* gt_X\.txt") as caught:
        find_labelled_pages(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_file_that_is_no_text_costs_its_page(tmp_path):
    for name in ("x", "y"):
        write(tmp_path / f"{name}.jpg")
    write(tmp_path / "x.txt", b"1,2,31,2,31,14,1,14,\xea\xb0\xff")
    write(tmp_path / "y.txt", "1,2,31,2,31,14,1,14,도로")
    found = find_labelled_pages(tmp_path, "icdar2015")
    with pytest.raises(LabelError, match=r"^[^:]*/x\.txt: is not text in UTF-8, CP949 or UTF-16$"):
        read_labelled_page(found.pages[0])
    assert words_of(found.pages[1]) == [((1, 2, 31, 14), "도로")]


ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp949": "CP949", "utf-16": "UTF-16", "utf-16-be": "UTF-16"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_files_are_read_in_the_encodings_of_korean_windows(tmp_path, encoding):
    write(tmp_path / "가.jpg")
    write(tmp_path / "gt_가.txt", "1,2,31,2,31,14,1,14,도로\r\n1,22,31,22,31,34,1,34,점용, 허가\r\n".encode(encoding))
    found = find_labelled_pages(tmp_path)
    assert (found.form, found.problems) == ("icdar2015", [])
    assert words_of(found.pages[0]) == [((1, 2, 31, 14), "도로"), ((1, 22, 31, 34), "점용, 허가")]
    assert read_labels(found.pages[0]).encoding == ENCODINGS[encoding]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_label_txt_is_read_in_the_encodings_of_korean_windows(ppocrlabel, encoding):
    # U+AC0A and U+0A00 hold the byte of a line end.
    text = (ppocrlabel / "Label.txt").read_text().replace("김해시", "김해시갊")
    write(ppocrlabel / "Label.txt", text.encode(encoding))
    found = find_labelled_pages(ppocrlabel)
    assert ([page.name for page in found.pages], found.problems) == (["a", "b"], [Problem("c", NO_LABEL)])
    assert words_of(found.pages[0]) == [((10, 20, 50, 40), "경남 김해시갊"), ((9, 18, 51, 41), "(경, 유")]
    assert words_of(found.pages[1]) == [((10, 20, 50, 40), "도로")]
    assert read_labels(found.pages[0]).encoding == ENCODINGS[encoding]


def coco(images, words, **more):
    annotations = [
        {"id": number, "image_id": image, "bbox": box, "text": text} | more
        for number, (image, text, box) in enumerate(words)
    ]
    return json.dumps({"images": images, "annotations": annotations}, ensure_ascii=False)


def image(identity, name):
    return {"id": identity, "file_name": name, "width": 200, "height": 100}


WORDS_OF_TWO = [(1, "도로", [10, 20, 40, 20]), (2, "점용", [1, 2, 30, 12]), (1, "허가", [60, 20, 40, 20])]


@pytest.mark.parametrize("place", ["labels/all.json", "annotations/instances.json", "coco.json"])
@pytest.mark.parametrize("prefix", ["", "images/", "C:\\data\\images\\"])
def test_one_coco_file_of_all_pages(tmp_path, place, prefix):
    for name in ("가", "나", "다"):
        write(tmp_path / f"images/{name}.jpg")
    images = [image(1, f"{prefix}가.jpg"), image(2, f"{prefix}나.jpg"), image(3, "없음.jpg")]
    write(tmp_path / place, coco(images, [*WORDS_OF_TWO, (9, "남음", [1, 2, 3, 4])]))
    found = find_labelled_pages(tmp_path)
    assert (found.form, [page.name for page in found.pages]) == ("coco", ["가", "나"])
    rest = {Problem("다", NO_LABEL), Problem(place, NO_IMAGE, "없음.jpg"), Problem(place, ORPHANS, "1 of them")}
    assert set(found.problems) == rest
    assert words_of(found.pages[0]) == [((10, 20, 50, 40), "도로"), ((60, 20, 100, 40), "허가")]
    assert words_of(found.pages[1]) == [((1, 2, 31, 14), "점용")]
    page = read_labelled_page(found.pages[0])
    assert (page.width, page.height) == (200, 100)


def test_a_coco_file_a_page_is_a_label_file_of_its_page(tmp_path):
    for number, name in enumerate(("인.허가/가", "인.허가/나"), 1):
        write(tmp_path / f"images/{name}.jpg")
        words = [(number, text, box) for of, text, box in WORDS_OF_TWO if of == number]
        write(tmp_path / f"labels/{name}.json", coco([image(number, f"{name[-1]}.jpg")], words))
    found = find_labelled_pages(tmp_path)
    assert (found.form, [page.name for page in found.pages]) == ("aihub", ["인.허가/가", "인.허가/나"])
    assert words_of(found.pages[1]) == [((1, 2, 31, 14), "점용")]
    assert find_labelled_pages(tmp_path, "coco").form == "coco"


def test_json_beside_its_images_is_read(tmp_path):
    write(tmp_path / "원천데이터/가.png")
    write(tmp_path / "라벨링데이터/가.json", label([("도로", [1, 2, 30, 12])]))
    found = find_labelled_pages(tmp_path)
    assert (found.form, found.problems) == ("aihub", [])
    assert words_of(found.pages[0]) == [((1, 2, 31, 14), "도로")]


def test_a_coco_file_that_is_too_large_says_so(tmp_path):
    write(tmp_path / "가.jpg")
    with (tmp_path / "all.json").open("wb") as file:
        file.truncate(MAX_LABEL_BYTES + 1)
    with pytest.raises(UserError, match=r"all\.json: label file that can't be read: has more than 64 MiB"):
        find_labelled_pages(tmp_path)


def test_what_evaluation_exports_is_read_as_the_same_labels(tmp_path):
    state = random.Random(5)
    texts = [*WORDS, '"경유"', '"', '\\"', '"\\"', '" "', "1,2,3", "Korean,가", "# # #", "a\\\\b", '"a" b "c\\\\"']
    texts += ["".join(state.choices('가1,"\\ #', k=state.randint(1, 9))) for _ in range(500)]
    texts = [text for text in map(normalize_label, texts) if text and text != "###"]
    words = []
    for text in texts:
        x, y = state.randint(-5, 2000), state.randint(-5, 2000)
        words.append(Word(Box(x, y, x + state.randint(1, 300), y + state.randint(1, 90)), text))
    pages = {"인.허가/5350109/2001/가": words[::2], "인.허가/5350110/2001/가": words[1::2]}
    write_icdar(tmp_path / "labels.zip", pages)
    for name in pages:
        write(tmp_path / "set/images" / f"{name}.jpg")
    with zipfile.ZipFile(tmp_path / "labels.zip") as archive:
        archive.extractall(tmp_path / "set/labels")
    found = find_labelled_pages(tmp_path / "set")
    assert (found.form, found.problems) == ("icdar2015", [])
    read = {page.name: list(read_labelled_page(page).words) for page in found.pages}
    assert list(read.values()) == list(pages.values())
    assert not left_out(found.pages)[0]


def test_labels_read_like_a_label_file_of_ai_hub(tmp_path):
    """What step 2 puts into the evaluation set: JSON that says the same, with what is left out still in it."""
    write(tmp_path / "x.jpg", jpeg(page_image(1)))
    write(tmp_path / "x.txt", "1,2,31,2,31,14,1,14,도로\n1,2,31,2,31,14,1,14,###\n깨진 줄")
    page = find_labelled_pages(tmp_path).pages[0]
    source = PageSource.of(page).label
    assert (source.suffix, source.size()) == (".json", (tmp_path / "x.txt").stat().st_size)
    copy = write(tmp_path / "set/labels/x.json", source.read(2**20))
    write(tmp_path / "set/images/x.jpg")
    again = find_labelled_pages(copy.parents[1])
    assert (again.form, words_of(again.pages[0])) == ("aihub", [((1, 2, 31, 14), "도로")])
    assert left_out(again.pages) == left_out([page])
