"""New rows that every bill writes, typed: their columns are checked by mypy, and each is made in one step.

What the columns mean is said at the tables (``claims_tables``); rarer rows go by ``Unit.insert``.
"""

from typing import ClassVar

import msgspec


class Row(msgspec.Struct, gc=False):
    """Columns in the order in which they are written."""

    table: ClassVar[str]


class BillRow(Row, gc=False):
    table: ClassVar[str] = "bill"

    order_id: str
    hospital: str
    idem_key: str
    body_digest: str
    kind: str
    state: str
    version: int
    created_at: int
    updated_at: int
    total: int
    approved: int
    self_pay_due: int
    order_kind: str
    visit_id: str
    fund_total: int
    account_pay: int
    cash_pay: int
    payout_token: str
    look_at: int | None
    owner: str | None
    wishes: int | None
    amendments: int | None
    quoted_until: int | None
    warnings: str | None


class ClaimRow(Row, gc=False):
    table: ClassVar[str] = "claim"

    claim_id: str
    order_id: str
    seq: int
    insurer: str
    kind: str
    state: str
    outcome: str
    claimed: int
    approved: int
    quoted: int | None
    step: int
    version: int
    reason_code: str
    created_at: int
    updated_at: int
    policy: int | None
    fixed: int | None


class MessageRow(Row, gc=False):
    table: ClassVar[str] = "message"

    order_id: str
    owner_id: str
    direction: str
    at: int
    digest: str
    key_ids: str
    size: int
    http_status: int
    body: bytes | None


class ActRow(Row, gc=False):
    table: ClassVar[str] = "act"

    act_id: str
    claim_id: str
    order_id: str
    insurer: str
    name: str
    batch_no: int
    batch_count: int
    serial: int
    state: str
    outcome: str
    attempts: int
    mapping: str
    mapping_version: int
    mapping_digest: str
    key_ids: str
    request_digest: str
    correlation: str
    prepared_at: int
    answered_at: int
    deadline_at: int


class ChangeRow(Row, gc=False):
    table: ClassVar[str] = "change"

    order_id: str
    change_no: int
    claim_id: str
    act_id: str
    field: str
    old: str
    new: str
    cause: str
    at: int


class EventRow(Row, gc=False):
    table: ClassVar[str] = "event"

    event_id: str
    hospital: str
    order_id: str
    kind: str
    at: int


class OutboxRow(Row, gc=False):
    table: ClassVar[str] = "outbox"

    kind: str
    order_id: str
    at: int
    attempts: int = 0
    next_at: int = 0


class DataKeyRow(Row, gc=False):
    table: ClassVar[str] = "data_key"

    order_id: str
    master: str
    wrapped: str
    person: str
    data_class: str
    created_at: int
    erased_at: int = 0
