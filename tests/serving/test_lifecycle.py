"""Reloading, ending, a line that is full, clients that go away, figures."""

import base64
import json
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.reading.documents import blank_pdf
from tests.serving.conftest import running, until
from tests.serving.test_ocr import ask
from tests.serving.tiny import page, write_export
from train_easyocr.serving.server import listen

pytestmark = pytest.mark.slow


@pytest.fixture
def package(exported, tmp_path):
    """A package, as far as the service looks at it."""
    shutil.copytree(exported, tmp_path / "꾸러미/model")
    return tmp_path / "꾸러미"


def test_a_new_package_replaces_the_old_one_and_a_bad_one_does_not(package, tmp_path):
    with running(package, tmp_path) as client:
        before = ask(client, page(1), format="text").text
        write_export(package / "model", seed=1, name="새 모델")
        assert client.get("/v1/model").json()["name"] == "작은 모델"
        assert client.post("/v1/model/reload").json()["name"] == "새 모델"
        after = ask(client, page(1), format="text").text
        assert after != before

        (package / "model/recognizer.onnx").write_bytes(b"nothing")
        answer = client.post("/v1/model/reload")
        assert answer.status_code == 409 and "is not the file" in answer.json()["error"]["message"]
        assert ask(client, page(1), format="text").text == after

        write_export(package / "model", seed=2, name="셋째")
        client.process.send_signal(signal.SIGHUP)
        until(lambda: client.get("/v1/model").json()["name"] == "셋째")
        (package / "model/model.json").unlink()
        client.process.send_signal(signal.SIGHUP)
        until(lambda: "not reloaded" in client.log.read_text(encoding="utf-8"))
        assert client.get("/v1/model").json()["name"] == "셋째"


def test_a_body_does_not_wait_until_the_head_is_acknowledged():
    with (
        listen("127.0.0.1", 0) as opened,
        socket.create_connection(opened.getsockname()),
        opened.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_nothing_is_lost_while_packages_change(package, tmp_path):
    with running(package, tmp_path, "--threads", "2") as client, ThreadPoolExecutor(4) as clients:
        answers = [clients.submit(ask, client, page(seed)) for seed in range(24)]
        for seed in (1, 2, 3):
            write_export(package / "model", seed=seed, name=f"모델 {seed}")
            assert client.post("/v1/model/reload").status_code == 200
        assert {answer.result().status_code for answer in answers} == {200}


def test_being_told_to_end_finishes_what_is_read(exported, tmp_path):
    with running(exported, tmp_path, "--threads", "1") as client, ThreadPoolExecutor(2) as clients:
        answer = clients.submit(ask, client, blank_pdf(60, size=(300, 300)))
        until(lambda: _figure(client, 'ocr_pages_total{result="read"}') > 0)
        client.process.send_signal(signal.SIGTERM)
        assert client.popen.wait(20) == 0
        assert len(answer.result().json()["pages"]) == 60


def _figure(client, name):
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def test_a_full_line_is_said_and_a_client_that_goes_away_leaves_it(exported, tmp_path):
    content = blank_pdf(200, size=(400, 400))
    with running(exported, tmp_path, "queue=2", "--threads", "1") as client:
        host, port = client.base_url.host, client.base_url.port
        gone = [_send_and_leave_open(host, port, content) for _ in range(2)]
        until(lambda: _figure(client, "ocr_requests_in_line") == 2)
        until(lambda: _figure(client, "ocr_pages_waiting") > 0)
        answer = ask(client, page(0))
        assert answer.status_code == 429 and 1 <= int(answer.headers["retry-after"]) <= 60
        assert "(queue)" in answer.json()["error"]["message"]
        for connection in gone:
            connection.close()
        until(lambda: _figure(client, "ocr_requests_in_line") == 0)
        assert _figure(client, "ocr_upload_bytes") == 0
        assert _figure(client, 'ocr_pages_total{result="read"}') < 300
        assert ask(client, page(0)).status_code == 200


def _send_and_leave_open(host, port, content):
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + content + b"\r\n--x--\r\n"
    head = "POST /v1/ocr HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    head += f"Content-Length: {len(body)}"
    connection = socket.create_connection((host, port))
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return connection


def test_a_page_that_takes_too_long_is_given_up(exported, tmp_path):
    with running(exported, tmp_path, "page_seconds=0.01", "--threads", "1") as client:
        answer = ask(client, page(0, size=(6000, 6000)))
        assert answer.status_code == 504 and "0.01 seconds" in answer.json()["error"]["message"]
        assert client.get("/readyz").status_code == 200


def test_health_is_answered_while_pages_are_read(client):
    stop = threading.Event()

    def load():
        with httpx.Client(base_url=client.base_url, timeout=30) as own:
            while not stop.is_set():
                ask(own, blank_pdf(4, size=(600, 600)))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            start = time.monotonic()
            assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
            assert time.monotonic() - start < 6  # at once on an idle machine
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_figures_are_told(client):
    before = _figure(client, 'ocr_pages_total{result="read"}')
    ask(client, page(0))
    text = client.get("/metrics").text
    assert _figure(client, 'ocr_pages_total{result="read"}') == before + 1
    for name in ('ocr_requests_total{route="/v1/ocr",status="200"}', 'ocr_step_seconds_total{step="detect"}',
                 "process_resident_memory_bytes", 'ocr_jobs{state="done"}', "ocr_words_total"):  # fmt: skip
        assert name in text


def test_paddlex_clients_are_answered_in_their_form(client):
    coded = base64.b64encode(page(4)).decode()
    found = client.post("/ocr", json={"file": coded, "fileType": 1, "useDocUnwarping": False}).json()
    assert (found["errorCode"], found["errorMsg"]) == (0, "Success")
    ours = ask(client, page(4)).json()["pages"][0]
    [one] = found["result"]["ocrResults"]
    assert one["prunedResult"]["rec_texts"] == [line["text"] for line in ours["lines"]]
    assert one["prunedResult"]["rec_boxes"] == [line["box"] for line in ours["lines"]]
    assert len(one["prunedResult"]["rec_scores"]) == len(one["prunedResult"]["rec_polys"]) == len(ours["lines"])
    assert found["result"]["dataInfo"] == {"width": 640, "height": 480, "type": "image"}
    pdf = client.post("/ocr", json={"file": base64.b64encode(blank_pdf(12)).decode(), "fileType": 0}).json()
    assert pdf["result"]["dataInfo"]["numPages"] == len(pdf["result"]["ocrResults"]) == 12
    for body, status in (({"file": "http://169.254.169.254/"}, 422), ({}, 422), ({"file": "AAAA"}, 415)):
        answer = client.post("/ocr", content=json.dumps(body), headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["errorCode"]) == (status, status)


def test_nothing_of_uploads_is_on_the_disk(client):
    assert ask(client, page(0) + bytes(1_800_000)).status_code in (200, 422)
    assert list(client.spool.rglob("*")) == []
    links = [str(one.readlink()) for one in Path(f"/proc/{client.process.pid}/fd").iterdir()]
    assert not [link for link in links if "deleted" in link]
