"""Journeys of bills and calls that our doors refuse: broken, oversized, unproven, forged, all of them full of marks."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from gateway.cli.wall.journeys import Journey, Play
from gateway.cli.wall.player import Bill, Player
from gateway.sandbox.hospital.encoding import to_json

_DOCTYPE = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><document>&x;{}</document>'
_LARGE = 21 << 20
_DEEP = 5000


def _refused(lane: str, zh: str, en: str, play: Play, *ends: str) -> Journey:
    return Journey(lane, "hostile" if lane == "partner door" else "refused at the door", zh, en, frozenset(ends), play)


def _sent(spoil: Callable[[Bill], bytes], form: str = "") -> Play:
    async def play(player: Player) -> str:
        bill = player.bill("package")
        reply = await player.submit(bill, spoil(bill), form)
        return str(reply.status)

    return play


def _changed(change: Callable[[dict[str, Any]], None]) -> Callable[[Bill], bytes]:
    def spoil(bill: Bill) -> bytes:
        document = json.loads(bill.body)
        change(document)
        return to_json(document)

    return spoil


def _a_mark(bill: Bill) -> str:
    return str(bill.submission["diagnoses"][0]["name"])


def _one_fen_more(document: dict[str, Any]) -> None:
    document["split"]["total"] += 1


def _marked_name(document: dict[str, Any]) -> None:
    document["visit"][document["patient"]["name"]] = document["patient"]["cert_no"]


def _wrong_types(document: dict[str, Any]) -> None:
    document["lines"][0]["amount"] = document["patient"]["name"]
    document["patient"]["gender"] = document["diagnoses"][0]["name"]


def _no_consent(document: dict[str, Any]) -> None:
    document["consent"]["insurer_codes"] = ["nobody"]


def _deep(bill: Bill) -> bytes:
    return b'{"a":' * _DEEP + json.dumps(_a_mark(bill)).encode() + b"}" * _DEEP


async def _same_key_other_bill(player: Player) -> str:
    first, second = player.bill("package"), player.bill("package")
    await player.settle(first)
    other = Bill(second.wish, second.submission, first.key)
    return str((await player.submit(other)).status)


async def _in_address_and_headers(player: Player) -> str:
    bill = player.bill("package")
    mark = _a_mark(bill)
    replies = [
        await player.call("GET", f"/v1/orders/{mark}?{mark}={mark}", headers={"X-Name": mark, "User-Agent": mark}),
        await player.call("GET", f"/{mark}", headers={"Prefer": mark}),
        await player.call("POST", f"/v1/claims/{mark}", bill.body, {"Idempotency-Key": mark, "Content-Type": mark}),
        await player.call("GET", f"/v1/events?after={mark}"),
        await player.call("GET", f"/{mark}", door="operator"),
        await player.call("POST", f"/orders?{mark}", bill.body, {"X-Lianpei": mark}, door="payment"),
    ]
    return "all refused" if all(reply.status >= 400 for reply in replies) else "taken"


async def _unproven(player: Player) -> str:
    bill = player.bill("package")
    signature = f'sig1=("@method");created=1;nonce="n";keyid="{_a_mark(bill)}";alg="ed25519"'
    forged = {"Signature-Input": signature, "Signature": "sig1=:AAAA:", "Idempotency-Key": bill.key}
    first = await player.call("POST", "/v1/claims", bill.body, {"Idempotency-Key": bill.key}, proven=False)
    second = await player.call("POST", "/v1/claims", bill.body, forged, proven=False)
    return f"{first.status} {second.status}"


def _called(path: str, content_type: str, spell: Callable[[Bill], bytes]) -> Play:
    async def play(player: Player) -> str:
        bill = player.bill("ant")
        place = path.format(_a_mark(bill))
        reply = await player.call(
            "POST", place, spell(bill), {"Content-Type": content_type}, door="partner", proven=False
        )
        return str(reply.status)

    return play


async def _signed_by_another_key(player: Player) -> str:
    """Sealed as the insurer seals, under a key that is not the insurer's."""
    from Crypto.PublicKey import RSA

    from gateway.sandbox.ant.envelope import Keys, seal

    bill = player.bill("ant")
    stranger = Keys(RSA.generate(2048), Keys.load(player.stage.keys).gateway)
    body = f"<head/><body><reportNo>{_a_mark(bill)}</reportNo></body>".encode()
    path, kind = "/partners/ant/notify", {"Content-Type": "application/xml"}
    reply = await player.call("POST", path, seal(stranger, "request", body), kind, door="partner", proven=False)
    return str(reply.status)


def _attacks() -> Iterator[Journey]:
    door, xml, plain = "hospital door", "application/xml", "application/json"
    yield _refused(door, "金额不平", "amounts that do not tie out", _sent(_changed(_one_fen_more)), "422")
    yield _refused(door, "残缺报文", "a body cut off", _sent(lambda bill: bill.body[:-20]), "400")
    yield _refused(
        door, "未知字段名含个人信息", "personal data as a field's name", _sent(_changed(_marked_name)), "400", "422"
    )
    yield _refused(door, "类型错误", "texts where numbers belong", _sent(_changed(_wrong_types)), "400", "422")
    yield _refused(door, "未授权", "no consent for this insurer", _sent(_changed(_no_consent)), "200")
    yield _refused(
        door, "医保报文不合格", "a 医保 body that is none", _sent(lambda bill: bill.body, "yibao-2207"), "400", "422"
    )
    yield _refused(
        door, "FHIR 报文不合格", "a FHIR body that is none", _sent(lambda bill: bill.body, "fhir-r4"), "400", "422"
    )
    yield _refused(door, "嵌套过深", "nested too deeply", _sent(_deep), "400")
    yield _refused(door, "报文过大", "too large", _sent(lambda bill: bill.body + b" " * _LARGE), "413", "0")
    yield _refused(door, "同一幂等号不同账单", "one key for two bills", _same_key_other_bill, "409", "422")
    yield _refused(
        door, "地址和标头含诊断", "a diagnosis in address and headers", _in_address_and_headers, "all refused"
    )
    yield _refused(door, "无证书、签名伪造", "no certificate, a forged signature", _unproven, "401 401")
    caller = "partner door"
    yield _refused(
        caller,
        "外部实体",
        "XML with a DOCTYPE",
        _called("/partners/ant/notify", xml, lambda bill: _DOCTYPE.format(_a_mark(bill)).encode()),
        "400",
        "401",
    )
    yield _refused(
        caller,
        "未签名的回调",
        "an unsigned callback",
        _called("/partners/hcx/claim/on_submit", plain, lambda bill: json.dumps({"payload": _a_mark(bill)}).encode()),
        "400",
        "401",
    )
    yield _refused(
        caller,
        "不存在的保险公司",
        "a partner that does not exist",
        _called("/partners/{}/notify", plain, lambda bill: bill.body),
        "404",
    )
    yield _refused(caller, "他人密钥签名的回调", "a callback under another key", _signed_by_another_key, "401")


ATTACKS = tuple(_attacks())
