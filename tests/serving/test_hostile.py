"""Uploads that mean harm or are broken: each is answered with 4xx in seconds, or cut off; the process lives."""

import base64
import contextlib
import io
import json
import socket
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.reading.documents import WANTS_A_PASSWORD, blank_pdf, marked_page, png_header, saved
from tests.serving.conftest import running
from tests.serving.test_ocr import ask
from tests.serving.tiny import page

pytestmark = pytest.mark.slow

SECONDS = 6
"""Two on an idle machine; here other tests run beside."""
LIMIT = 2_000_000
"""body_mb of the client."""


def png(width, height, idat):
    """A PNG in grey of any rows."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def zeros(count):
    """A zlib stream of zeros, 1,000 times smaller."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(count >> 20)) + packer.flush()


def tiff(width, height, **tags):
    """A TIFF that says how large it is, and has nothing to show for it."""
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 1 << 30} | tags
    body = struct.pack("<H", len(entries))
    for tag, value in sorted(entries.items()):
        body += struct.pack("<HHII", tag, 4, 1, value)
    return b"II*\0\x08\0\0\0" + body + struct.pack("<I", 0)


def looping_tiff():
    """A TIFF whose second page is its first one."""
    whole = bytearray(tiff(8, 8))
    whole[-4:] = struct.pack("<I", 8)
    return bytes(whole)


def cut(content, share=0.5):
    return content[: int(len(content) * share)]


def pdf_of(content, page="<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R >>"):
    """A PDF of one page with some content, without a table of objects, which readers make good."""
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n"
        b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>\nendobj\n3 0 obj\n"
        + page.encode()
        + b"\nendobj\n4 0 obj\n"
        + content
        + b"\nendobj\ntrailer\n"
        b"<< /Size 5 /Root 1 0 R >>\n%%EOF\n"
    )


def pdf_loop():
    """A PDF whose pages hold one another."""
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n"
        b"<< /Type /Pages /Count 1 /Kids [2 0 R] >>\nendobj\ntrailer\n<< /Size 3 /Root 1 0 R >>\n%%EOF\n"
    )


def endless_pdf(depth=12, times=10):
    """A PDF of a page that draws a form that draws ten forms, and so on: ten to the twelfth in all."""
    forms = b""
    for number in range(5, 5 + depth):
        content = b"/F Do " * times
        forms += b"%d 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 72 72] " % number
        forms += b"/Resources << /XObject << /F %d 0 R >> >> /Length %d >>\n" % (number + 1, len(content))
        forms += b"stream\n" + content + b"\nendstream\nendobj\n"
    last = b"<< /Type /XObject /Subtype /Form /BBox [0 0 72 72] /Length 13 >>\nstream\n0 0 9 9 re f \nendstream"
    forms += b"%d 0 obj\n" % (5 + depth) + last + b"\nendobj\n"
    page = (
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 72 72] /Contents 4 0 R /Resources << /XObject << /F 5 0 R >> >> >>"
    )
    return pdf_of(b"<< /Length 6 >>\nstream\n/F Do \nendstream", page).replace(b"trailer", forms + b"trailer")


