"""Prepared sets: what can be used, what is left out and why, and equal pixels in both forms."""

import csv
import pickle

import lmdb
import numpy as np
import pytest

from tests.documents.printed import encode
from tests.documents.samples import page_image
from tests.recognition.word_sets import WORDS, render, tiny_config, write_set
from train_easyocr.common.errors import UserError
from train_easyocr.datasets.data import (
    decode_patch,
    describe_characters,
    describe_sets,
    open_set,
    reading_widths,
    time_steps,
    training_widths,
)
from train_easyocr.datasets.images import reading_width
from train_easyocr.datasets.png import encode_png
from train_easyocr.weights.characters import CharacterSet


def opened(folder, **settings):
    config = tiny_config(**settings)
    return open_set(folder, config, CharacterSet.from_setting(config.character))


def labels_of(data):
    return [data.label(index) for index in range(len(data))]


def test_png_and_lmdb_give_the_same_words(tmp_path):
    patches = write_set(tmp_path / "png", WORDS)
    write_set(tmp_path / "lmdb", WORDS, form="lmdb")
    png, database = opened(tmp_path / "png"), opened(tmp_path / "lmdb")
    assert (png.report.form, database.report.form) == ("PNG", "LMDB")
    assert labels_of(png) == labels_of(database) == WORDS
    for index, patch in enumerate(patches):
        assert np.array_equal(png.patch(index, rgb=False), patch)
        assert np.array_equal(database.patch(index, rgb=False), patch)
        assert np.array_equal(database.patch(index, rgb=True), np.repeat(patch[:, :, None], 3, 2))


def test_colour_patches_are_rgb_or_grey(tmp_path):
    patch = np.zeros((32, 40, 3), np.uint8)
    patch[:, :, 0] = 255  # blue in OpenCV's order
    write_set(tmp_path / "set", ["가"], patches=[patch])
    data = opened(tmp_path / "set")
    assert data.patch(0, rgb=True)[0, 0].tolist() == [0, 0, 255]
    assert data.patch(0, rgb=False).shape == (32, 40)


def test_patches_that_an_earlier_version_cut_wider_than_their_boxes_are_refused(tmp_path):
    write_set(tmp_path / "png", WORDS)
    (tmp_path / "png" / "margins.csv").write_text("filename,left,top,right,bottom\n", encoding="utf-8")
    write_set(tmp_path / "lmdb", WORDS, form="lmdb")
    with lmdb.open(str(tmp_path / "lmdb" / "lmdb")) as database, database.begin(write=True) as transaction:
        transaction.put(b"margin-000000001", b"3,5,3,0")
    for form in ("png", "lmdb"):
        with pytest.raises(UserError, match=f"{form}: its patches show more than their boxes, .*prepare the set again"):
            opened(tmp_path / form)


LABELS = ["가나", "", "가를", "가나다라마바사가나", "를를를를를를를를를를", "가가가가가가가가", "나, 다", "가를를"]


def test_words_are_left_out_by_their_first_fault_and_counted(tmp_path):
    write_set(tmp_path / "set", LABELS)
    # Width 64 has 15 time steps; eight equal characters need 15.
    data = opened(tmp_path / "set", img_width=64)
    assert labels_of(data) == ["가나", "가가가가가가가가"]
    assert data.report.left_out == {
        "empty label": 1,
        "unknown characters": 4,
        "longer than batch_max_length": 1,
    }
    assert data.report.unknown_characters == {"를": 13, ",": 1, " ": 1}
    assert data.report.unknown_words == 4
    assert (data.report.read, data.report.kept, data.report.used) == (8, 2, 2)


def test_labels_that_ctc_can_not_write_are_left_out_whatever_the_filter(tmp_path):
    write_set(tmp_path / "set", ["가가가가가", "가나다라마"])
    for off in (False, True):
        data = opened(tmp_path / "set", img_width=32, batch_max_length=7, data_filtering_off=off)
        assert time_steps(32) == 7
        assert labels_of(data) == ["가나다라마"]
        assert data.report.left_out == {"more characters than time steps": 1}


def test_filtering_off_keeps_words_and_counts_what_their_targets_lack(tmp_path):
    write_set(tmp_path / "set", LABELS)
    data = opened(tmp_path / "set", data_filtering_off=True)
    assert labels_of(data) == ["가나", "가를", "가나다라마바사가나", "가가가가가가가가", "나, 다", "가를를"]
    assert data.report.left_out == {"empty label": 2}  # nothing is left of 를를를를를를를를를를
    assert data.report.unknown_characters["를"] == 13
    assert "kept, without these characters" in describe_sets("Training", [data.report])


