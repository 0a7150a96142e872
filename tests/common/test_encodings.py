"""Text as Korean Windows and others write it: each encoding with its right value, and what is no text."""

import pytest

from train_easyocr.common.encodings import EncodingError, decode_text

TEXTS = [
    "도로 점용 허가\n",
    '{"가": "나"}',
    "1,2,3,4,5,6,7,8,제1,234호 ㎡ ·\r\n",
    "plain ASCII",
    "",
    "가나다라마바사\n각",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("cp949", "CP949"),
        ("utf-16", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
    ],
)
def test_each_encoding_gives_the_text(text, codec, name):
    if text.isascii() and not codec.startswith("utf-16-") and codec not in ("utf-16", "utf-32"):
        name = "UTF-8"  # which these bytes are as well
    if not text:
        return
    assert decode_text(text.encode(codec))[:2] == (text, name)


@pytest.mark.parametrize(
    ("content", "right"),
    [
        ("품".encode("cp949"), ("품", "CP949")),  # ǰ in UTF-8
        ("· 3 × 4 ±".encode(), ("· 3 × 4 ±", "UTF-8")),  # 쨌 in CP949
        ("αβγ".encode(), ("αβγ", "UTF-8")),
        ("①②".encode("cp949"), ("①②", "CP949")),
        (b"", ("", "UTF-8")),
    ],
)
def test_short_texts_that_two_encodings_could_hold(content, right):
    assert decode_text(content)[:2] == right


@pytest.mark.parametrize(
    "content",
    [
        "도로 점용 허가".encode()[:-1],  # damaged, not CP949
        "1,2,가".encode()[:-1],
        "도로 점용".encode().replace(b" ", b"\xff"),
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\1",
        "café,".encode("latin-1"),
        "가".encode("utf-16")[:-1],
        b"\xff\xfe\0\xd8",
    ],
)
def test_what_is_no_text_is_refused(content):
    with pytest.raises(EncodingError, match="is not"):
        decode_text(content)


@pytest.mark.parametrize("codec", ["utf-8", "cp949", "utf-16", "utf-16-le"])
def test_the_start_of_a_file_may_end_within_a_character(codec):
    for length in range(10, 20):
        assert "도로 점용 허가 신청".startswith(
            decode_text("도로 점용 허가 신청".encode(codec)[:length], cut=True).text
        )
