"""Character sets and converters, against EasyOCR's own tables and converter."""

import hashlib
import os
import pickle
import subprocess
import sys
import unicodedata

import easyocr.config
import pytest
from easyocr.utils import CTCLabelConverter

from train_easyocr.common.errors import UsageError
from train_easyocr.common.text import VARIANTS
from train_easyocr.weights.characters import AttnConverter, CharacterSet, CtcConverter

ALL_MODELS = {**easyocr.config.recognition_models["gen1"], **easyocr.config.recognition_models["gen2"]}


@pytest.mark.parametrize("name", ALL_MODELS)
def test_a_models_name_stands_for_its_characters(name):
    assert CharacterSet.from_setting(name).characters == ALL_MODELS[name]["characters"]


def test_korean_g2_has_1008_characters_and_lacks_some_syllables():
    korean = CharacterSet.from_setting("korean_g2")
    assert len(korean) == 1008
    assert korean.unknown("신청서를 제출했다") == {"를", "했"}
    assert "가" in korean
    assert "를" not in korean


def test_korean_documents_begin_with_korean_g2_so_that_its_classes_keep_their_numbers():
    characters = CharacterSet.from_setting("korean_documents").characters
    assert characters.startswith(CharacterSet.from_setting("korean_g2").characters)
    assert len(set(characters)) == len(characters)


def test_korean_documents_hold_all_syllables_of_ks_x_1001_and_the_signs_of_public_documents():
    documents = CharacterSet.from_setting("korean_documents")
    rows = range(0xB0, 0xC9)  # KS X 1001's rows of syllables, as EUC-KR numbers them
    syllables = {bytes([row, cell]).decode("euc_kr") for row in rows for cell in range(0xA1, 0xFF)}
    assert len(syllables) == 2350
    assert documents.unknown("".join(syllables)) == set()
    signs = "를했었겠·ㆍ○□■△※「」『』㎡㎏℃∼～―…“”‘’①⑳ⅠⅩ→㈜￦×±°"
    assert documents.unknown(signs) == set()
    assert documents.unknown("〃₩¦⊙㎦▶▷⓪☞") == set()
    assert documents.unknown("".join(VARIANTS)) == set()


def test_characters_that_came_later_stand_behind_all_others():
    """Runs that began with the 2,601 of before go on: their characters are the first of today's."""
    characters = CharacterSet.from_setting("korean_documents").characters
    assert characters[2600] == "ㅎ" and "〃" in characters[2601:]
    assert hashlib.sha256(characters[:2601].encode()).hexdigest()[:16] == "7e46ea8f82155b2a"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_a_text_file_holds_the_characters_whatever_its_line_ends(tmp_path, encoding):
    file = tmp_path / "문자.txt"
    file.write_bytes("가나\r\n다라 \n".encode(encoding))
    assert CharacterSet.from_setting(str(file)).characters == "가나다라 "


def test_anything_else_is_the_characters_themselves():
    assert CharacterSet.from_setting("가나다 (1)").characters == "가나다 (1)"


def test_decomposed_characters_are_composed():
    assert CharacterSet.from_setting(unicodedata.normalize("NFD", "각나")).characters == "각나"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("가나가", r"'가' \(U\+AC00\) more than once"),
        ("가나\n", r"control characters: '\\n' \(U\+000A\)"),
        ("", "is empty"),
        ("korean_g3", "no set of the name korean_g3; did you mean korean_g2"),
        ("korea_g2", "did you mean korean_g2"),
        ("Korean_g2", "did you mean korean_g2"),
        ("korean_document", "did you mean korean_documents"),
        ("없는 파일.txt", r"없는 파일\.txt: can't be read"),
    ],
)
def test_unusable_settings_are_refused_with_the_reason(setting, message):
    with pytest.raises(UsageError, match=message):
        CharacterSet.from_setting(setting)


def test_all_faults_are_reported_at_once():
    with pytest.raises(UsageError, match=r"more than once; holds control"):
        CharacterSet.from_setting("가가\n")


