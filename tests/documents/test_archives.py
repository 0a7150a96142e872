"""Archives as AI-Hub ships them, and as an enemy or a bad disk makes them."""

import stat
import struct
import subprocess
import unicodedata
import zipfile
import zlib

import pytest

from tests.documents.samples import (
    IMAGES_TOP,
    LABELS_TOP,
    Cp949Info,
    break_crc,
    cut_last_member,
    label,
    make_download,
    pages,
    tree,
    write_zip,
)
from train_easyocr.documents import archives
from train_easyocr.documents.archives import (
    Listing,
    MemberError,
    decode_name,
    extract_members,
    in_chunks,
    leave_out_folders,
    list_archive,
    missing_bytes,
    read_member,
    safe_target,
)
from train_easyocr.documents.download import files_of_split, find_download, list_download

NAME = f"{IMAGES_TOP}/인.허가/5350109/2001/문서.jpg"


def listing_of(*paths):
    listing = Listing()
    for path in paths:
        list_archive(path, "training", listing)
    leave_out_folders(listing)
    return listing


def unpack(listing, folder):
    results = [extract_members(task) for task in in_chunks(listing.members, folder, 3)]
    problems = [problem for result in results for problem in result.problems]
    return sum(result.written for result in results), sum(result.present for result in results), problems


def reasons(listing):
    return {problem.member: problem.reason for problem in listing.problems}


def special(name, mode=0, **fields):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    for key, value in fields.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize("info", [Cp949Info, zipfile.ZipInfo])
def test_names_are_read_whether_cp949_or_utf8(tmp_path, info):
    path = write_zip(tmp_path / "[원천]train1.zip", [(NAME, b"x")], info=info)
    assert [member.target for member in listing_of(path).members] == ["training/images/인.허가/5350109/2001/문서.jpg"]


def test_one_archive_can_mix_encodings(tmp_path):
    members = [(Cp949Info(NAME), b"1"), (zipfile.ZipInfo(NAME.replace("문서", "둘째")), b"2")]
    listing = listing_of(write_zip(tmp_path / "섞임.zip", members))
    assert [member.name[-6:-4] for member in listing.members] == ["문서", "둘째"]
    assert unpack(listing, tmp_path / "풀림")[0] == 2


class RawUtf8Info(zipfile.ZipInfo):
    """UTF-8 bytes without the flag that says so."""

    def _encodeFilenameFlags(self):  # noqa: N802
        return self.filename.encode(), self.flag_bits


@pytest.mark.parametrize("name", ["주민자치/문서.jpg", "2001/plain.jpg"])
def test_utf8_without_its_flag_is_recognised(tmp_path, name):
    path = write_zip(tmp_path / "a.zip", [(f"위/{name}", b"x")], info=RawUtf8Info)
    assert listing_of(path).members[0].target == f"training/images/{name}"


def test_cp949_bytes_that_pass_for_utf8_are_hangul():
    # Lead bytes from C2 and trail bytes up to BF are a valid UTF-8 letter each.
    text = "짜짤짧.jpg"
    raw = text.encode("cp949")
    raw.decode("utf-8")
    info = zipfile.ZipInfo(raw.decode("cp437"))
    assert decode_name(info) == text


def test_utf8_bytes_that_pass_for_cp949_are_what_they_were():
    # Two syllables take six bytes, which are three pairs for CP949; and · is a letter of two bytes.
    name = "침낭·카약/궤짝.jpg"
    name.encode().decode("cp949")
    assert decode_name(zipfile.ZipInfo(name.encode().decode("cp437"))) == name


def test_a_name_in_neither_encoding_is_reported():
    info = zipfile.ZipInfo(b"\xff\xff\x80.jpg".decode("cp437"))
    with pytest.raises(MemberError, match="neither UTF-8 nor CP949"):
        decode_name(info)


def test_decomposed_names_become_composed(tmp_path):
    path = write_zip(tmp_path / "a.zip", [(unicodedata.normalize("NFD", NAME), b"x")], info=zipfile.ZipInfo)
    assert listing_of(path).members[0].target == "training/images/인.허가/5350109/2001/문서.jpg"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (NAME, "images/인.허가/5350109/2001/문서.jpg"),
        ("02.라벨링데이터(Json)/인.허가/1/문서.json", "labels/인.허가/1/문서.json"),
        ("[라벨]train/인.허가/문서.JSON", "labels/인.허가/문서.JSON"),
        ("공공행정문서 OCR/Training/01.원천데이터/인.허가/문서.jpg", "images/인.허가/문서.jpg"),
        ("아무_이름/인.허가/문서.png", "images/인.허가/문서.png"),
        ("인.허가/5350109/문서.jpg", "images/인.허가/5350109/문서.jpg"),
        ("문서.jpg", "images/문서.jpg"),
        ("./위//인.허가/./문서.jpg", "images/인.허가/문서.jpg"),
        ("위/라벨.jpg", "images/라벨.jpg"),
        ("[원천]train1/01.원천데이터(Jpg)/인.허가/문서.jpg", "images/인.허가/문서.jpg"),
        ("[라벨]train/02.라벨링데이터(Json)/인.허가/문서.json", "labels/인.허가/문서.json"),
    ],
)
def test_the_top_folder_is_dropped_whatever_its_wording(name, target):
    assert safe_target(name) == target


