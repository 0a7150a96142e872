"""Who may ask: tokens, addresses; what the log says of it."""

import pytest

from tests.serving.conftest import running
from tests.serving.tiny import page
from train_easyocr import serve
from train_easyocr.common.errors import UsageError
from train_easyocr.serving.tokens import Tokens, add_token, read_tokens

pytestmark = pytest.mark.slow


def test_tokens_are_hashed_named_and_compared(tmp_path):
    file = tmp_path / "토큰 목록"
    first, second = add_token(file, "민원실"), add_token(file, "문서고")
    text = file.read_text(encoding="utf-8")
    assert first not in text and second not in text and text.count("\n") == 2
    assert file.stat().st_mode & 0o777 == 0o600
    tokens = read_tokens(file)
    assert tokens.needed
    assert (tokens.name_of(first), tokens.name_of(second)) == ("민원실", "문서고")
    for wrong in (None, "", "x", first[:-1], text.split(":")[1].strip(), "토큰"):
        assert tokens.name_of(wrong) is None
    assert Tokens().name_of(None) == "-" and not Tokens().needed


@pytest.mark.parametrize("text", ["", "# 없음\n", "민원실\n", "민원실:abc\n", f"a:{'0' * 64}\na:{'1' * 64}\n"])
def test_files_of_tokens_that_let_anybody_or_nobody_in_are_refused(tmp_path, text):
    (tmp_path / "토큰").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="토큰"):
        read_tokens(tmp_path / "토큰")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to be in, with a file of tokens."""
    monkeypatch.chdir(tmp_path)
    add_token(tmp_path / "좋은 토큰", "민원실")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("status", "arguments", "said"),
    [
        (2, [], "--package DIR"),
        (2, ["--package", "없음", "--host", "0.0.0.0"], "--token_file"),
        (2, ["--package", "없음", "--host", "::"], "--token_file"),
        (2, ["--package", "없음", "queu=1"], "queu"),
        (2, ["--package", "없음", "uploads_mb=1"], "not one upload"),
        (2, ["--package", "없음", "--token-file", "없다"], "없다: can't be read"),
        (2, ["--new-token", "민원실"], "--token_file"),
        (2, ["--new-token", "두 말", "--token-file", "토큰"], "neither spaces"),
        (1, ["--package", "없음", "--port", "0"], "model.json: is not there"),
        (1, ["--package", "없음", "--host", "192.0.2.1", "--token-file", "좋은 토큰"], "192.0.2.1"),
    ],
)
def test_what_is_wrong_is_said(capsys, status, arguments, said):
    assert serve.main(arguments) == status
    assert said in capsys.readouterr().err


def test_only_who_shows_a_token_is_answered(exported, tmp_path, capsys):
    file = tmp_path / "토큰"
    assert serve.main(["--new-token", "민원실", "--token-file", str(file)]) == 0
    token = capsys.readouterr().out.strip()
    with running(exported, tmp_path, "--token-file", file, "--threads", "1") as client:
        for method, path in (("POST", "/v1/ocr"), ("POST", "/ocr"), ("GET", "/v1/model"), ("GET", "/metrics"),
                             ("POST", "/v1/jobs"), ("GET", "/v1/jobs/x"), ("POST", "/v1/model/reload")):  # fmt: skip
            for headers in ({}, {"Authorization": "Bearer falsch"}, {"Authorization": f"Basic {token}"}):
                answer = client.request(method, path, headers=headers)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
        assert client.get("/openapi.json").status_code == 200
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.get("/v1/model").json()["name"] == "작은 모델"
        answer = client.post("/v1/ocr", files={"file": ("쪽.png", page(0))})
        assert answer.status_code == 200
        log = client.log.read_text(encoding="utf-8")
    assert "민원실 POST /v1/ocr 200" in log and "- POST /v1/ocr 401" in log
    assert token not in log and "쪽.png" not in log


def test_answers_keep_browsers_strict(client):
    for path in ("/healthz", "/v1/model", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store" and "server" not in headers
    page = client.get("/")
    assert page.status_code == 200 and "script-src 'self'" in page.headers["content-security-policy"]