def test_a_set_can_be_handed_to_another_process():
    characters = CharacterSet("가나다")
    assert characters.unknown("가라") == {"라"}
    assert pickle.loads(pickle.dumps(characters)) == characters


def test_ctc_classes_are_those_of_easyocr():
    characters = ALL_MODELS["korean_g2"]["characters"]
    labels = ["가각 (1)", "", "행정"]
    targets, lengths = CtcConverter(CharacterSet(characters)).encode(labels)
    expected_targets, expected_lengths = CTCLabelConverter(characters).encode(labels)
    assert targets.tolist() == expected_targets.tolist()
    assert lengths.tolist() == expected_lengths.tolist() == [6, 0, 2]
    assert targets.dtype == expected_targets.dtype
    assert lengths.dtype == expected_lengths.dtype


@pytest.mark.parametrize("name", ["arabic_g1", "devanagari_g1"])
def test_tables_that_hold_a_character_twice_keep_easyocrs_classes(name):
    characters = ALL_MODELS[name]["characters"]
    converter = CtcConverter(CharacterSet.from_setting(name))
    assert converter.num_class == len(characters) + 1
    repeated = [character for character in characters if characters.count(character) > 1]
    assert converter.encode(repeated)[0].tolist() == CTCLabelConverter(characters).encode(repeated)[0].tolist()


def test_ctc_round_trip():
    converter = CtcConverter(CharacterSet("가나다 "))
    targets, lengths = converter.encode(["나 가", "다다"])
    assert converter.num_class == 5
    assert targets.tolist() == [2, 4, 1, 3, 3]
    assert lengths.tolist() == [3, 2]
    assert converter.decode(targets[:3].tolist()) == "나 가"
    assert converter.decode([]) == ""


def test_ctc_paths_with_blanks_are_not_labels():
    with pytest.raises(ValueError, match="blanks"):
        CtcConverter(CharacterSet("가나")).decode([1, 0, 1])


@pytest.mark.parametrize(
    "encode",
    [
        CtcConverter(CharacterSet("가나")).encode,
        lambda labels, **how: AttnConverter(CharacterSet("가나")).encode(labels, 5, **how),
    ],
)
def test_unknown_characters_are_refused_or_left_out_on_demand(encode):
    with pytest.raises(ValueError, match=r"'가를나': outside the character set: '를' \(U\+B97C\)"):
        encode(["가를나"])
    skipped, kept = encode(["가를나"], skip_unknown=True), encode(["가나"])
    assert skipped[0].tolist() == kept[0].tolist()
    assert skipped[1].tolist() == kept[1].tolist()


def test_attention_classes_are_those_of_deep_text_recognition_benchmark():
    converter = AttnConverter(CharacterSet("가나다"))
    text, lengths = converter.encode(["나가", "", "다다다"], batch_max_length=3)
    assert converter.num_class == 5
    assert text.tolist() == [[0, 3, 2, 1, 0], [0, 1, 0, 0, 0], [0, 4, 4, 4, 1]]
    assert lengths.tolist() == [3, 1, 4]
    assert [converter.decode(row[1:].tolist()) for row in text] == ["나가", "", "다다다"]


def test_attention_text_ends_at_the_first_end_mark():
    assert AttnConverter(CharacterSet("가나다")).decode([2, 0, 3, 1, 4, 4]) == "가나"


def test_attention_refuses_labels_longer_than_it_can_write():
    with pytest.raises(ValueError, match="4 characters, batch_max_length is 3"):
        AttnConverter(CharacterSet("가나다")).encode(["가나다가"], batch_max_length=3)


def test_importing_and_using_the_characters_stays_light():
    code = (
        "import os, sys; from train_easyocr.weights.characters import CharacterSet, CtcConverter;"
        "assert CtcConverter(CharacterSet.from_setting('korean_g2')).num_class == 1009;"
        "assert not {'torch', 'cv2', 'scipy', 'easyocr'} & set(sys.modules), sorted(sys.modules);"
        "assert 'LRU_CACHE_CAPACITY' not in os.environ"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LRU_CACHE_CAPACITY"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environment)