HOSTILE = {
    "../밖.jpg": "upwards",
    "위/../../밖.jpg": "upwards",
    "../../etc/passwd": "upwards",
    "/etc/밖.jpg": "absolute",
    "C:/밖.jpg": "drive letter",
    "c:밖.jpg": "drive letter",
    "위\\..\\밖.jpg": "backslash",
    "\\\\서버\\밖.jpg": "backslash",
    "위/안\0/../밖.jpg": "upwards",
    "위/밖\0.jpg": "NUL",
    "./": "empty path",
}


def test_names_that_lead_outside_are_refused_and_the_rest_goes_on(tmp_path):
    outside = tmp_path / "가" / "나"
    members = [(special(name.replace("\0", "\x01")), b"x") for name in HOSTILE] + [(NAME, b"good")]
    path = write_zip(outside / "적.zip", members)
    data = path.read_bytes().replace("위/안\x01".encode(), "위/안\0".encode())
    path.write_bytes(data.replace("위/밖\x01".encode(), "위/밖\0".encode()))
    listing = listing_of(path)
    found = reasons(listing)
    assert found.keys() == HOSTILE.keys()
    for name, said in HOSTILE.items():
        assert found[name].startswith("refused") and said in found[name]
    assert unpack(listing, outside / "풀림") == (1, 0, [])
    assert set(tree(tmp_path)) == {
        "가",
        "가/나",
        "가/나/적.zip",
        "가/나/풀림",
        "가/나/풀림/training",
        "가/나/풀림/training/images",
        "가/나/풀림/training/images/인.허가",
        "가/나/풀림/training/images/인.허가/5350109",
        "가/나/풀림/training/images/인.허가/5350109/2001",
        "가/나/풀림/training/images/인.허가/5350109/2001/문서.jpg",
    }


def test_links_and_devices_are_refused(tmp_path):
    members = [
        (special("위/고리.jpg", stat.S_IFLNK | 0o777), b"/etc/passwd"),
        (special("위/고리", stat.S_IFLNK | 0o777), b"/etc"),
        (special("위/관.jpg", stat.S_IFIFO | 0o644), b""),
        (special("위/보통.jpg", stat.S_IFREG | 0o644), b"x"),
    ]
    listing = listing_of(write_zip(tmp_path / "고리.zip", members))
    assert reasons(listing) == {
        "위/고리.jpg": "refused: a link",
        "위/고리": "refused: a link",
        "위/관.jpg": "refused: not a plain file",
    }
    assert [member.target for member in listing.members] == ["training/images/보통.jpg"]


def test_bombs_are_refused_by_size_and_by_ratio(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_IMAGE_BYTES", 3 * 2**20)
    members = [("위/큰.jpg", bytes(3 * 2**20 + 1)), ("위/빈.jpg", bytes(2 * 2**20)), ("위/흰.jpg", bytes(2**20))]
    listing = listing_of(write_zip(tmp_path / "폭탄.zip", members))
    assert "more than 3 MiB" in reasons(listing)["위/큰.jpg"]
    assert "unpack to 2,097,152" in reasons(listing)["위/빈.jpg"]
    assert [member.name for member in listing.members] == ["위/흰.jpg"]  # small enough to be a blank page


def test_a_member_that_understates_its_size_is_damaged(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("위/a.jpg", b"x" * 5000)])
    lying = path.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    path.write_bytes(lying)
    (member,) = listing_of(path).members
    assert member.size() == 50
    with pytest.raises(MemberError, match="damaged"):
        read_member(member)


