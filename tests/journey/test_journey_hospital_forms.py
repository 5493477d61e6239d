"""What a HIS has besides JSON of ours goes the whole way: mobile 医保 payments, in clear and in their envelope, and CSV files."""

import base64
import json
import ssl
import time
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.padding import PKCS7
from support.bills import SampleBill, sample_bill
from support.house import Answer, House

from gateway.cli.stage import Stage
from gateway.sandbox.common import sm2
from gateway.sandbox.hospital.encoding import to_json
from gateway.sandbox.hospital.mobile import mobile_body
from gateway.sandbox.hospital.table import csv_file

HOSPITAL_FOUR = "H99990100004"
APP_ID = "TESTAPPID0000004TESTAPPID0000004"


async def test_a_mobile_payment_is_decided(house: House) -> None:
    bill = sample_bill("package")

    answer = await _post(house, "/v1/claims/yibao-6201", to_json(mobile_body(bill.submission)), bill.key)
    booked = await house.settlements("package", bill)

    assert answer.is_decided, answer.body
    assert [one["amount_fen"] for one in booked] == [answer.document["approved_fen"]]


async def _post(house: House, path: str, body: bytes, key: str = "", media: str = "application/json") -> Answer:
    headers = {"Content-Type": media, "Prefer": "wait=25"} | ({"Idempotency-Key": key} if key else {})
    return await house.call("POST", path, body, headers)


async def test_a_mobile_payment_in_its_envelope_is_decided(stage: Stage, house: House) -> None:
    """Hospital four's settings name the seal of this format: its body is signed with SM2 and encrypted with SM4."""
    bill = sample_bill("package", hospital=HOSPITAL_FOUR)

    status, answer = await _as_hospital_four(stage, _sealed(stage, mobile_body(bill.submission)), bill.key)

    assert (status, answer["claims"][0]["outcome"]) == (200, "paid")


async def test_whose_format_is_sealed_is_refused_in_clear_or_changed(stage: Stage) -> None:
    bill = sample_bill("package", hospital=HOSPITAL_FOUR)
    clear = to_json(mobile_body(bill.submission))
    envelope = json.loads(_sealed(stage, mobile_body(bill.submission)))
    changed = json.dumps(envelope | {"encData": envelope["encData"][:-32]}).encode()

    for body in (clear, changed):
        status, answer = await _as_hospital_four(stage, body, bill.key)
        assert status in (400, 401)
        assert "claims" not in answer


async def _as_hospital_four(stage: Stage, body: bytes, key: str) -> tuple[int, dict[str, Any]]:
    context = ssl.create_default_context(cafile=str(stage.keys / "ca.cert.pem"))
    context.load_cert_chain(stage.keys / "hospital-h4.cert.pem", stage.keys / "hospital-h4.key.pem")
    address = f"https://localhost:{stage.ports['hospital']}/v1/claims/yibao-6201"
    headers = {"Idempotency-Key": key, "Prefer": "wait=25"}
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.post(address, data=body, headers=headers) as answer,
    ):
        return answer.status, json.loads(await answer.read())


def _sealed(stage: Stage, data: dict[str, Any]) -> bytes:
    """The envelope of the mobile profile, written from its description and with the sandbox's own SM2."""
    secret = (stage.keys / "hospital-h4-app.secret").read_text("ascii").strip()
    key = _sm4(APP_ID[:16].encode(), secret.encode()).hex().upper()[:16].encode()
    head = {
        "appId": APP_ID,
        "version": "1.0.0",
        "encType": "SM4",
        "signType": "SM2",
        "timestamp": str(int(time.time() * 1000)),
    }
    told = {**head, "data": json.dumps(_plain(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))}
    text = "&".join(f"{name}={told[name]}" for name in sorted(told)) + f"&key={secret}"
    signer = sm2.load_private(stage.keys / "hospital-h4-sm2.key.pem")
    sealed = {
        **head,
        "encData": _sm4(key, json.dumps(data, ensure_ascii=False).encode()).hex().upper(),
        "signData": base64.b64encode(_raw(sm2.sign(signer, text.encode()))).decode(),
    }
    return json.dumps(sealed).encode()


