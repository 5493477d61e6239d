"""Group D, names: ids, paths and header lines that mean something else to whoever uses them next."""

import asyncio
import csv
import io
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.bills import sample_bill
from support.canary import BAIT, Canary
from support.hostile import PLANT, breaks, require_refusal, require_serving
from support.house import House
from support.workshop import Workshop

from gateway.claims.door.soap_words import refused as soap_refusal
from gateway.claims.reconciliation.report import AMOUNTS, COLUMNS, as_csv, as_html
from gateway.cli.maptools.place import find_place
from gateway.cli.stage import Stage
from gateway.kernel.errors import BadRequest, ConfigRefused, MappingRefused
from gateway.kernel.ids import is_id

OUTSIDE = (
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/pyproject.toml",
    "%2e%2e%2f%2e%2e%2fpyproject.toml",
    "....//....//etc/passwd",
    "..%5c..%5cwindows",
    "fhir-r4%00",
    "fhir-r4%2f..%2fcsv",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "CON",
    "NUL.json",
    "COM1",
    "x" * 7000,
    "%u002e%u002e",
    "%c0%ae%c0%ae",
    "~root",
)


@pytest.fixture(autouse=True)
async def _unharmed(house: House, stage_home: Path) -> AsyncIterator[None]:
    """After every attack: the gateway serves, and neither answered "internal error" nor wrote down what was sent."""
    log = stage_home / "gateway.log"
    before = breaks(log.read_bytes())
    yield
    await require_serving(house, sample_bill("package"))
    assert breaks(log.read_bytes()) == before
    assert PLANT.encode() not in log.read_bytes()


@pytest.mark.parametrize("name", OUTSIDE, ids=lambda name: name[:40])
async def test_d9_a_name_that_leads_elsewhere_leads_nowhere(house: House, name: str) -> None:
    headers = {"Idempotency-Key": "d9-1", "Content-Type": "application/json"}
    for method, path, door in (
        ("POST", f"/v1/claims/{name}", "hospital"),
        ("GET", f"/schemas/{name}", "hospital"),
        ("GET", f"/v1/statements/2025-03-05/{name}", "hospital"),
        ("POST", f"/partners/{name}/notify", "partner"),
        ("POST", f"/partners/ant/{name}", "partner"),
    ):
        answer = await house.call(method, path, b"{}" if method == "POST" else b"", headers, door=door)

        assert answer.status in (400, 404, 405, 409, 414), (path[:80], answer.status)
        assert answer.headers["content-type"] == "application/problem+json", (path[:80], answer.body[:200])
        require_refusal(answer, answer.status, answer.code)
        assert b"root:" not in answer.body
        assert name.encode() not in answer.body or len(name) < 5


def _folder_naming(shop: Workshop, name: str) -> None:
    """Every place of a mapping file that names another file."""
    for text in (
        f"tables:\n  t: {{$file: {json.dumps(name)}, $key: a, $value: b}}\nrequest: {{x: =1}}\n",
        f"request: {{x: =1}}\ntests: [{{name: n, in: {json.dumps(name)}, out: {json.dumps(name)}}}]\n",
    ):
        with pytest.raises(MappingRefused):
            shop.act(f"target: {{kind: json}}\nhttp: {{path: /x}}\n{text}")
    for key in ("schema", "wsdl"):
        with pytest.raises(MappingRefused):
            shop.act(f"target: {{kind: xml, {key}: {json.dumps(name)}}}\nhttp: {{path: /x}}\nrequest: {{x: =1}}\n")


@pytest.mark.parametrize(
    "spelt", ["{file}", "../canary.txt", "../demo/../canary.txt", "link.txt", "a\0b", "x" * 10_240]
)
def test_d9_a_mapping_reads_no_file_outside_its_folder(tmp_path: Path, spelt: str) -> None:
    """By the resolved path, so that a link out of the folder is outside too."""
    shop = Workshop(tmp_path)
    shop.folder.mkdir()
    shop.schemas.mkdir()
    with Canary(tmp_path) as canary:
        (shop.folder / "link.txt").symlink_to(canary.file)
        (shop.schemas / "link.txt").symlink_to(canary.file)
        _folder_naming(shop, spelt.replace("{file}", str(canary.file)))
        assert not canary.touched


def test_d9_a_folder_beside_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    """``demo-secret`` begins with ``demo``: paths are compared by their parts, not by their letters."""
    shop = Workshop(tmp_path)
    shop.put("demo-secret/t.csv", f"a,b\n1,{BAIT}\n")

    with pytest.raises(MappingRefused, match="no table file"):
        shop.json("tables:\n  t: {$file: ../demo-secret/t.csv, $key: a, $value: b}\nrequest: {x: 'code(t, \"1\")'}\n")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b", "x" * 10_240, "CON", "package/../../../etc/passwd"])
def test_d9_the_tools_know_no_such_mapping(name: str) -> None:
    with pytest.raises(ConfigRefused) as refused:
        find_place(name)
    assert refused.value.error_code == "no-such-mapping"


SQL = f"x' OR '1'='1'; DROP TABLE bill; -- {PLANT}"
INJECTED = (
    SQL,
    '" OR 1=1 --',
    f"{PLANT}\r\nX-Planted: 1",
    "*)(uid=*))(|(uid=*",
    "' or '1'='1",
    "$(id)",
    "`id`",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "%n%s",
)