def test_broken_and_cut_members_are_reported_and_the_rest_is_unpacked(tmp_path):
    contents = {f"위/인.허가/{name}.jpg": f"내용 {name} ".encode() * 50 for name in "가나다라"}
    path = write_zip(tmp_path / "깨짐.zip", contents.items(), compression=zipfile.ZIP_STORED)
    break_crc(path, contents["위/인.허가/나.jpg"])
    cut_last_member(path, 20)
    written, _, problems = unpack(listing_of(path), tmp_path / "풀림")
    assert written == 2
    assert [problem.member for problem in problems] == ["위/인.허가/나.jpg", "위/인.허가/라.jpg"]
    assert {problem.reason for problem in problems} == {"truncated or damaged: its CRC-32 is wrong"}
    folder = tmp_path / "풀림/training/images/인.허가"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        f"{name}.jpg": contents[f"위/인.허가/{name}.jpg"] for name in "가다"
    }


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_is_found_in_every_compression(tmp_path, compression):
    content = bytes(zlib.crc32(bytes([i % 256, i // 256])) % 256 for i in range(4000))
    path = write_zip(tmp_path / "a.zip", [("위/가.jpg", content), ("위/나.jpg", content)], compression=compression)
    data = bytearray(path.read_bytes())
    data[300:340] = bytes(40)
    path.write_bytes(data)
    written, _, problems = unpack(listing_of(path), tmp_path / "풀림")
    assert (written, [problem.member for problem in problems]) == (1, ["위/가.jpg"])


def test_encrypted_and_unsupported_members_are_reported(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("위/잠김.jpg", b"x" * 99), ("위/특수.jpg", b"y" * 99)])
    data = bytearray(path.read_bytes())
    first = data.index(b"PK\1\2")
    data[first + 8] |= 1  # encrypted
    second = data.index(b"PK\1\2", first + 4)
    data[second + 10 : second + 12] = (9).to_bytes(2, "little")  # Deflate64
    path.write_bytes(data)
    assert reasons(listing_of(path)) == {
        "위/잠김.jpg": "it is encrypted",
        "위/특수.jpg": "compression method 9 is not supported",
    }


def test_what_is_no_archive_is_named_and_the_others_are_read(tmp_path):
    good = write_zip(tmp_path / "좋음.zip", [(NAME, b"x")])
    cut = tmp_path / "잘림.zip"
    cut.write_bytes(good.read_bytes()[:-30])
    (tmp_path / "글.zip").write_text("압축 파일이 아님", encoding="utf-8")
    (tmp_path / "빈.zip").touch()
    listing = listing_of(*sorted(tmp_path.glob("*.zip")), tmp_path / "없음.zip")
    assert len(listing.unreadable) == 4
    assert all(name in " ".join(listing.unreadable) for name in ("잘림.zip", "글.zip", "빈.zip", "없음.zip"))
    assert len(listing.members) == 1


def test_an_archive_in_parts_is_named_once_with_the_command_that_mends_it(tmp_path):
    download = make_download(tmp_path / "내 자료" / "공공행정문서 OCR", 2, 2)
    whole = download / "Training" / "[라벨]training.zip"
    before, content = list_download(download), whole.read_bytes()
    whole.unlink()
    step = -(-len(content) // 12)  # names by bytes, as the server gives them: 9 parts' numbers sort before the others'
    for start in range(0, len(content), step):
        whole.with_name(f"{whole.name}.part{start}").write_bytes(content[start : start + step])

    listing = list_download(download)
    assert [line.partition(": ")[0] for line in listing.unreadable] == [f"{whole}.part0"]
    assert len(listing.members) == len(before.members) - 2

    command = listing.unreadable[0].rpartition("again: ")[2]
    subprocess.run(["bash", "-c", command], check=True)
    assert whole.read_bytes() == content
    mended = list_download(download)  # the parts are still there
    assert (mended.unreadable, len(mended.members)) == ([], len(before.members))


def test_a_member_is_read_without_the_directory_and_anew_when_its_archive_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    contents = {}
    for text in ("첫째", "둘째와 더"):
        write_zip(tmp_path / "새.zip", [("위/가.jpg", text.encode()), ("위/나.jpg", text.encode() * 99)]).replace(path)
        members = listing_of(path).members
        monkeypatch.setattr(archives, "_open", None)  # reads the directory
        contents[text] = [read_member(member) for member in members]
        monkeypatch.undo()
    assert contents == {text: [text.encode(), text.encode() * 99] for text in contents}


@pytest.mark.parametrize("damage", ["header", "gone", "short"])
def test_a_member_whose_place_holds_something_else_is_reported(tmp_path, damage):
    path = write_zip(tmp_path / "a.zip", [("위/가.jpg", bytes(range(99)))])
    (member,) = listing_of(path).members
    data = path.read_bytes()
    path.write_bytes({"header": b"XX" + data[2:], "gone": b"", "short": data[:50]}[damage])
    with pytest.raises(MemberError, match={"header": "header", "gone": "header", "short": "too early"}[damage]):
        read_member(member)
    path.unlink()
    with pytest.raises(MemberError, match="can't be read"):
        read_member(member)


def test_a_member_whose_place_is_beyond_any_file_is_reported(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("위/가.jpg", b"x")])
    data, extra = path.read_bytes(), struct.pack("<2HQ", 1, 8, 2**64 - 2**20)  # ZIP64: the offset in eight bytes
    entry, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    directory = bytearray(data[entry:end] + extra)
    struct.pack_into("<H", directory, 30, len(extra))
    struct.pack_into("<L", directory, 42, 2**32 - 1)
    tail = bytearray(data[end:])
    struct.pack_into("<L", tail, 12, len(directory))
    path.write_bytes(data[:entry] + directory + tail)
    (member,) = listing_of(path).members
    with pytest.raises(MemberError, match="header"):
        read_member(member)


def test_a_member_that_takes_far_more_than_it_holds_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", [("위/가.jpg", bytes(range(256)) * 1000)], compression=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    assert reasons(listing_of(path)) == {"위/가.jpg": "refused: 256,000 bytes that hold only 10"}


def test_other_files_are_skipped_and_counted(tmp_path):
    members = [("위/읽기.txt", b""), ("위/폴더/", b""), ("__MACOSX/위/._문서.jpg", b""), (NAME, b"x")]
    listing = listing_of(write_zip(tmp_path / "a.zip", members))
    assert (len(listing.members), listing.others.counts, listing.problems) == (1, {".txt": 1, "hidden": 1}, [])


def test_members_of_one_place_are_reported_unless_they_are_equal(tmp_path):
    first = write_zip(
        tmp_path / "1.zip", [(f"{IMAGES_TOP}/인.허가/가.jpg", b"A"), (f"{IMAGES_TOP}/인.허가/나.jpg", b"B")]
    )
    second = write_zip(tmp_path / "2.zip", [("다른 위/인.허가/가.jpg", b"A"), ("다른 위/인.허가/나.jpg", b"C")])
    listing = listing_of(first, second)
    assert [member.archive.name for member in listing.members] == ["1.zip", "1.zip"]
    assert listing.repeated == 1
    assert "other content" in reasons(listing)["다른 위/인.허가/나.jpg"]


def test_a_file_in_the_place_of_a_folder_is_reported(tmp_path):
    members = [("위/인.허가/가.jpg", b"A"), ("위/인.허가/가.jpg/나.jpg", b"B")]
    listing = listing_of(write_zip(tmp_path / "a.zip", members))
    assert reasons(listing) == {"위/인.허가/가.jpg": "its path is a folder of other members"}
    assert unpack(listing, tmp_path / "풀림") == (1, 0, [])


def test_a_name_too_long_for_the_file_system_is_reported(tmp_path):
    long = "가" * 100 + ".jpg"
    listing = listing_of(write_zip(tmp_path / "a.zip", [(f"위/{long}", b"A"), (NAME, b"B")]))
    written, _, problems = unpack(listing, tmp_path / "풀림")
    assert (written, [problem.member for problem in problems]) == (1, [f"위/{long}"])


def test_what_is_there_whole_is_not_written_again(tmp_path):
    members = [(f"위/인.허가/{i}.jpg", f"내용{i}".encode()) for i in range(5)]
    listing = listing_of(write_zip(tmp_path / "a.zip", members))
    folder = tmp_path / "풀림"
    assert missing_bytes(listing.members, folder) == sum(len(content) for _, content in members)
    assert unpack(listing, folder) == (5, 0, [])
    assert missing_bytes(listing.members, folder) == 0
    files = sorted((folder / "training/images/인.허가").iterdir())
    files[0].write_bytes("다름0".encode())  # same size, other bytes
    files[1].write_bytes(b"")
    before = {file: file.stat().st_mtime_ns for file in files}
    assert unpack(listing, folder) == (2, 3, [])
    assert [file for file in files if file.stat().st_mtime_ns != before[file]] == files[:2]
    assert [file.read_bytes() for file in files] == [content for _, content in members]


def test_a_download_is_found_in_its_parent_and_its_archives_by_split(tmp_path):
    download = make_download(tmp_path / unicodedata.normalize("NFD", "공공행정문서 OCR"), 2, 2)
    (download / "Training" / "._[라벨]training.zip").write_bytes(b"\0\5\x16\7")  # macOS, on a foreign disk
    assert find_download(tmp_path) == download
    assert find_download(download) == download
    assert [path.name for path in files_of_split(download, "training").archives] == [
        "[라벨]training.zip",
        "[원천]training1.zip",
        "[원천]training2.zip",
    ]
    found = files_of_split(download, "validation").archives
    assert [path.name for path in found] == ["[라벨]validation.zip", "[원천]validation1.zip"]


def test_a_whole_download_unpacks_to_the_layout_that_step_2_reads(tmp_path):
    download = make_download(tmp_path / "공공행정문서 OCR", 3, 2)
    listing = list_download(download)
    assert unpack(listing, tmp_path / "unzipped")[0] == 10
    name, image, content = pages(3)[2]
    assert (tmp_path / f"unzipped/training/images/{name}.jpg").read_bytes() == image
    assert (tmp_path / f"unzipped/training/labels/{name}.json").read_bytes() == content
    assert content.startswith(label([])[:20]) and LABELS_TOP not in "".join(tree(tmp_path / "unzipped"))
