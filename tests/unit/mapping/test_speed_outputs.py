"""The mapping benchmark compares like with like: the mapping and the hand-written code give the same bytes and results."""

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from benchmarks import mapping_speed, speed_by_hand, speed_case
from gateway.mapping import Incoming


@pytest.mark.parametrize("lines", [1, 7, 200])
def test_every_job_gives_the_same_by_mapping_and_by_hand(lines):
    for name in mapping_speed.AIMS:
        job = mapping_speed.make_job(name, lines)
        assert job.mapped() == job.hand(), name


def test_claims_with_and_without_optional_parts_are_the_same_bytes():
    acts, claim = speed_case.acts(), speed_case.dispatch(3)
    patient, visit = replace(claim.patient, mobile="13900000000"), replace(claim.visit, end_at=UNSET)
    for other in (claim, replace(claim, patient=patient), replace(claim, visit=visit), replace(claim, diagnoses=())):
        assert acts["json"].write(other).document == speed_by_hand.write_json(other)
    other = replace(claim, patient=patient, visit=visit)
    assert acts["xml"].write(other).document == speed_by_hand.write_xml(other)


def test_an_answer_without_its_optional_parts_is_the_same_result():
    acts = speed_case.acts()
    json_answer = b'{"status": "2", "lines": [{"no": "1", "status": "9"}]}'
    assert acts["json"].read(Incoming(json_answer)) == speed_by_hand.read_json(json_answer)
    head, _, rest = speed_case.xml_answer(1).partition(b"<SettleNo>")
    xml_answer = head + rest.partition(b"</Approved>")[2]
    assert acts["xml"].read(Incoming(xml_answer)) == speed_by_hand.read_xml(xml_answer)


def test_a_measurement_says_ratio_growth_and_memory(monkeypatch):
    monkeypatch.setattr(mapping_speed, "_ROUND", 0)  # one call a round
    least, more = (mapping_speed.make_job("claim to XML", lines) for lines in (2, 4))
    figure = mapping_speed.measure(more, least, seconds=0)
    assert (figure.name, figure.lines) == ("claim to XML", 4)
    assert figure.low <= figure.ratio <= figure.high
    assert figure.growth > 0
    assert figure.bytes_a_line > 0
