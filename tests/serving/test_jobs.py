"""Jobs: pages as they are read, results, limits, owners."""

import json
import threading
import time

import pytest

from tests.reading.documents import blank_pdf, marked_page, saved
from tests.serving.conftest import until
from tests.serving.test_ocr import ask, untimed
from tests.serving.tiny import page
from train_easyocr.serving.documents import OpenedUpload, Options, Upload
from train_easyocr.serving.errors import Refusal
from train_easyocr.serving.jobs import Jobs
from train_easyocr.serving.pdf_process import Renderers

pytestmark = pytest.mark.slow


def send(client, content, **fields):
    answer = client.post("/v1/jobs", files={"file": ("긴 문서.pdf", content)}, data=fields)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return answer.headers["location"]


def done(client, job):
    until(lambda: client.get(job).json()["state"] in ("done", "failed"))
    return client.get(job).json()


def test_a_long_document_comes_page_by_page_and_as_a_whole(client):
    content = blank_pdf(30)
    assert ask(client, content).status_code == 422  # beyond what one answer holds
    job = send(client, content)
    assert done(client, job) == {"id": job[9:], "state": "done", "done": 30, "pages": 30, "warnings": []}
    lines = client.get(f"{job}/pages")
    assert lines.headers["content-type"] == "application/x-ndjson"
    pages = [json.loads(line) for line in lines.text.splitlines()]
    assert [one["number"] for one in pages] == list(range(1, 31))
    assert client.get(f"{job}/pages", params={"from": 28}).text.splitlines() == lines.text.splitlines()[28:]
    whole = client.get(f"{job}/result").json()
    assert whole["pages"] == pages and whole["file"] == "긴 문서.pdf"
    assert client.delete(job).status_code == 204
    assert client.get(job).status_code == 404


def test_a_job_reads_as_an_answer_does(client):
    expected = untimed(ask(client, page(3), name="긴 문서.pdf", picture="jpeg"))
    job = send(client, page(3), picture="jpeg")
    done(client, job)
    assert untimed(client.get(f"{job}/result")) == expected
    pdf = send(client, page(3), format="pdf")
    done(client, pdf)
    assert client.get(f"{pdf}/result").content == ask(client, page(3), name="긴 문서.pdf", format="pdf").content


def test_what_can_not_be_read_is_refused_at_once(client):
    for content, status in ((b"text", 415), (b"%PDF-1.4 nothing", 422), (b"", 415)):
        assert client.post("/v1/jobs", files={"file": ("가.pdf", content)}).status_code == status
    for path in ("/v1/jobs/없음", "/v1/jobs/x/pages", "/v1/jobs/x/result"):
        assert client.get(path).json()["error"]["code"] == "not_found"


@pytest.fixture
def gate():
    """Holds jobs back until it is set."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def jobs(gate):
    def read(opened, stop, each):
        for number in opened.numbers:
            each({"number": number}, [])
        gate.wait(10)
        opened.close()
        return b"x" * 1000

    found = Jobs(read, most=3, most_bytes=8_000, seconds=0.3)
    yield found
    gate.set()
    found.close()


def opened(pages, limit):
    content = saved(*[marked_page()] * pages)
    return OpenedUpload(Upload("가.tif", content, Options()), limit, Renderers(0, 1))


def add(jobs, owner="가"):
    return jobs.add(opened(2, 10), 100, owner)


def test_the_number_and_the_bytes_of_jobs_are_bounded(jobs, gate):
    first = [add(jobs) for _ in range(3)]
    with pytest.raises(Refusal, match=r"3 jobs are kept \(jobs\)") as refused:
        add(jobs)
    assert refused.value.status == 429 and "Retry-After" in refused.value.headers
    gate.set()
    until(lambda: jobs.counts()["done"] == 3)
    add(jobs)  # the oldest one makes room
    with pytest.raises(Refusal, match="no job"):
        jobs.find(first[0].id, "가")


def test_a_job_is_its_owners_and_is_forgotten_in_time(jobs, gate):
    job = add(jobs)
    with pytest.raises(Refusal, match="no job"):
        jobs.find(job.id, "나")
    until(lambda: len(job.lines) == 2)
    assert jobs.find(job.id, "가") is job and job.state == "running"
    gate.set()
    until(lambda: job.state == "done")
    time.sleep(0.4)
    with pytest.raises(Refusal, match="no job"):
        jobs.find(job.id, "가")


def test_a_job_that_outgrows_the_memory_fails(gate):
    def read(opened, stop, each):
        opened.close()
        return b"x" * 10_000

    jobs = Jobs(read, most=3, most_bytes=5_000, seconds=10)
    job = add(jobs)
    until(lambda: job.state == "failed")
    assert job.error.code == "busy" and not job.result
    jobs.close()


def test_more_pages_than_are_read_at_a_time_are_refused():
    opened(2, 10).close()
    with pytest.raises(Refusal, match="has 3 pages; 2 are read at a time"):
        opened(3, 2)
