"""The running service keeps to its OpenAPI description, whatever it is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from signaling.api.description import document
from signaling.api.table import ROUTES
from signaling.wire.ids import Role
from tests.signaling.background import Background

schemathesis.serializer.alias("application/sdp", "text/plain")
schemathesis.serializer.alias("application/trickle-ice-sdpfrag", "text/plain")
SCHEMA = schemathesis.openapi.from_dict(document(ROUTES))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOT_READY = {"/readyz", "/healthz", "/whip", "/whep"}
"""They answer 503 here, because no bridge node is connected."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Background]:
    with Background(tmp_path_factory.mktemp("contract") / "data") as background:
        yield background


def send(case: Case, service: Background, role: Role | None) -> None:
    """Send what was generated, and again with the names of what there is."""
    fresh = case.path == "/api/sign-out"
    cookies = {} if role is None else {"diemcau_sign_in": service.cookie(role, fresh=fresh)}
    headers = {}
    if role is not None and case.path.startswith(("/whip", "/whep")):
        headers["Authorization"] = f"Bearer {service.door_token}"
    known = {"conference": service.conference, "code": "48", "site": "48"}
    for names in ({}, {key: known[key] for key in case.path_parameters or {} if key in known}):
        case.path_parameters = {**(case.path_parameters or {}), **names}
        response = case.call(base_url=service.url, cookies=cookies, headers=headers)
        checks = CHECKS if case.path in NOT_READY else [*CHECKS, not_a_server_error]
        case.validate_response(response, checks=checks)


@SCHEMA.parametrize()
@settings(max_examples=4, derandomize=True, suppress_health_check=list(HealthCheck))
@pytest.mark.parametrize("role", [None, "operator", "technician"])
def test_answers_are_as_described(case: Case, service: Background, role: Role | None) -> None:
    send(case, service, role)
