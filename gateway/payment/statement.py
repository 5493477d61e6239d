"""The channel's daily statement, read by its own mapping and handed to the window: order numbers, amounts, results."""

import re
import ssl
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.kernel.errors import BadRequest, OutcomeUnknown
from gateway.kernel.fields import F, O, leaf
from gateway.kernel.labels import PAYMENT_MAY_SEE
from gateway.kernel.money import MAX_FEN
from gateway.mapping import load_folder
from gateway.mapping.api import Incoming, Vocabulary
from gateway.wire.http import PartnerClient

STATEMENT_FOLDER = "-statement"
"""A channel's folder with this at its end has the mapping of its statement."""

_DAY = re.compile(r"[0-9]{8}")
_NUMBER = r"^[A-Za-z0-9_.:\-]{1,64}$"
_TIMEOUT_S = 60.0


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    day: Annotated[str, leaf("账单日", O, pattern="^[0-9]{8}$")]


class StatementAsk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a statement mapping may read, and all there is to read."""

    ask: Asked


class ChannelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    number: Annotated[str, leaf("结算单号", O, pattern=_NUMBER)]
    kind: Annotated[str, leaf("动作类型", O, pattern="^(pay|refund)$")]
    state: Annotated[str, leaf("结果", O, pattern="^(done|refused|unknown)$")]
    amount: Annotated[int, leaf("金额", F, ge=0, le=MAX_FEN)]
    at: Annotated[datetime, leaf("完成时间", O, tz=True)]


class ChannelStatement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lines: tuple[ChannelLine, ...]


STATEMENTS = Vocabulary(
    source=StatementAsk, result=ChannelStatement, may_carry=frozenset(label.value for label in PAYMENT_MAY_SEE)
)


class Statements:
    """One channel's. Asked once a day, so each question makes its own connection."""

    def __init__(self, folder: Path, schemas: Path, endpoint: str, tls: ssl.SSLContext | None) -> None:
        """Raises ``MappingRefused``. Without a folder there is no statement to ask for."""
        acts = load_folder(folder, schemas, STATEMENTS, {}, frozenset()) if folder.is_dir() else {}
        self._mapping = acts.get("statement")
        self._endpoint = endpoint
        self._tls = tls

    async def of_day(self, day: str) -> ChannelStatement | None:
        """``day`` as 20261121. None while the channel has none. Raises ``BadRequest``, ``NotSent``, ``OutcomeUnknown``,
        ``MessageRefused``."""
        if not _DAY.fullmatch(day):
            raise BadRequest("ask with ?day=20261121", code="statement-day", fields=("day",))
        if self._mapping is None:
            return None
        ask = StatementAsk(ask=Asked(day=day))
        out = self._mapping.write(ask)
        client = PartnerClient(self._endpoint, tls=self._tls)
        try:
            answer = await client.send(out.method, out.path, out.query, out.headers, b"", _TIMEOUT_S)
        finally:
            await client.close()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise OutcomeUnknown("the channel gave no statement", code="statement-refused")
        read = self._mapping.read(Incoming(document=answer.body, http_status=answer.status), ask)
        try:
            return msgspec.convert(read, ChannelStatement)
        except msgspec.ValidationError:
            raise OutcomeUnknown("the statement can't be read", code="answer-form") from None
