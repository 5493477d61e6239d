"""Group D, fuzz: every parser and every mapping takes anything. A clean refusal or a result, soon; no crash, no hang."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

import pytest
from lxml import etree
from support.folders import MAPPINGS
from support.fuzzing import WRITING, findings, fuzz_of

from gateway.claims.door.soap import read_call
from gateway.claims.reconciliation.statement import read_csv
from gateway.claims.upload import pieces_of, text_of
from gateway.kernel.errors import LianpeiError, MessageRefused
from gateway.kernel.strictjson import strict_json
from gateway.kernel.xml import parse_xml
from gateway.mapping.records import read_records
from gateway.mapping.runtime.base import RefusalError
from gateway.mapping.runtime.documents import read_json, read_xml, unbase64
from gateway.wire.httpsig import verify_head
from gateway.wire.seals.xml.tree import parse as parse_signed

SHORT, LONG = 1_500, 100_000
"""Inputs for each parser; in the long form a million in all."""
SLOWEST_S = 0.1
NOW = datetime(2026, 3, 5, tzinfo=UTC)


def _head(data: bytes) -> object:
    text = data.decode("latin-1")
    headers = {"Signature-Input": text, "Signature": text[::-1], "Content-Digest": text[5:]}
    return verify_head("POST", "/v1/claims", "", headers, lambda _: None, int(NOW.timestamp()), 300)


PARSERS: dict[str, Callable[[bytes], object]] = {
    "xml": parse_xml,
    "signed xml": parse_signed,
    "soap call": read_call,
    "json": strict_json,
    "upload": lambda data: pieces_of(text_of(data, "gb18030")),
    "records": lambda data: read_records(data.decode("utf-8", "replace")),
    "statement": read_csv,
    "signature headers": _head,
    "inner xml": read_xml,
    "inner json": read_json,
    "base64": lambda data: unbase64(data.decode("latin-1")),
}
SEEDS = [
    *sorted(path.read_bytes()[:4000] for path in (MAPPINGS / "insurers").glob("*/examples/*.xml")),
    *sorted(path.read_bytes()[:4000] for path in (MAPPINGS / "insurers").glob("*/examples/*.json")),
    b'#bill,bill,kind\r\n#lines,bill,no\r\nbill,b1,"direct_pay"\r\nlines,b1,"a ""b"""\r\n',
    b"our_id,kind,state,amount_fen,at\nx,pay,done,100,2026-03-05T10:00:00+08:00\n",
    b'sig1=("@method" "@path" "@query" "content-digest");created=1741140900;nonce="x";keyid="k";alg="ed25519"',
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a><input1>x</input1></a></e:Body></e:Envelope>',
]
PIECES = (
    *(b"<", b">", b"</a>", b"&", b"&#0;", b"&#xD800;", b"]]>", b"<!--", b"<![CDATA[", b"<?xml ?>", b"<!DOCTYPE a>"),
    *(b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"-", b"null"),
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80", b"\xed\xa0\x80", b"\r", b"\n", b"\t", b";", b"=", b"sig1=", b"#"),
)


def mutated(random: Random) -> bytes:
    """A seed with some bytes changed, cut, doubled or pieces put in."""
    data = bytearray(random.choice(SEEDS))
    for _ in range(random.randint(1, 6)):
        place, other = random.randrange(len(data) + 1), random.randrange(len(data) + 1)
        start, end = min(place, other), max(place, other)
        match random.randrange(5):
            case 0:
                data[place : place + 1] = bytes([random.randrange(256)])
            case 1:
                data[place:place] = random.choice(PIECES) * random.choice((1, 1, 1, 2, 100))
            case 2:
                del data[start : min(end, start + 200)]
            case 3:
                data[place:place] = data[start : min(end, start + 500)]
            case _:
                del data[place:]
    return bytes(data)


def _fuzzed(name: str, count: int, seed: int) -> Counter[str]:
    random, told = Random(f"{name}:{seed}"), Counter[str]()
    for number in range(count):
        data = mutated(random)
        started = time.thread_time()
        try:
            PARSERS[name](data)
            told["taken"] += 1
        except (LianpeiError, RefusalError, UnicodeEncodeError):
            told["refused"] += 1
        assert time.thread_time() - started < SLOWEST_S, f"{name} {seed} {number}"
    return told


