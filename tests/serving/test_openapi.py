"""The API's description: whole, with examples, and kept: schemathesis asks what it allows, and looks at the answers."""

import base64
import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving.tiny import page

pytestmark = pytest.mark.slow

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="session")
def api(client):
    return schemathesis.openapi.from_url(str(client.base_url.join("/openapi.json")))


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/v1/ocr", "/v1/jobs", "/v1/jobs/{job}", "/v1/jobs/{job}/pages", "/v1/jobs/{job}/result",
     "/v1/model", "/v1/model/reload", "/metrics", "/ocr"],
)  # fmt: skip
def test_answers_are_as_described(api, path):
    statuses = []
    for operation in api[path].values():

        @given(case=operation.as_strategy())
        @settings(max_examples=10, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        def check(case):
            statuses.append(case.call_and_validate(checks=CHECKS).status_code)

        check()
    assert statuses


def test_the_description_has_examples_and_says_who_may_ask(client):
    described = client.get("/openapi.json").json()
    assert {"/v1/ocr", "/v1/jobs", "/ocr", "/metrics", "/readyz"} <= described["paths"].keys()
    text = json.dumps(described, ensure_ascii=False)
    assert "건축 허가증" in text and '"example"' in text
    assert len(described["paths"]) == 11
    for path, methods in described["paths"].items():
        for about in methods.values():
            assert about["summary"] and about["responses"]
            assert ("security" in about) == (path not in ("/healthz", "/readyz")), path
    body = described["paths"]["/v1/ocr"]["post"]["requestBody"]["content"]
    assert body.keys() == {"multipart/form-data", "application/json"}
    assert "orientation" in body["application/json"]["schema"]["properties"]


def test_a_real_answer_fits_its_description(api):
    operation = api["/v1/ocr"]["POST"]
    body = {"file": base64.b64encode(page(1)).decode(), "name": "쪽.png", "orientation": "auto", "picture": "jpeg"}
    case = operation.Case(body=body, media_type="application/json")
    answer = case.call_and_validate(checks=CHECKS)
    assert answer.status_code == 200 and len(answer.json()["pages"][0]["words"]) > 3
