"""It must be able to say what an answer means: success however it is spelt, another root, no body at all, a later callback."""

import json

import pytest

from gateway.mapping import Incoming

HEAD = "target: {kind: json}\nhttp: {path: /x}\n"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"code": "0"}, "accepted"),
        ({"code": "1"}, "accepted"),
        ({"code": 200}, "accepted"),
        ({"code": 0}, "accepted"),
        ({"code": " success "}, "accepted"),
        ({"code": True}, "accepted"),
        ({"code": "E17"}, "refused"),
        ({"code": None}, "refused"),
        ({}, "refused"),
    ],
    ids=str,
)
def test_success_has_several_spellings(shop, answer, state):
    tables = 'tables:\n  done: {"0": accepted, "1": accepted, "200": accepted, success: accepted, "true": accepted, else: refused}\n'
    act = shop.act(f"{HEAD}{tables}answer: {{result: {{state: 'code(done, trim(r.code))'}}}}\n")

    assert act.read(Incoming(json.dumps(answer).encode()))["state"] == state


def test_an_answer_has_another_root_and_another_kind(shop):
    answer = (
        "answer:\n  target: {kind: xml}\n  result:\n    state: attr(r.Head, 's')\n    approved: fen_int(r.Body.Amt)\n"
    )
    act = shop.act(HEAD + "request: {a: =1}\n" + answer)

    made = act.read(
        Incoming(
            b'<?xml version="1.0" encoding="GBK"?><Response><Head s="accepted"/><Body><Amt>120</Amt></Body></Response>'
        )
    )
    assert made == {"state": "accepted", "approved": 120}


@pytest.mark.parametrize(
    ("status", "body", "state"), [(401, b"", "refused"), (200, b" ", "unknown"), (200, b'{"s":"accepted"}', "accepted")]
)
def test_a_failing_answer_may_have_no_body(shop, status, body, state):
    result = '\'"refused" if http.status == 401 else default(r.s, "unknown")\''
    act = shop.act(f"{HEAD}answer: {{result: {{state: {result}}}}}\n")

    assert act.read(Incoming(body, status)) == {"state": state}


def test_a_business_result_lies_inside_a_successful_envelope(shop):
    answer = "answer:\n  let: {inner: parse_json(r.data)}\n  result:\n    state: code(s, inner.code)\n    peer_text?: inner.msg\n"
    act = shop.act(HEAD + "tables: {s: {ok: accepted, else: refused}}\n" + answer)

    assert act.read(Incoming(b'{"status": 200, "data": "{\\"code\\": \\"no\\", \\"msg\\": \\"x\\"}"}')) == {
        "state": "refused",
        "peer_text": "x",
    }


def test_a_call_and_its_later_callback_are_one_by_a_key_under_two_names(shop):
    act = shop.act(
        HEAD
        + "correlation: uuid(claim.claim_id)\nrequest: {busseID: =S100, no: uuid(claim.claim_id)}\n"
        + "callback:\n  path: /c\n  correlation: r.body.ref\n  result: {state: r.body.state}\n"
    )
    outgoing = act.write(shop.dispatch())
    notice = {"busseID": "C100", "body": {"ref": json.loads(outgoing.document)["no"], "state": "accepted"}}

    assert act.read_callback(Incoming(json.dumps(notice).encode()))["correlation"] == outgoing.correlation


@pytest.mark.parametrize(("text", "hour"), [("2025-03-05 24:00:00", "2025-03-06T00:00:00+08:00"), ("1741140900", None)])
def test_a_time_in_an_answer_has_any_form(shop, text, hour):
    form = 'parse_datetime(r.t, "%Y-%m-%d %H:%M:%S")' if hour else "parse_epoch_s(r.t)"
    made = shop.read(
        f"  result:\n    state: =accepted\n    peer_text: 'datetime({form}, \"%Y-%m-%dT%H:%M:%S%:z\")'\n",
        json.dumps({"t": text}),
    )

    assert made["peer_text"] == (hour or "2025-03-05T10:15:00+08:00")