JPEG = saved(marked_page(width=800, height=600), form="JPEG")
WHOLE_TIFF = saved(marked_page(), marked_page(), compression="tiff_lzw")
FILES = {
    "empty": lambda: b"",
    "one byte": lambda: b"\x89",
    "NUL bytes": lambda: bytes(10_000),
    "text": lambda: "한글 문서".encode() * 100,
    "HTML": lambda: b"<html><script>alert(1)</script></html>",
    "SVG": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "ZIP": lambda: b"PK\x03\x04" + bytes(100),
    "GIF": lambda: saved(marked_page(), form="GIF"),
    "program": lambda: b"\x7fELF" + bytes(1000),
    "JPEG cut off": lambda: cut(JPEG),
    "JPEG head alone": lambda: JPEG[:3],
    "JPEG of noise": lambda: JPEG[:200] + np.random.default_rng(0).bytes(5000),
    "JPEG that says 65,500 x 65,500": lambda: _jpeg_size(JPEG, 65_500, 65_500),
    "PNG cut off": lambda: cut(page(0)),
    "PNG of 65,500 x 65,500": lambda: png_header(65_500, 65_500),
    "PNG of 2^31 x 2^31": lambda: png_header(2**31 - 1, 2**31 - 1),
    "PNG of nothing": lambda: png_header(0, 0),
    "PNG bomb": lambda: png(30_000, 30_000, zeros(1 << 28)),
    "PNG with too few rows": lambda: png(4_000, 4_000, zeros(1 << 20)),
    "PNG with wrong sums": lambda: page(0).replace(b"IDAT", b"IDAX"),
    "TIFF cut off": lambda: cut(WHOLE_TIFF, 0.2),
    "TIFF of 65,500 x 65,500": lambda: tiff(65_500, 65_500),
    "TIFF without pixels": lambda: tiff(2_000, 2_000),
    "TIFF head alone": lambda: b"II*\0\xff\xff\xff\xff",
    "BMP of 40,000 x 40,000": lambda: (
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 40_000, 40_000, 1, 24, *[0] * 6)
    ),
    "WebP head alone": lambda: b"RIFF\x10\0\0\0WEBPVP8 ",
    "PDF head alone": lambda: b"%PDF-1.7\n",
    "PDF cut off": lambda: cut(blank_pdf(50), 0.1),
    "PDF with a password": lambda: WANTS_A_PASSWORD,
    "PDF of 10,000 pages": lambda: blank_pdf(10_000),
    "PDF without pages": lambda: blank_pdf(0),
    "PDF that goes round": pdf_loop,
    "PDF after a megabyte": lambda: bytes(1 << 20) + blank_pdf(1),
}
"""What every client can send; each is answered with 4xx."""
HARMLESS = {
    "TIFF that goes round": looping_tiff,
    "PDF of 14,400 points": lambda: blank_pdf(1, size=(14_400, 14_400)),
    "PDF of a thin page": lambda: blank_pdf(1, size=(1_000_000, 0.01)),
    "PDF with a bomb": lambda: pdf_of(
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n" % len(zeros(1 << 27)) + zeros(1 << 27) + b"\nendstream"
    ),
    "PDF with a script": lambda: blank_pdf(1).replace(
        b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"
    ),
    "PNG with a text bomb": lambda: _with_text(page(0)),
}
"""What can be read, or not, but must not do harm."""


def _jpeg_size(content, width, height):
    start = content.index(b"\xff\xc0") + 5
    return content[:start] + struct.pack(">HH", height, width) + content[start + 4 :]


def _with_text(content):
    text = b"Comment\0\0" + zeros(1 << 27)
    chunk = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    return content[:33] + chunk + content[33:]


@pytest.fixture(autouse=True)
def survives(client):
    """After each of them the process answers, and nothing is left on the disk or in memory."""
    yield
    assert client.get("/readyz").status_code == 200
    assert list(client.spool.rglob("*")) == []
    figures = client.get("/metrics").text
    assert "ocr_requests_in_line 0.0" in figures and "ocr_upload_bytes 0.0" in figures


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused(client, name):
    content = FILES[name]()
    assert len(content) < LIMIT
    start = time.monotonic()
    answer = ask(client, content, name="../../etc/스캔\0.png", format="text")
    took = time.monotonic() - start
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert took < SECONDS
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("name", HARMLESS)
def test_a_file_does_no_harm(client, name):
    answer = ask(client, HARMLESS[name](), format="text")
    assert answer.status_code in (200, 413, 422)


def test_a_page_of_pdf_that_never_ends_is_given_up(exported, tmp_path):
    with running(exported, tmp_path, "page_seconds=2", "body_seconds=2", "--threads", "1") as own:
        assert "body_seconds" in _drip(own)
        ask(own, blank_pdf(1))  # so that the process that renders is there
        start = time.monotonic()
        answer = ask(own, endless_pdf())
        assert answer.status_code in (422, 504)
        assert "2 seconds" in answer.json()["error"]["message"]
        assert time.monotonic() - start < 10
        assert ask(own, blank_pdf(1)).status_code == 200
        renderers = [one for one in own.process.children() if "spawn_main" in " ".join(one.cmdline())]
        renderers[0].kill()  # as PDFium would be by a fault of its own
        answer = ask(own, blank_pdf(1))
        assert answer.status_code == 422 and "broke" in answer.json()["error"]["message"]
        assert ask(own, blank_pdf(1)).status_code == 200