def test_the_attention_head_never_gets_longer_labels(tmp_path):
    write_set(tmp_path / "set", LABELS)
    data = opened(tmp_path / "set", data_filtering_off=True, Prediction="Attn")
    assert "가나다라마바사가나" not in labels_of(data)


def test_lower_case_when_case_does_not_count(tmp_path):
    write_set(tmp_path / "set", ["가B", "Ab"])
    assert labels_of(opened(tmp_path / "set", character="가ab", sensitive=False)) == ["가b", "ab"]
    assert opened(tmp_path / "set", character="가ab").report.unknown_characters == {"B": 1, "A": 1}


def test_a_part_of_the_data_is_a_choice_that_the_seed_fixes(tmp_path):
    write_set(tmp_path / "set", WORDS * 5)
    everything = len(opened(tmp_path / "set"))

    def part(seed, ratio):
        config = tiny_config(seed=seed)
        return open_set(tmp_path / "set", config, CharacterSet(config.character), usage_ratio=ratio).rows.tolist()

    assert part(1, 0.25) == part(1, 0.25) == sorted(set(part(1, 0.25)))
    assert len(part(1, 0.25)) == everything // 4
    assert part(1, 0.25) != part(2, 0.25)
    assert len(part(1, 0.0001)) == 1
    assert len(part(1, 1)) == everything


@pytest.mark.parametrize("form", ["png", "lmdb"])
def test_sizes_come_from_the_images_where_names_have_none(tmp_path, form):
    patches = write_set(tmp_path / "set", WORDS, form=form, name="{stem}.png")
    assert [tuple(size) for size in np.stack(opened(tmp_path / "set").sizes(), 1).tolist()] == [
        (patch.shape[1], patch.shape[0]) for patch in patches
    ]


def test_widths_are_those_of_single_words():
    sizes = [(w, h) for w in (1, 5, 31, 32, 33, 64, 100, 333, 700) for h in (1, 3, 30, 32, 49, 64, 147)]
    width, height = (np.array(column, np.int32) for column in zip(*sizes, strict=True))
    assert reading_widths(width, height, 64).tolist() == [reading_width(w, h, 64) for w, h in sizes]
    none = np.zeros(len(sizes), np.int32)
    assert training_widths(width, height, none, 64, 600).tolist() == [min(600, reading_width(*s, 64)) for s in sizes]


def test_a_long_text_in_a_narrow_box_gets_the_time_steps_it_needs():
    square = np.full(40, 30, np.int32)
    steps = np.arange(1, 41, dtype=np.int32)
    widths = training_widths(square, square, steps, 32, 128)
    enough = [time_steps(width) >= step for width, step in zip(widths, steps, strict=True)]
    assert all(enough[: time_steps(128)])
    assert widths[:8].tolist() == [32] * 7 + [64]
    assert widths.max() == 128


