"""An answer that names another bill, order or report than was asked about says nothing about ours, and nothing of it is kept."""

import re
from typing import Any

import pytest
from partner_folder import Folder

from gateway.claims.canonical.dispatch import ActResult, read_result
from gateway.mapping.api import Incoming

OTHER = "999999"
CASES = [
    ("package", "quote", "06_S290.answer.json", "06_S290", rb'("medicalNum": ")[^"]+'),
    ("package", "settle", "07_S291.answer.json", "07_S291", rb'("billNum": ")[^"]+'),
    ("package", "settle", "07_S291.answer.json", "07_S291", rb'("medicalNum": ")[^"]+'),
    ("huiyibao", "confirm", "4_3_confirm.answer.json", "4_3_confirm", rb'("directPayNo": ")[^"]+'),
    ("huiyibao", "status", "4_4_query_paid.answer.json", "4_4_query", rb'("directPayNo": ")[^"]+'),
    ("huiyibao", "cancel", "4_5_cancel.answer.json", "4_5_cancel", rb'("directPayNo": ")[^"]+'),
    ("huiyibao", "refund", "4_6_refund.answer.json", "4_6_refund", rb'("directPayNo": ")[^"]+'),
    ("ant", "report", "report.answer.xml", "report", rb"(<reportNo>)[^<]+"),
]


def read(code: str, act: str, answer: bytes, sent: str) -> ActResult:
    folder = Folder(code)
    result: Any = folder.acts[act].read(Incoming(answer), folder.dispatch(sent))
    return read_result(result)


@pytest.mark.parametrize(("code", "act", "answer", "sent", "number"), CASES)
def test_another_number_is_unknown_and_leaves_no_reference(
    code: str, act: str, answer: str, sent: str, number: bytes
) -> None:
    told = (Folder(code).home / "examples" / answer).read_bytes()
    another, changes = re.subn(number, rb"\g<1>" + OTHER.encode(), told)

    ours, theirs = read(code, act, told, sent), read(code, act, another, sent)

    assert changes == 1
    assert ours.state != "unknown"
    assert theirs.state == "unknown"
    assert OTHER not in str(theirs)
    assert not theirs.refs
