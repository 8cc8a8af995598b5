"""schemathesis asks a real server what the OpenAPI document allows, and what it does not."""

import subprocess
import sys

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gueststar.serve.api.documents import OPERATIONS, openapi_text

SERVE = (
    "import sys; from gueststar.serve.portal.run import run_portal; "
    "run_portal(sys.argv[1], port=0, ready=lambda url: print(url, flush=True))"
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/fits")
def not_fits(_context, value):
    """Send what is no FITS file as one."""
    return orjson.dumps(value, default=str)


schema = schemathesis.openapi.from_file(openapi_text().decode())


@pytest.fixture(scope="module")
def address(store_url):
    command = [sys.executable, "-W", "error", "-c", SERVE, store_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def test_schemathesis_knows_every_question():
    assert len(list(schema.get_all_operations())) == len(OPERATIONS)


@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_answers_keep_to_the_document(case, address):
    answer = case.call(base_url=address, timeout=60)
    case.validate_response(answer, checks=CHECKS)