@pytest.mark.parametrize("text", INJECTED)
async def test_d12_what_means_something_elsewhere_is_no_id(house: House, text: str) -> None:
    bill = sample_bill("package")

    def spelt(made: dict[str, Any]) -> None:
        made["visit"]["visit_id"] = text

    answer = await house.submit(bill.changed(spelt))

    require_refusal(answer, 422, "schema-invalid")
    assert not is_id(text)
    assert await house.settlements("package", bill) == []


@pytest.mark.parametrize("text", [*INJECTED[:2], *INJECTED[3:], "<b>&amp;]]>", "'\"\\"])
async def test_d12_in_a_name_it_is_text_all_the_way_and_comes_back_as_such(house: House, text: str) -> None:
    """A name may hold anything that XML can: it is a parameter to the database, escaped in every message, and in no log."""
    bill = sample_bill("ant").changed(lambda made: made["patient"].update(name=text))

    decided = await house.settle(bill)

    assert decided["claims"][0]["outcome"] == "paid"
    assert len(await house.settlements("ant", bill)) == 1


async def test_d12_a_query_a_path_and_a_header_stay_parameters(house: House) -> None:
    spelt = "x'%20OR%20'1'='1'%20--"
    for path, code in (
        (f"/v1/orders/{spelt}", "order-unknown"),
        (f"/v1/undos/{spelt}", "undo-unknown"),
        (f"/v1/deposits/{spelt}", "deposit-unknown"),
        (f"/v1/guarantees/{spelt}", "guarantee-unknown"),
    ):
        require_refusal(await house.call("GET", path), 404, code)
    for after in ("1%20OR%201=1", "1;--", "0x1"):
        require_refusal(await house.call("GET", f"/v1/events?after={after}"), 400, "after-invalid")


@pytest.mark.parametrize("path", ["/v1/orders/x%0d%0aX-Planted:%201", "/v1/claims/x%0d%0aSet-Cookie:%20a=b", "/%0d%0a"])
async def test_d12_no_answer_has_a_header_that_was_sent(house: House, path: str) -> None:
    answer = await house.call("GET", path)

    assert answer.status in (404, 405)
    assert not {"x-planted", "set-cookie"} & answer.headers.keys()


def test_d12_an_id_in_a_soap_answer_is_escaped() -> None:
    told = soap_refusal("<x>&]]>\"'", BadRequest("no"))

    assert "<x>" not in told.replace("<x>&", "", 0) or "&lt;x&gt;" in told


SMUGGLED = {
    "length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "chunks and length": "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "two lengths": "Content-Length: 5\r\nContent-Length: 6",
    "two equal lengths": "Content-Length: 5\r\nContent-Length: 5",
    "a list of lengths": "Content-Length: 5, 6",
    "a signed length": "Content-Length: +5",
    "a negative length": "Content-Length: -5",
    "a length in hex": "Content-Length: 0x5",
    "an unknown coding": "Transfer-Encoding: xchunked",
    "chunked twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "chunked, then another": "Transfer-Encoding: chunked, identity",
    "a blank before the colon": "Transfer-Encoding : chunked",
    "a tab in front": "\tTransfer-Encoding: chunked",
    "a folded line": "X-Folded: a\r\n b\r\nContent-Length: 5",
    "a bare line feed": "X-A: b\nContent-Length: 5",
    "a bare carriage return": "X-A: b\rContent-Length: 5",
    "a NUL in a value": "X-A: b\0c\r\nContent-Length: 5",
}
SECOND = b"GET /v1/orders/SMUGGLED HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def _raw(stage: Stage, data: bytes, door: str) -> bytes:
    """As hospital one; everything that the door says until it closes, at most two seconds."""
    context = ssl.create_default_context(cafile=str(stage.keys / "ca.cert.pem"))
    context.load_cert_chain(stage.keys / "hospital-h1.cert.pem", stage.keys / "hospital-h1.key.pem")
    reader, writer = await asyncio.open_connection("localhost", stage.ports[door], ssl=context)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(1 << 20), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("door", ["hospital", "partner"])
@pytest.mark.parametrize("name", SMUGGLED)
async def test_d13_a_request_with_two_readings_gets_400_and_the_connection_ends(
    stage: Stage, name: str, door: str
) -> None:
    path = "/v1/claims" if door == "hospital" else "/partners/ant/notify"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: d13\r\n{SMUGGLED[name]}\r\n\r\n".encode()

    told = await _raw(stage, head + b"0\r\n\r\n" + SECOND, door)

    assert told.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")), told[:200]
    assert told.count(b"HTTP/1.") == 1, "what follows is never read as a request"
    assert b"order-unknown" not in told
    assert b"SMUGGLED" not in told


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\r=1", '=HYPERLINK("http://x")')


@pytest.mark.parametrize("text", FORMULAS)
def test_d14_no_cell_of_a_report_is_a_formula_to_a_spreadsheet(text: str) -> None:
    item = dict.fromkeys((*COLUMNS, *AMOUNTS), text) | {"ours_fen": -5, "theirs_fen": 5, "gap_fen": 0, "line_number": 0}
    story = {"items": [item], "day": "2025-03-05", "peer": "package", "hospital": "H1", "state": "differs"}
    story |= {"recon_id": text, "locked_at": 0, "adjusted_fen": 0, "totals": [], "entries": []}

    rows = list(csv.reader(io.StringIO(as_csv(story).decode("utf-8-sig"), newline="")))

    assert len(rows) == 2
    cells = dict(zip(rows[0], rows[1], strict=True))
    assert cells["owner"] == "'" + text
    assert cells["ours_fen"] == "-5", "an amount stays a number"
    assert not any(cell[:1] in "=+@\t\r" for cell in rows[1] if cell)
    assert b"<script" not in as_html(story)
