"""``{hospitalCode, timeStamp, sign, data}``: SM2 signature checked, SM2 cipher opened, and the same the other way."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.sandbox.common import sm2, strictjson
from gateway.sandbox.common.rules import Violation

HOSPITAL_CODE = "TEST0001"
WINDOW_MS = 60_000
_MEMBERS = {"hospitalCode", "timeStamp", "sign", "data"}
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def canonical(value: Any) -> str:
    """Compact, every object's names sorted, Chinese as it is: the form that is signed and encrypted."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(slots=True)
class Guard:
    """Opens what the gateway sealed and seals what it may open."""

    own: sm2.PrivateKey
    gateway: sm2.Point
    _used: dict[str, int] = field(default_factory=dict)
    """Signatures seen, with the time until which they stay refused."""

    def open(self, body: bytes, now: datetime) -> dict[str, Any]:
        """The business data. Raises ``Violation`` 1001 to 1006: hospital, signature, time, replay, cipher, form."""
        envelope = _read(body)
        signed = canonical({name: envelope[name] for name in ("data", "hospitalCode", "timeStamp")})
        if envelope["hospitalCode"] != HOSPITAL_CODE:
            raise Violation("1005", "hospitalCode错误")
        if not sm2.verify(self.gateway, signed.encode(), _unhex(envelope["sign"], "1001")):
            raise Violation("1001", "验签失败")
        now_ms = int(now.timestamp() * 1000)
        if abs(now_ms - envelope["timeStamp"]) > WINDOW_MS:
            raise Violation("1002", "timeStamp超出有效期")
        self._use_once(envelope["sign"], now_ms)
        return self._decrypt(envelope["data"])

    def seal(self, data: dict[str, Any], now: datetime) -> bytes:
        cipher = sm2.encrypt(self.gateway, canonical(data).encode()).hex()
        part = {"data": cipher, "hospitalCode": HOSPITAL_CODE, "timeStamp": int(now.timestamp() * 1000)}
        sign = sm2.sign(self.own, canonical(part).encode()).hex()
        return canonical({**part, "sign": sign}).encode()

    def _use_once(self, sign: str, now_ms: int) -> None:
        self._used = {one: until for one, until in self._used.items() if until >= now_ms}
        if sign in self._used:
            raise Violation("1003", "sign已使用")
        self._used[sign] = now_ms + 2 * WINDOW_MS

    def _decrypt(self, data: str) -> dict[str, Any]:
        try:
            text = sm2.decrypt(self.own, _unhex(data, "1004")).decode()
            business = strictjson.loads(text)
        except ValueError as error:
            raise Violation("1004", "data解密失败") from error
        if not isinstance(business, dict):
            raise Violation("1006", "data不是JSON对象")
        if not is_sorted(business) or re.search(r"\s", _TEXT.sub('""', text)):
            raise Violation("1006", "data的JSON未排序或未压缩")
        return business


def is_sorted(value: Any) -> bool:
    """Every object's names stand in order, nested objects too."""
    if isinstance(value, dict):
        return list(value) == sorted(value) and all(map(is_sorted, value.values()))
    return all(map(is_sorted, value)) if isinstance(value, list) else True


def _read(body: bytes) -> dict[str, Any]:
    try:
        envelope = strictjson.loads(body)
    except ValueError as error:
        raise Violation("1001", "报文不是JSON") from error
    if not isinstance(envelope, dict) or set(envelope) != _MEMBERS:
        raise Violation("1001", "报文应有hospitalCode、timeStamp、sign、data")
    if not isinstance(envelope["timeStamp"], int) or isinstance(envelope["timeStamp"], bool):
        raise Violation("1002", "timeStamp应为毫秒数")
    return envelope


def _unhex(text: Any, code: str) -> bytes:
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        raise Violation(code, "应为小写十六进制文本")
    return bytes.fromhex(text)