def _plain(value: Any) -> Any:
    """Numbers and truths as text; empty texts, empty lists and nulls left out."""
    if isinstance(value, dict):
        kept = {name: _plain(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in ("", [], None)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else None if value is None else str(value)


def _raw(signature: bytes) -> bytes:
    return b"".join(number.to_bytes(32) for number in decode_dss_signature(signature))


def _sm4(key: bytes, plain: bytes) -> bytes:
    padder, cipher = PKCS7(128).padder(), Cipher(SM4(key), modes.ECB()).encryptor()
    return cipher.update(padder.update(plain) + padder.finalize()) + cipher.finalize()


@pytest.mark.parametrize(("charset", "mark"), [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("gbk", b"")])
async def test_every_bill_of_a_file_is_taken_and_decided(house: House, charset: str, mark: bytes) -> None:
    bills = [sample_bill("package"), sample_bill("hcx", story="inpatient"), sample_bill("ant")]
    file = mark + csv_file({bill.key: bill.submission for bill in bills}).encode(charset)

    answer = await _post(house, "/v1/uploads/csv", file, media=f"text/csv; charset={charset}")
    told = answer.document

    assert (answer.status, told["accepted"], told["refused"]) == (200, 3, 0)
    for bill, one in zip(bills, told["bills"], strict=True):
        decided = await house.decided(one["order_id"])
        assert decided.document["total_fen"] == bill.submission["split"]["total"]
        assert [claim["insurer"] for claim in decided.document["claims"]] == list(bill.insurers)
    assert _every_line(told) == set(range(_headers(file.decode(charset)), file.count(b"\n") + 1))


def _headers(text: str) -> int:
    """The first line of data."""
    return sum(line.lstrip("\ufeff").startswith("#") for line in text.splitlines()) + 1


def _every_line(told: dict[str, Any]) -> set[int]:
    return {line for one in told["bills"] for first, last in one["lines"] for line in range(first, last + 1)}


async def test_a_wrong_bill_is_refused_by_its_lines_and_the_others_are_taken(house: House) -> None:
    good, bad = sample_bill("package"), sample_bill("package")
    lines = csv_file({good.key: good.submission, bad.key: bad.submission}).splitlines()
    where = [number for number, line in enumerate(lines) if line.startswith(f"lines,{bad.key},")][3]
    lines[where] = lines[where].replace(",8000,", ",80.00,")

    told = (await _post(house, "/v1/uploads/csv", "\n".join(lines).encode(), media="text/csv")).document
    first, second = told["bills"]

    assert (told["accepted"], told["refused"]) == (1, 1)
    assert (first["bill"], first["state"]) == (good.key, "accepted")
    assert (second["bill"], second["state"], second["wrong_lines"]) == (bad.key, "refused", [where + 1])
    assert second["zh"].startswith("报文缺少标准模型必需的内容，或其值无法转换。")
    assert await house.settlements("package", bad) == []


async def test_a_mended_file_sent_again_takes_what_was_refused_and_nothing_twice(house: House) -> None:
    good, bad = sample_bill("package"), sample_bill("package")
    whole = csv_file({good.key: good.submission, bad.key: bad.submission})
    torn = "\n".join(line + ",,,x" if line.startswith(f"split,{bad.key}") else line for line in whole.splitlines())

    first = (await _post(house, "/v1/uploads/csv", torn.encode(), media="text/csv")).document
    again = (await _post(house, "/v1/uploads/csv", whole.encode(), media="text/csv")).document

    assert [one["state"] for one in first["bills"]] == ["accepted", "refused"]
    assert first["bills"][1]["code"] == "upload-row"
    assert [one["state"] for one in again["bills"]] == ["accepted", "accepted"]
    assert again["bills"][0]["order_id"] == first["bills"][0]["order_id"]
    for one in again["bills"]:
        await house.decided(one["order_id"])
    assert [len(await house.settlements("package", bill)) for bill in (good, bad)] == [1, 1]


def _changed(text: str, old: str, new: str) -> bytes:
    assert old in text
    return text.replace(old, new).encode()


WHOLE_FILES = {
    "a row of no bill": (lambda text, bill: _changed(text, f"split,{bill.key},", "split,,"), "upload-form"),
    "a row of an unnamed kind": (
        lambda text, bill: _changed(text, f"\r\nsplit,{bill.key},", f"\r\nsplt,{bill.key},"),
        "upload-form",
    ),
    "broken quotes": (lambda text, _: text.encode() + b'\r\nlines,"a"b,c', "upload-form"),
    "another charset than stated": (lambda text, _: text.encode("gbk"), "charset-wrong"),
    "nothing": (lambda text, _: b"", "upload-form"),
}


@pytest.mark.parametrize("name", WHOLE_FILES)
async def test_a_file_whose_rows_have_no_sure_bill_is_refused_whole(house: House, name: str) -> None:
    change, code = WHOLE_FILES[name]
    bill: SampleBill = sample_bill("package")

    answer = await _post(
        house, "/v1/uploads/csv", change(csv_file({bill.key: bill.submission}), bill), media="text/csv"
    )

    assert (answer.status, answer.code) == (400, code)
    assert await house.settlements("package", bill) == []


async def test_a_misspelt_column_is_not_lost_in_silence(house: House) -> None:
    bill = sample_bill("package")
    file = csv_file({bill.key: bill.submission}).replace(",deductible", ",deductable")

    told = (await _post(house, "/v1/uploads/csv", file.encode(), media="text/csv")).document

    assert told["refused"] == 1
    assert told["bills"][0]["fields"] == ["split.deductable"]
