"""Patches of words: what is drawn is the label, boxes, looks."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from train_easyocr.synthesis.fonts import Face, packaged_folder
from train_easyocr.synthesis.render import Style, draw_text
from train_easyocr.synthesis.word_patches import (
    EM,
    LARGEST,
    Typeface,
    WordRenderer,
    compose_patch,
    draw_box,
    draw_breakage,
    draw_glyph,
    forms_of,
    lighten,
    low_resolution,
    raised,
    smaller_sign,
    typefaces,
)

pytestmark = pytest.mark.slow

SIGNS = "가나다뺨쨌를했었제조의12(),.「」·“”㎡①"


@pytest.fixture(scope="module")
def faces() -> list[Typeface]:
    library = [Face(packaged_folder() / "NanumGothic.ttf", 0, "NanumGothic", "Regular"),
               Face(packaged_folder() / "NanumGothicBold.ttf", 0, "NanumGothic", "Bold")]  # fmt: skip
    return typefaces(library, SIGNS)


def rng(number: int = 0) -> np.random.Generator:
    return np.random.default_rng([3, number])


def test_a_glyph_is_what_pages_are_printed_with(faces):
    for sign in "가뺨「,1":
        glyph, printed = draw_glyph(sign, faces[0].face), draw_text(sign, Style(faces[0].face, EM))
        rows, columns = np.flatnonzero(glyph.mask.any(1)), np.flatnonzero(glyph.mask.any(0))
        cut = glyph.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert np.array_equal(cut, printed.mask)
        assert (glyph.left + columns[0], glyph.top + rows[0]) == (printed.left, printed.top)
        assert glyph.advance == printed.advance


@pytest.mark.parametrize("text", ["제12조의2", "했었를", "(뺨)", "나 다"])
def test_the_text_is_drawn_from_left_to_right(faces, text):
    plane = compose_patch(text, faces[0], 0.0, 0.0, rng())[2:-2, 2:-2]
    whole = draw_text(text, Style(faces[0].face, EM)).mask
    assert plane.shape[0] == whole.shape[0]
    assert plane.shape[1] == pytest.approx(whole.shape[1], abs=12)  # a space is a little wider than the face's
    if " " not in text:
        overlap = (plane[:, : whole.shape[1]] > 128) & (whole[:, : plane.shape[1]] > 128)
        assert overlap.sum() / (whole > 128).sum() > 0.9


def test_lighter_print_has_thinner_strokes_and_keeps_every_sign(faces):
    for text in ("12.12.", "했었를", "“가”·,"):
        ink = compose_patch(text, faces[0], 0.0, 0.0, rng())
        light = lighten(ink, faces[0].face)
        assert light.shape == ink.shape
        assert 0.4 * ink.sum() < light.sum() < 0.85 * ink.sum()
        assert cv2.connectedComponents((light > 60).astype(np.uint8))[0] >= len(text)


def test_level_strokes_of_a_serif_are_not_thinned():
    ink = np.zeros((20, 20), np.uint8)
    ink[9:11] = 255  # a level stroke of two pixels, and an upright one of four
    ink[:, 8:12] = 255
    serif, bold, sans = (
        lighten(ink, Face(Path("face.ttf"), 0, family, style))
        for family, style in (("NanumMyeongjo", "Regular"), ("NanumMyeongjo", "Bold"), ("NanumGothic", "Regular"))
    )
    assert (serif[:, 2] > 0).sum() == 2
    assert (serif[2] > 0).sum() == 3
    assert (bold[:, 2] > 0).sum() == (sans[:, 2] > 0).sum() == 1


def test_points_are_made_smaller_where_they_stand_and_nothing_else_is(faces):
    whole = compose_patch("1.2,가", faces[0], 0.0, 0.0, rng())
    small = compose_patch("1.2,가", faces[0], 0.0, 0.0, rng(), points=0.5)
    without = [compose_patch(text, faces[0], 0.0, 0.0, rng()) for text in ("1.2,가", "12가")]
    assert np.array_equal(without[0], whole)
    assert small.shape[1] == whole.shape[1]
    assert 0.1 < (small.sum() - without[1].sum()) / (whole.sum() - without[1].sum()) < 0.5
    dot = faces[0].glyph(".")
    half = smaller_sign(dot, 0.5)
    assert half.top + half.mask.shape[0] == dot.top + dot.mask.shape[0]  # on the base line
    assert half.advance == dot.advance
    assert dot.left < half.left < dot.left + dot.mask.shape[1] / 2
    assert smaller_sign(dot, 0.01).mask.shape == (2, 2)


def test_a_sign_is_drawn_in_one_of_the_forms_that_labels_write_alike(faces):
    assert "ㆍ" in forms_of("·") and "”" in forms_of("”") and "„" not in forms_of("”")
    widths = {compose_patch("가·가", faces[0], 0.0, 0.0, rng(number)).shape[1] for number in range(20)}
    assert len(widths) > 1


def test_a_face_counts_for_what_it_draws_alone(tmp_path):
    class Boxes(Face):
        """Draws the same box for three signs and nothing for another."""

        def font(self, size):
            real = super().font(size)

            class Font:
                def getmask(self, sign):
                    return real.getmask({"뺨": "□", "쨌": "□", "를": "□", "했": " "}.get(sign, sign))

            return Font()

    face = Boxes(Path(packaged_folder() / "NanumGothic.ttf"), 0, "Boxes", "Regular")
    assert Typeface.of(face, "가나뺨쨌를했\ue123", 1.0).characters == set("가나")


def test_families_share_the_words_out():
    path = packaged_folder() / "NanumGothic.ttf"
    names = [
        ("Noto Serif", "Regular"),
        ("Gulim", "Regular"),
        ("Gulim", "Medium"),
        ("Gulim", "Bold"),
        ("UnVada", "Regular"),
    ]
    serif, sans, other, bold, odd = typefaces([Face(path, 0, *name) for name in names], "가")
    assert serif.share == pytest.approx(1.7)
    assert sans.share == other.share == 0.5
    assert bold.share == odd.share == 0.35


def test_words_go_to_faces_that_draw_them(faces):
    lacking = Typeface(faces[0].face, faces[0].signs - {"뺨"}, faces[0].characters - {"뺨"}, 1000.0)
    renderer = WordRenderer([lacking, faces[1]])
    assert all(renderer.choose("뺨", rng(number)) is faces[1] for number in range(20))
    assert any(renderer.choose("가", rng(number)) is lacking for number in range(20))
    assert renderer.drawable("가뺨힣 ") == "가뺨 "
    with pytest.raises(ValueError, match="no face draws all of '힣'"):
        renderer.choose("힣", rng())


def test_patches_are_grey_and_hold_ink(faces):
    renderer = WordRenderer(faces)
    for number in range(300):
        patch = renderer.render("제12조를", rng(number))
        assert patch.dtype == np.uint8 and patch.ndim == 2
        assert 5 <= patch.shape[0] <= 3 * LARGEST and patch.shape[1] > patch.shape[0]
        assert patch.std() > 5


def test_small_signs_have_patches_too(faces):
    renderer = WordRenderer(faces)
    shapes = [renderer.render(text, rng(number)).shape for number, text in enumerate([".", "·", ",", "1"] * 50)]
    assert min(min(shape) for shape in shapes) >= 1


def test_the_same_numbers_give_the_same_patch(faces):
    renderer = WordRenderer(faces)
    first, second = (renderer.render("뺨했었", rng(5)) for _ in range(2))
    assert np.array_equal(first, second)


def test_clean_words_are_brighter_and_sharper_than_scanned_ones(faces):
    clean, scanned = WordRenderer(faces, "clean"), WordRenderer(faces, "scanned")
    papers, grains = {}, {}
    for name, renderer in (("clean", clean), ("scanned", scanned)):
        patches = [renderer.render("가나다를", rng(number)) for number in range(150)]
        papers[name] = np.median([np.percentile(patch, 90) for patch in patches])
        grains[name] = np.median([np.abs(np.diff(patch[:3].astype(int), axis=1)).mean() for patch in patches])
    assert papers["clean"] > papers["scanned"] + 10
    assert grains["clean"] < grains["scanned"]


def test_boxes_are_mostly_a_little_wider_than_the_ink():
    boxes = [draw_box(120, 40, 44, rng(number)) for number in range(1_000)]
    sides = np.array([[box.left, box.top, box.right, box.bottom] for box in boxes])
    assert np.all(sides >= -5)
    assert 1 <= np.median(sides) <= 6
    assert 0 < (sides < 0).mean() < 0.08
    assert 0.1 < (sides > 6).mean() < 0.5


def test_boxes_of_low_signs_are_at_times_as_high_as_the_line():
    heights = np.array([4 + box.top + box.bottom for box in (draw_box(15, 4, 44, rng(i)) for i in range(400))])
    assert (heights < 12).mean() > 0.2 and (heights > 25).mean() > 0.2


def test_low_resolution_keeps_the_size():
    patch = np.random.default_rng(1).integers(0, 256, (50, 200), dtype=np.uint8)
    coarse = low_resolution(patch, 48, rng())
    assert coarse.shape == patch.shape
    assert coarse.std() < patch.std() * 0.8


def test_black_and_white_words_are_black_and_white_but_for_jpeg(faces):
    renderer = WordRenderer(faces, "bilevel")
    patches = [renderer.render("제12조를", rng(number)) for number in range(200)]
    between = np.array([((patch > 40) & (patch < 215)).mean() for patch in patches])
    assert np.median(between) < 0.02
    assert 0.02 < (between > 0.05).mean() < 0.3  # some were scanned anew in grey
    inks = np.array([(patch < 128).mean() for patch in patches])
    assert 0.02 < np.percentile(inks, 5) < np.percentile(inks, 95) < 0.55


def test_mixed_words_are_black_and_white_every_other_time(faces):
    renderer = WordRenderer(faces, "mixed")
    patches = [renderer.render("제12조를", rng(number)) for number in range(400)]
    between = np.array([((patch > 40) & (patch < 215)).mean() for patch in patches])
    assert (between < 0.02).mean() == pytest.approx(0.4, abs=0.1)


def test_points_are_left_where_strokes_break(faces):
    renderer, seen = WordRenderer(faces, "bilevel"), []
    for number in range(150):
        patch = renderer.render("1.", rng(number))
        right = patch[patch.shape[0] // 2 :, patch.shape[1] // 2 :]
        seen.append(np.ptp(right.astype(int)) > 100)
    assert np.mean(seen) > 0.97


def test_small_print_is_neither_filled_nor_gone():
    small, large = ([draw_breakage(size, rng(number)) for number in range(300)] for size in (18, 45))
    assert 0.25 < min(small) < max(small) < 0.55
    assert min(large) < 0.05 and max(large) > 0.65


def test_units_are_drawn_as_old_faces_do_it(faces):
    face = faces[0]
    known = Typeface(face.face, face.signs | {"m", "2"}, face.characters, 1.0)
    whole = known.glyph("㎡")
    old = raised("2", whole, known, rng())
    m = known.glyph("m")
    assert old.advance > m.advance
    assert old.mask[-m.mask.shape[0] :, : m.mask.shape[1]].sum() == m.mask.sum()  # the m stands where it stood
    assert old.top < m.top
    tick = old.mask[:, m.mask.shape[1] :]
    assert 0 < tick.sum() < m.mask.sum()
    assert raised("2", whole, Typeface(face.face, frozenset("㎡"), face.characters, 1.0), rng()) is whole


def test_myeongjo_prints_most_of_what_is_black_and_white(faces):
    serif = Typeface(Face(faces[0].face.path, 0, "NanumMyeongjo", "Regular"), faces[0].signs, faces[0].characters, 1.0)
    sans = Typeface(faces[0].face, faces[0].signs, faces[0].characters, 1.0)
    renderer = WordRenderer([serif, sans])
    chosen = [renderer.choose("가", rng(number), "bilevel") is serif for number in range(400)]
    assert np.mean(chosen) == pytest.approx(0.75, abs=0.07)
