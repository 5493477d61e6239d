"""The same job by hand: aiohttp, lxml, cryptography and sqlite3, two durable commits per claim. The yardstick of ``make bench``.

It runs on Python's own event loop, as such scripts do; with ``uvloop`` as the last argument on that one.

It knows one insurer, checks one sum, and has no consent, no vault, no schema validation, no replay guard and no metrics.
"""

import asyncio
import base64
import json
import secrets
import sqlite3
import sys
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector, web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree


def build(claim_id: str, bill: dict[str, Any]) -> bytes:
    root = etree.Element("ClaimRequest", version="1.0")
    head = etree.SubElement(root, "Head")
    etree.SubElement(head, "ClaimNo").text = claim_id
    etree.SubElement(head, "Policy").text = bill["policies"][0]["policy_no"]
    etree.SubElement(head, "Hospital").text = bill["visit"]["hospital_code"]
    etree.SubElement(head, "Visit").text = bill["visit"]["visit_id"]
    patient = etree.SubElement(root, "Patient")
    etree.SubElement(patient, "Name").text = bill["patient"]["name"]
    etree.SubElement(patient, "CertNo").text = bill["patient"]["cert_no"]
    etree.SubElement(patient, "Sex").text = {"male": "1", "female": "2"}.get(bill["patient"]["gender"], "9")
    etree.SubElement(patient, "Birth").text = bill["patient"]["birth_date"].replace("-", "")
    for diagnosis in bill["diagnoses"]:
        one = etree.SubElement(root, "Diagnosis", main="1" if diagnosis["is_main"] else "0")
        etree.SubElement(one, "Code").text = diagnosis["code"]
        etree.SubElement(one, "Name").text = diagnosis["name"]
    lines = etree.SubElement(root, "Lines", count=str(len(bill["lines"])))
    for line in bill["lines"]:
        one = etree.SubElement(lines, "Line")
        etree.SubElement(one, "No").text = line["line_no"]
        etree.SubElement(one, "Code").text = line["hosp_code"]
        etree.SubElement(one, "Name").text = line["hosp_name"]
        etree.SubElement(one, "At").text = line["occurred_at"][:19].replace("-", "").replace("T", "").replace(":", "")
        etree.SubElement(one, "Price").text = line["price"]
        etree.SubElement(one, "Qty").text = line["qty"]
        etree.SubElement(one, "Amount").text = f"{line['amount'] // 100}.{line['amount'] % 100:02d}"
    total = bill["split"]["total"]
    etree.SubElement(root, "Total").text = f"{total // 100}.{total % 100:02d}"
    return etree.tostring(root, encoding="utf-8")


class Script:
    def __init__(self, keys: Path, database: str, insurer: str) -> None:
        self.own: Any = serialization.load_pem_private_key((keys / "ant-gateway-rsa.key.pem").read_bytes(), None)
        self.peer: Any = serialization.load_pem_public_key((keys / "ant-insurer-rsa.pub.pem").read_bytes())
        self.insurer = insurer
        self.db = sqlite3.connect(database, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE claim(id TEXT PRIMARY KEY, key TEXT UNIQUE, state TEXT, body BLOB, answer BLOB)")
        self.session: ClientSession

    async def start(self, _: web.Application) -> None:
        self.session = ClientSession(connector=TCPConnector(limit=32))

    async def claim(self, request: web.Request) -> web.Response:
        raw = await request.read()
        bill = json.loads(raw)
        if sum(line["amount"] for line in bill["lines"]) != bill["split"]["total"]:
            return web.json_response({"error": "sum"}, status=422)
        claim_id = secrets.token_hex(12)
        key = request.headers["Idempotency-Key"]
        self.db.execute("INSERT INTO claim VALUES (?, ?, 'sent', ?, NULL)", (claim_id, key, raw))
        inner = build(claim_id, bill)
        signature = base64.b64encode(self.own.sign(base64.b64encode(inner), padding.PKCS1v15(), SHA256()))
        message = b"<document><signature>" + signature + b"</signature><request>" + inner + b"</request></document>"
        async with self.session.post(self.insurer, data=message, headers={"Content-Type": "application/xml"}) as answer:
            reply = await answer.read()
        signed = reply[reply.index(b"<response>") + 10 : reply.rindex(b"</response>")]
        given = base64.b64decode(reply[reply.index(b"<signature>") + 11 : reply.index(b"</signature>")])
        self.peer.verify(given, base64.b64encode(signed), padding.PKCS1v15(), SHA256())
        found = etree.fromstring(signed)
        if found.findtext("ClaimNo") != claim_id or found.findtext("Status") != "1":
            return web.json_response({"error": "refused"}, status=502)
        approved = int(found.findtext("Approved").replace(".", ""))
        self.db.execute("UPDATE claim SET state='decided', answer=? WHERE id=?", (reply, claim_id))
        return web.json_response({"claim_id": claim_id, "approved_fen": approved, "state": "decided"})


async def main(keys: str, database: str, insurer: str, port: str) -> None:
    script = Script(Path(keys), database, insurer)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.on_startup.append(script.start)
    app.router.add_post("/v1/claims", script.claim)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[5:] == ["uvloop"]:
        import uvloop

        uvloop.run(main(*sys.argv[1:5]))
    else:
        asyncio.run(main(*sys.argv[1:5]))