@pytest.mark.parametrize("name", PARSERS)
def test_d15_every_parser_takes_or_refuses_anything_soon(name: str) -> None:
    told = _fuzzed(name, SHORT, 1)

    assert told["refused"] > SHORT / 20


@pytest.mark.long
@pytest.mark.parametrize("name", PARSERS)
def test_d15_a_million_inputs(name: str) -> None:
    seed = Random().randrange(10**6)
    print(f"{name}, seed {seed}: {dict(_fuzzed(name, LONG, seed))}")


@pytest.mark.parametrize("folder", WRITING)
def test_d15_every_mapping_makes_or_refuses_anything(folder: str) -> None:
    """The whole of it, hospital formats and the long form included, is in tests/property/test_fuzz_shipped.py."""
    fuzz = fuzz_of(folder, 15)
    assert findings(list(fuzz.requests(range(1)))) == []
    assert findings(list(fuzz.answers(range(1)))) == []


NOT_WELL_FORMED = {
    "1 no element": b"",
    "1 two elements": b"<a/><b/>",
    "1 text behind": b"<a/>x",
    "2 a control character": b"<a>\x01</a>",
    "2 U+FFFE": b"<a>\xef\xbf\xbe</a>",
    "5 a name that begins with a digit": b"<1a/>",
    "5 a name with a blank": b"<a b></a b>",
    "9 an ampersand in an attribute": b'<a b="&"/>',
    "10 an attribute without quotes": b"<a b=c/>",
    "10 an attribute without a value": b"<a b/>",
    "10 a less-than in an attribute": b'<a b="<"/>',
    "14 the end of a CDATA section": b"<a>]]></a>",
    "15 two hyphens in a comment": b"<a><!-- a -- b --></a>",
    "15 a comment that ends in three": b"<a><!-- a ---></a>",
    "16 an instruction without a name": b"<a><? ?></a>",
    "17 an instruction called xml": b"<a><?XML x?></a>",
    "18 a CDATA section without an end": b"<a><![CDATA[x</a>",
    "20 a CDATA section outside": b"<![CDATA[x]]><a/>",
    "23 a blank before the declaration": b" <?xml version='1.0'?><a/>",
    "23 a declaration without a version": b"<?xml encoding='UTF-8'?><a/>",
    "26 another version's form": b"<?xml version='x'?><a/>",
    "32 standalone as yes or no": b"<?xml version='1.0' standalone='maybe'?><a/>",
    "39 another end": b"<a></b>",
    "39 no end": b"<a>",
    "39 an end without a beginning": b"</a>",
    "40 one attribute twice": b'<a b="1" b="2"/>',
    "40 no blank between attributes": b'<a b="1"c="2"/>',
    "42 an attribute at the end": b'<a></a b="1">',
    "66 a reference without an end": b"<a>&#65</a>",
    "66 a reference to no character": b"<a>&#0;</a>",
    "66 a reference to half a pair": b"<a>&#xD800;</a>",
    "66 a reference in letters": b"<a>&#x;</a>",
    "68 an unknown entity": b"<a>&x;</a>",
    "68 an entity without an end": b"<a>&amp</a>",
    "81 an encoding's name": b"<?xml version='1.0' encoding='a/b'?><a/>",
    "a prefix that is not declared": b"<p:a/>",
    "one attribute twice by two prefixes": b'<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
    "a byte that is no UTF-8": b"<a>\xc0\x80</a>",
}


@pytest.mark.parametrize("rule", NOT_WELL_FORMED)
def test_d15_xml_that_is_not_well_formed_is_refused(rule: str) -> None:
    """By the number of the production in XML 1.0 (fifth edition) that it breaks."""
    with pytest.raises(MessageRefused):
        parse_xml(NOT_WELL_FORMED[rule])


def test_d15_what_is_well_formed_is_taken() -> None:
    """So that the test above can fail."""
    for document in (b"<a/>", b"<a b='&lt;'>&#x4e00;<![CDATA[<]]></a>", b"<?xml version='1.0'?><!-- x --><a/>\n"):
        assert isinstance(parse_xml(document), etree._Element)
