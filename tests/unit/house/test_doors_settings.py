"""Settings by which one caller could pass for another are refused at the start."""

from typing import Any

import msgspec
import pytest

from gateway.config import ClaimsSettings, HospitalSettings, OperatorSettings
from gateway.doors import require_each_hospital_once, require_safe_operators
from gateway.kernel.errors import ConfigRefused

DOOR = {"port": 1, "certificate": "tls"}
LI = OperatorSettings("li", ("view",), certificate_name="li")
WANG = OperatorSettings("wang", ("view",), token="wang")


def claims(**more: Any) -> ClaimsSettings:
    doors = dict.fromkeys(("hospital_door", "partner_door", "operator_door"), DOOR)
    return msgspec.convert({"database": "c.db", **doors, **more}, ClaimsSettings)


def test_a_safe_setting_is_taken() -> None:
    require_safe_operators(claims(operator_ca="operators.pem"), [LI, WANG])
    require_safe_operators(claims(operator_door={"port": 1}), [WANG])


@pytest.mark.parametrize(
    ("settings", "person"),
    [
        ({"operator_door": {"port": 1, "host": "0.0.0.0"}}, WANG),
        ({}, LI),
        ({"operator_door": {"port": 1}, "operator_ca": "operators.pem"}, LI),
        ({"operator_ca": "ca.cert.pem"}, LI),
    ],
    ids=["token in the clear", "no CA", "no TLS", "the hospitals' CA"],
)
def test_an_operators_proof_that_proves_nothing_is_refused(settings: dict[str, Any], person: OperatorSettings) -> None:
    with pytest.raises(ConfigRefused) as told:
        require_safe_operators(claims(**settings), [person])
    assert told.value.error_code == "operator-setting"


ONE = HospitalSettings("H1", "one", certificate_name="h1")


@pytest.mark.parametrize(
    "other",
    [
        HospitalSettings("H1", "again", certificate_name="h2"),
        HospitalSettings("H2", "two", certificate_name="h1"),
        HospitalSettings("H2", "two"),
    ],
    ids=["one code", "one certificate", "no proof"],
)
def test_a_hospital_without_a_proof_of_its_own_is_refused(other: HospitalSettings) -> None:
    require_each_hospital_once([ONE, HospitalSettings("H2", "two", signing_key="h1")])
    with pytest.raises(ConfigRefused) as told:
        require_each_hospital_once([ONE, other])
    assert told.value.error_code == "hospital-setting"