def test_missing_and_unequal_parts_are_named(tmp_path):
    with pytest.raises(UserError, match="no such folder; step 2"):
        opened(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"labels\.csv: there is no such file"):
        opened(tmp_path / "empty")
    write_set(tmp_path / "set", WORDS, form="lmdb")
    labels = tmp_path / "set" / "labels.csv"
    labels.write_text(labels.read_text(encoding="utf-8") + "more.png,가\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"12 patches, labels\.csv 13 rows"):
        opened(tmp_path / "set")
    labels.write_text("filename,words\nx\n", encoding="utf-8")
    with pytest.raises(UserError, match="row 2 does not hold"):
        opened(tmp_path / "set")
    (tmp_path / "bare").mkdir()
    labels.rename(tmp_path / "bare" / "labels.csv")
    with pytest.raises(UserError, match="neither images/ nor lmdb/"):
        opened(tmp_path / "bare")
    (tmp_path / "bare" / "lmdb").mkdir()
    with pytest.raises(UserError, match="can't be read as LMDB"):
        opened(tmp_path / "bare")


def test_patches_that_can_not_be_read_are_named(tmp_path):
    write_set(tmp_path / "set", ["가", "나", "다"], name="{stem}.png")
    images = sorted((tmp_path / "set" / "images").iterdir())
    images[0].unlink()
    images[1].write_bytes(images[1].read_bytes()[:40])
    images[2].write_bytes(b"")
    data = opened(tmp_path / "set")
    for index, image in enumerate(images):
        with pytest.raises(UserError, match=image.name):
            data.patch(index, rgb=False)
    with pytest.raises(UserError, match=images[0].name):
        data.sizes()


def test_an_opened_database_travels_to_other_processes_and_serves_two_sets(tmp_path):
    write_set(tmp_path / "set", WORDS, form="lmdb")
    data, again = opened(tmp_path / "set"), opened(tmp_path / "set" / ".." / "set")
    patch = data.patch(3, rgb=False)
    assert np.array_equal(again.patch(3, rgb=False), patch)
    assert np.array_equal(pickle.loads(pickle.dumps(data)).patch(3, rgb=False), patch)


def test_reports_name_reasons_and_characters(tmp_path):
    write_set(tmp_path / "민원", LABELS)
    report = opened(tmp_path / "민원").report
    text = describe_sets("Training", [report])
    assert "4 of 8 words hold characters that the model does not have (3 of them; left out)" in text
    header, _, row = text.splitlines()[2:5]
    assert [cell.strip() for cell in header.split("|")] == [
        *("Data set", "Form", "Words", "empty label", "unknown characters", "longer than batch_max_length"),
        *("Usable", "Used"),
    ]
    assert [cell.strip() for cell in row.split("|")] == ["민원", "PNG", "8", "1", "4", "1", "2", "2"]
    assert "를        | U+B97C     |    13" in describe_characters("Training", [report])


def test_rendered_words_differ():
    assert render("가나").shape[1] < render("가나다").shape[1]
    assert not np.array_equal(render("가"), render("나"))


@pytest.mark.parametrize("rgb", [False, True])
def test_patches_of_other_programs_are_upright_and_on_white(rgb):
    patch = page_image(3, width=60, height=24)
    expected = np.dstack([patch] * 3) if rgb else patch
    transparent = np.dstack([np.zeros_like(patch)] * 3 + [255 - patch])
    turned = encode(np.rot90(patch), "PNG", 6)
    for content in (encode_png(expected), encode(patch), encode(transparent), turned, encode(patch, "TIFF")):
        np.testing.assert_array_equal(decode_patch(content, rgb, "여기"), expected)


def test_colours_of_patches_are_in_one_order():
    patch = np.dstack([page_image(seed, width=60, height=24) for seed in range(3)])
    for content in (encode_png(patch[..., ::-1]), encode(patch), encode(patch, "BMP")):
        np.testing.assert_array_equal(decode_patch(content, True, "여기"), patch)


@pytest.mark.parametrize("change", [lambda content: b"", lambda content: content[:-40], lambda content: b"\xff\xd8"])
def test_broken_patches_are_named(change):
    for content in (encode_png(page_image(3)), encode(page_image(3), "JPEG")):
        with pytest.raises(UserError, match="여기: is no image"):
            decode_patch(change(content), False, "여기")


def saved_by_a_spreadsheet(folder, encoding, delimiter=",", line_end="\r\n"):
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    with (folder / "labels.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator=line_end).writerows(rows)


@pytest.mark.parametrize("form", ["png", "lmdb"])
@pytest.mark.parametrize(
    ("encoding", "delimiter", "said"),
    [("cp949", ",", "CP949"), ("utf-16", ",", "UTF-16"), ("utf-16", "\t", "UTF-16"), ("utf-16-le", ",", "UTF-16")],
)
def test_labels_that_a_spreadsheet_has_saved_are_read(tmp_path, form, encoding, delimiter, said):
    texts = ["가, 나", '다"라', "똠방각하", "a"]
    patches = write_set(tmp_path / "set", texts, form)
    characters = CharacterSet('가나다라똠방각하a, "')
    before = open_set(tmp_path / "set", tiny_config(), characters)
    saved_by_a_spreadsheet(tmp_path / "set", encoding, delimiter)
    words = open_set(tmp_path / "set", tiny_config(), characters)
    assert [words.label(index) for index in range(len(words))] == texts
    np.testing.assert_array_equal(words.patch(2, False), patches[2])
    assert words.sizes()[0].tolist() == before.sizes()[0].tolist()
    assert words.report.labels_sha256 == before.report.labels_sha256  # the same data, for a run that goes on
    assert f"set: labels.csv is in {said}, not UTF-8" in describe_sets("Training", [words.report])
    assert "not UTF-8" not in describe_sets("Training", [before.report])


def test_labels_in_no_encoding_are_named(tmp_path):
    write_set(tmp_path / "set", ["가"])
    (tmp_path / "set" / "labels.csv").write_bytes(b"filename,words\nx.png,\xff\n")
    with pytest.raises(UserError, match=r"labels\.csv: row 2: is not UTF-8 .*; is not text in UTF-8, CP949 or UTF-16"):
        open_set(tmp_path / "set", tiny_config(), CharacterSet("가"))
