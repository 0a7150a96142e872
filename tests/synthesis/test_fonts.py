import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from train_easyocr.common.errors import UserError
from train_easyocr.synthesis import elements, forms, pages, sentences, vocabulary
from train_easyocr.synthesis.fonts import (
    SAMPLE_FAMILIES,
    UNSEEN_FAMILIES,
    WORD_FAMILIES,
    Face,
    FontLibrary,
    belongs,
    faces_in,
    is_document_face,
    is_word_face,
    packaged_folder,
)


def texts_of(value) -> str:
    """All text below a module's constants."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(texts_of(item) for pair in value.items() for item in pair)
    if isinstance(value, tuple | list | frozenset):
        return "".join(texts_of(item) for item in value)
    if isinstance(value, vocabulary.Topic):
        return "".join(texts_of(getattr(value, name)) for name in value.__dataclass_fields__)
    return ""


def test_works_without_fontconfig_and_without_any_installed_font(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    library = FontLibrary.find()
    assert {face.family for face in library.faces} == {"NanumGothic"}
    assert any(face.bold for face in library.faces) and any(not face.bold for face in library.faces)


def test_the_packaged_face_draws_every_character_that_is_written_anywhere(library):
    constants = (vars(module).values() for module in (vocabulary, sentences, elements, forms, pages))
    characters = set("".join(texts_of(value) for values in constants for value in values if not callable(value)))
    hangul = {character for character in characters if "가" <= character <= "힣"}
    assert len(hangul) > 900  # broad coverage is what the vocabularies are for
    for face in library.faces:
        assert [c for c in sorted(characters) if not c.isspace() and not face.draws(c)] == []


def test_syllables_that_korean_g2_lacks_are_among_the_words():
    every = "".join(texts_of(value) for module in (vocabulary, sentences) for value in vars(module).values())
    assert set("를했었였겠됐윤렴읍") <= set(every)


def test_a_face_does_not_draw_what_it_has_no_glyph_for(library):
    face = library.faces[0]
    assert face.draws("김해시 ㎡·※①")
    assert not face.draws("김\ue123시")
    assert not face.draws("\U0001f600")


@pytest.mark.parametrize(
    "family", ["Nanum Pen Script", "UnPilgi", "Bandal", "NanumGothic Eco", "UnJamoSora", "Noto Sans CJK JP"]
)
def test_faces_unfit_for_documents_are_passed_over(library, family):
    fit = library.faces[0]
    assert is_document_face(fit)
    assert not is_document_face(Face(fit.path, 0, family, "Regular"))


def test_an_unknown_family_is_a_sans(library):
    unknown = Face(library.faces[0].path, 0, "Maljangnan Sorimche", "Regular")
    assert is_document_face(unknown)
    assert unknown.kind == "sans"
    assert FontLibrary((unknown,)).pick(np.random.default_rng(1), ("serif",), bold=True) is unknown


def test_files_that_are_no_korean_fonts_are_passed_over(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    (tmp_path / "empty.otf").write_bytes(b"")
    matplotlib = Path(importlib.util.find_spec("matplotlib").origin).parent
    latin = matplotlib / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    (tmp_path / "latin.ttf").write_bytes(latin.read_bytes())
    assert [face.path.name for face in faces_in(tmp_path)] == ["latin.ttf"]
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        FontLibrary.find(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        FontLibrary.find(tmp_path / "글꼴")


def test_text_goes_to_another_face_where_the_preferred_one_lacks_a_character(library):
    class Lacking(Face):
        def draws(self, text: str) -> bool:
            return "㎡" not in text

    plain = library.faces[0]
    lacking = Lacking(plain.path, 0, "Lacking", "Regular")
    both = FontLibrary((lacking, plain))
    assert both.drawing("넓이", lacking) is lacking
    assert both.drawing("12㎡", lacking) is plain
    with pytest.raises(UserError, match="no face draws"):
        both.drawing("\ue123㎡", lacking)


def test_the_order_of_faces_does_not_depend_on_where_they_were_found(tmp_path):
    for path in packaged_folder().glob("*.ttf"):
        (tmp_path / path.name).symlink_to(path)
    here, there = FontLibrary.find(tmp_path), FontLibrary.find(packaged_folder())
    assert here.fingerprint() == there.fingerprint()


FAMILIES = (*SAMPLE_FAMILIES, *UNSEEN_FAMILIES, *WORD_FAMILIES, "NanumGothic Eco", "NanumGothicCoding", "NanumMyeongjo",
            "Nanum Gothic", "Noto Serif CJK KR", "Baekmuk Batang", "UnJamoNovel", "Malgun Gothic")  # fmt: skip


def test_starter_sample_and_unseen_share_no_family(library):
    path = library.faces[0].path
    for family in FAMILIES:
        chosen = {name for name in ("starter", "sample", "unseen") if belongs(Face(path, 0, family, "Bold"), name)}
        assert len(chosen) <= 1
        assert belongs(Face(path, 0, family, "Bold"), "all")
        assert chosen == {"sample"} or family not in SAMPLE_FAMILIES
        assert chosen == {"unseen"} or family not in UNSEEN_FAMILIES


def test_other_cuts_of_the_samples_families_are_not_the_starters(library):
    path = library.faces[0].path
    for family in ("NanumGothic Eco", "NanumGothicCoding", "Nanum Gothic", "NanumGothic"):
        assert not belongs(Face(path, 0, family, "Regular"), "starter")
    assert belongs(Face(path, 0, "UnJamoNovel", "Regular"), "starter")
    assert belongs(Face(path, 0, "NanumBarunGothic", "Regular"), "starter")


def test_without_installed_fonts_only_the_sample_has_a_face(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {face.family for face in FontLibrary.find(None, "sample").faces} == {"NanumGothic"}
    for chosen in ("starter", "unseen"):
        with pytest.raises(UserError, match="install fonts"):
            FontLibrary.find(None, chosen, words=True)


def test_words_are_printed_in_more_faces_than_documents(library):
    path = library.faces[0].path
    assert is_word_face(Face(path, 0, "UnJamoBatang", "Regular"))
    assert not is_document_face(Face(path, 0, "UnJamoBatang", "Regular"))
    assert not is_word_face(Face(path, 0, "Nanum Pen Script", "Regular"))