def _drip(client):
    """Send a byte now and then; return what is answered."""
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=10) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        connection.settimeout(0.2)
        for _ in range(60):
            connection.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                return _all_of(connection)
    return ""


def _all_of(connection):
    """Return what comes until the other side closes; headers and body can come apart."""
    answer = connection.recv(65_536)
    connection.settimeout(5)
    with contextlib.suppress(ConnectionResetError):
        while answer and (more := connection.recv(65_536)):
            answer += more
    return answer.decode()


def test_limits_are_named(client):
    for content, status, said in (
        (bytes(LIMIT + 100_000), 413, "2 MB (body_mb)"),
        (png_header(65_500, 65_500), 413, "80,000,000"),
        (blank_pdf(10_000), 422, "has 10,000 pages; 20 are read at a time"),
        (b"GIF89a", 415, "neither an image"),
        (WANTS_A_PASSWORD, 422, "password"),
    ):
        answer = ask(client, content)
        assert answer.status_code == status
        assert said in answer.json()["error"]["message"]


BODIES = {
    "no JSON": (b"{", "application/json"),
    "a list": (b"[]", "application/json"),
    "NUL in JSON": (b"\0", "application/json"),
    "deep JSON": (b"[" * 100_000, "application/json"),
    "no base64": (json.dumps({"file": "한글"}).encode(), "application/json"),
    "a URL": (json.dumps({"file": "http://169.254.169.254/latest"}).encode(), "application/json"),
    "a file URL": (json.dumps({"file": "file:///etc/passwd"}).encode(), "application/json"),
    "a number": (json.dumps({"file": 1}).encode(), "application/json"),
    "wrong options": (json.dumps({"file": "AAAA", "pages": {"a": 1}, "dpi": "x"}).encode(), "application/json"),
    "no boundary": (b"--x--", "multipart/form-data"),
    "no parts": (b"--x--\r\n", "multipart/form-data; boundary=x"),
    "no end": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nab',
        "multipart/form-data; boundary=x",
    ),
    "no name": (b"--x\r\nContent-Disposition: form-data\r\n\r\nab\r\n--x--\r\n", "multipart/form-data; boundary=x"),
    "long part header": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
        + b"a" * 1_000_000
        + b'"\r\n\r\nab\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
    "long field": (
        b'--x\r\nContent-Disposition: form-data; name="pages"\r\n\r\n' + b"1," * 600_000 + b"\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "many fields": (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n for n in range(5000))
        + b"--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "two files": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nab\r\n' * 2 + b"--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    "no type": (b"abc", ""),
    "gzip": (b"\x1f\x8b" + bytes(100), "application/gzip"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_refused(client, name):
    content, kind = BODIES[name]
    start = time.monotonic()
    answer = client.post("/v1/ocr", content=content, headers={"content-type": kind})
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert time.monotonic() - start < SECONDS
    assert answer.json()["error"]["message"]


def test_a_large_file_in_base64_is_refused(client):
    answer = client.post("/v1/ocr", json={"file": base64.b64encode(bytes(LIMIT + 30_000)).decode()})
    assert answer.status_code == 413


HEAD = b"POST /v1/ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
SLOW = {
    "nothing": b"",
    "half a head": b"POST /v1/ocr HTTP/1.1\r\nHost: x\r\n",
    "half a body": HEAD + b"Content-Length: 1000\r\n\r\n{",
    "half a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "huge head": b"POST /v1/ocr HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\0" + bytes(100),
    "wrong length": b"POST /v1/ocr HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    "claims much": HEAD + b"Content-Length: 99999999999\r\n\r\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_a_client_that_stalls_is_cut_off(client, name):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as connection:
        start = time.monotonic()
        answer = b""
        try:
            connection.sendall(SLOW[name])
            while chunk := connection.recv(65_536):
                answer += chunk
        except ConnectionError:
            pass
        assert time.monotonic() - start < 1 + SECONDS  # stall_seconds, and what comes after
    assert not answer or answer.startswith(b"HTTP/1.1 4")


def test_images_of_odd_modes_are_read(client):
    for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "CMYK"):
        form = "TIFF" if mode == "CMYK" else "PNG"
        file = io.BytesIO()
        Image.fromarray(marked_page()).convert(mode).save(file, form)
        assert ask(client, file.getvalue()).status_code in (200, 422), mode
