"""``{"package": {head, body[], additionInfo}}``: reading it as strictly as the protocol allows, and answering."""

import itertools
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.kernel.clock import SHANGHAI
from gateway.sandbox.common import strictjson
from gateway.sandbox.common.rules import Violation, words

MAX_RECORDS = 100
_TRADE_NUMBER = re.compile(r"\d{14}-[A-Za-z0-9]{1,20}-\d{4,6}")
_REQUIRED_HEAD = words(
    "busseID sendTradeNum senderCode senderName receiverCode receiverName intermediaryCode hosorgNum hosorgName "
    "systemType busenissType standardVersionCode"
)
_HEAD_CODES = {"intermediaryCode": "123456", "systemType": "1", "busenissType": "26"}
_ECHOED = words(
    "providerCode providerName intermediaryCode intermediaryName hosorgNum hosorgName systemType busenissType "
    "standardVersionCode clientmacAddress"
)
_serial = itertools.count(1)


def pick(members: dict[str, Any], name: str) -> Any:
    """A member by its exact name, else by its trimmed name; None, blank and absent are all "no value"."""
    value = members[name] if name in members else next((v for k, v in members.items() if k.strip() == name), None)
    value = value.strip() if isinstance(value, str) else value
    return None if value == "" else value


@dataclass(frozen=True, slots=True)
class Envelope:
    head: dict[str, Any]
    records: list[dict[str, Any]]

    @property
    def op(self) -> str:
        return str(pick(self.head, "busseID"))

    @property
    def trade_number(self) -> str:
        return str(pick(self.head, "sendTradeNum"))


def read(plain: bytes) -> Envelope:
    """Raises ``ValueError`` when it is no envelope at all; its content is checked by ``check_head``."""
    document = strictjson.loads(plain)
    package = document.get("package") if isinstance(document, dict) else None
    if not isinstance(package, dict) or not isinstance(package.get("head"), dict):
        raise ValueError("the document is not a package with a head")
    body = package.get("body")
    if not isinstance(body, list) or not all(isinstance(record, dict) for record in body):
        raise ValueError("the body is not an array of records")
    return Envelope(package["head"], body)


def check_head(envelope: Envelope) -> None:
    head = envelope.head
    for name in _REQUIRED_HEAD:
        if not isinstance(pick(head, name), str):
            raise Violation("1000002", f"{name}不能为空")
    for name, allowed in _HEAD_CODES.items():
        if pick(head, name) not in set(allowed):
            raise Violation("1000003", f"{name}不在代码表内")
    if not _TRADE_NUMBER.fullmatch(envelope.trade_number):
        raise Violation("1000004", "sendTradeNum格式错误")
    count = pick(head, "recordCount")
    if count is not None and count != str(len(envelope.records)):
        raise Violation("1000005", "recordCount与记录数不符")
    if not 1 <= len(envelope.records) <= MAX_RECORDS:
        raise Violation("1000005", f"记录数应在1至{MAX_RECORDS}之间")


def answer(envelope: Envelope, body: list[dict[str, Any]], code: str, text: str, now: datetime) -> bytes:
    """The answer's plain text: the request's head with sender and receiver swapped."""
    head = envelope.head
    local = now.astimezone(SHANGHAI)
    receiver = pick(head, "receiverCode") or ""
    reply_head = {
        "busseID": envelope.op,
        "sendTradeNum": envelope.trade_number,
        "senderCode": receiver,
        "senderName": pick(head, "receiverName") or "",
        "receiverCode": pick(head, "senderCode") or "",
        "receiverName": pick(head, "senderName") or "",
        **{name: pick(head, name) or "" for name in _ECHOED},
        "recordCount": str(len(body)),
    }
    trade_number = f"{local:%Y%m%d%H%M%S}-{receiver}-{next(_serial) % 1_000_000:06d}"
    info = {"errorCode": code, "errorMsg": text, "receiverTradeNum": trade_number}
    return strictjson.dumps({"package": {"head": reply_head, "body": body, "additionInfo": info}})
