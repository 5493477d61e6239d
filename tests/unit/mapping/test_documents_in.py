"""The two doors for documents from outside: strict JSON and hardened XML."""

from decimal import Decimal

import pytest

from gateway.kernel.errors import MessageRefused
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml

BOMB = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'


def test_numbers_are_exact():
    assert {"a": Decimal("12.30"), "b": 7, "c": Decimal("0.1")} == strict_json(b'{"a": 12.30, "b": 7, "c": 1e-1}')
    assert str(strict_json(b"[12.30]")[0]) == "12.30"


@pytest.mark.parametrize(
    "document",
    [
        b'{"a": 1, "a": 2}',
        b'{"a":"10:15","a":"x"}',
        b'{"a":"10:15","b"\n:1,"b":"x"}',
        b'{"x": [{"a": 1}, {"b": "t: u", "b": "v"}]}',
        rb'{"a\"": "::", "b": 1, "b" : 2}',
        rb'{"a": 1, "\u0061": 2}',
    ],
)
def test_a_key_said_twice_is_refused_however_it_is_spelt(document):
    with pytest.raises(MessageRefused, match="twice"):
        strict_json(document)


def test_colons_in_texts_are_no_keys():
    assert strict_json(rb'{"a": "b:c", "t" : "\":\""}') == {"a": "b:c", "t": '":"'}


@pytest.mark.parametrize("document", [b"", b"{", b"[1,]", b"NaN", b"1e999999999999999999999"])
def test_what_is_no_json_is_refused(document):
    with pytest.raises(MessageRefused) as refused:
        strict_json(document)
    assert refused.value.error_code == "bad-json"


def test_json_depth_and_size_are_bounded():
    assert strict_json(b"[" * 64 + b"]" * 64)
    with pytest.raises(MessageRefused, match="deep"):
        strict_json(b'{"a":' * 65 + b"1" + b"}" * 65)
    with pytest.raises(MessageRefused, match="large"):
        strict_json(b"[1, 2, 3]", max_bytes=8)


@pytest.mark.parametrize(
    "document",
    [
        BOMB,
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        "<!DOCTYPE a><a/>".encode("utf-16"),
        b"<a>",
        b"",
        b"<a/><b/>",
        b"<a>&undefined;</a>",
        b"<a>" * 129 + b"</a>" * 129,
    ],
)
def test_xml_that_is_not_plain_is_refused(document):
    with pytest.raises(MessageRefused) as refused:
        parse_xml(document)
    assert refused.value.error_code == "bad-xml"


def test_plain_xml_is_read_in_its_own_encoding_without_comments():
    root = parse_xml('<?xml version="1.0" encoding="GBK"?><a>测<!-- x -->试</a>'.encode("gbk"))

    assert root.text == "测试"
    assert len(root) == 0


def test_xml_size_is_bounded():
    with pytest.raises(MessageRefused, match="large"):
        parse_xml(b"<a>xx</a>", max_bytes=8)
