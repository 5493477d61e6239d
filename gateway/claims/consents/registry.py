"""Registered consents as they lie in the store: facts in a row, what they say sealed under a data key of its own."""

from typing import Annotated, Any

import msgspec

from gateway.claims.canonical.cover import Consent
from gateway.claims.changes import Order
from gateway.claims.ledger import Ledger
from gateway.claims.work import Work, millis
from gateway.kernel.errors import Conflict, NotFound
from gateway.kernel.ids import ID_PATTERN, new_consent_record_id
from gateway.store import data_keys
from gateway.store.api import Row
from gateway.store.errors import Duplicate

_MOST = 1000


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/consents``."""

    consent: Consent
    cert_no: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    """The patient's certificate number, so that the person's export and erasure find the consent."""
    holder: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)] | msgspec.UnsetType = msgspec.UNSET
    """The account (app user) that bound this patient's card, where there is one."""


def consent_row(ledger: Ledger, hospital: str, consent_id: str) -> Row:
    """Raises ``NotFound``, for another hospital's too."""
    row = ledger.store.get("consent", hospital=hospital, consent_id=consent_id)
    if row is None:
        raise NotFound("no such consent", code="consent-unknown")
    return row


def opened(ledger: Ledger, record_id: str) -> bytes:
    """The registration as JSON. Raises ``VaultRefused``."""
    kept = ledger.store.get("vault", record_id=record_id)
    return ledger.keys.of(record_id).open(record_id, kept["blob"] if kept else b"", data_keys.CONSENT)


def registration(ledger: Ledger, row: Row) -> Registration:
    return msgspec.json.decode(opened(ledger, row["record_id"]), type=Registration)


def shown(ledger: Ledger, row: Row) -> dict[str, Any]:
    """The consent for the hospital's screen: whether it lives, and whom it lets have what until when."""
    now = ledger.clock.epoch_ms()
    state = "withdrawn" if row["withdrawn_at"] else "live" if row["given_at"] <= now < row["valid_to"] else "expired"
    times = {name: row[name] for name in ("given_at", "valid_to")}
    view = {"consent_id": row["consent_id"], "state": state, **times, "withdrawn_at": row["withdrawn_at"] or None}
    if ledger.keys.unless_erased(row["record_id"]) is None:
        return view | {"erased": True}
    said = registration(ledger, row).consent
    lists = ("hospital_codes", "insurer_codes", "purposes", "data_classes")
    return view | {name: list(getattr(said, name)) for name in lists} | {"text_version": said.text_version}


def of_holder(ledger: Ledger, hospital: str, holder: str) -> list[Row]:
    blind = ledger.keys.vault.blind("holder", holder)
    return ledger.store.find("consent", {"hospital": hospital, "holder": blind}, limit=_MOST)


async def register(ledger: Ledger, hospital: str, wish: Registration, family: int) -> Row:
    """Keep a consent; the same one again changes nothing.

    Raises ``Conflict``: ``consent-exists`` (another text under this id), ``family-full`` (the account has bound as many
    patients as it may).
    """
    said, content = wish.consent, msgspec.json.encode(wish)
    known = await ledger.read(ledger.store.get, "consent", hospital=hospital, consent_id=said.consent_id)
    if known is not None:
        if await ledger.read(opened, ledger, known["record_id"]) != content:
            raise Conflict("another consent has this id", code="consent-exists", hint="Use a new consent_id.")
        return known
    blind = ledger.keys.vault.blind
    patient = blind("patient", said.patient_id)
    if wish.holder is not msgspec.UNSET:
        _require_room(await ledger.read(of_holder, ledger, hospital, wish.holder), patient, ledger, family)
    row: Row = {
        "hospital": hospital,
        "consent_id": said.consent_id,
        "record_id": new_consent_record_id(),
        "holder": blind("holder", wish.holder) if wish.holder is not msgspec.UNSET else "",
        "patient": patient,
        "given_at": millis(said.given_at),
        "valid_to": millis(said.valid_to),
        "withdrawn_at": 0,
    }
    try:
        await _keep(ledger, row, content, wish.cert_no)
    except Duplicate:
        return await register(ledger, hospital, wish, family)
    return row


async def _keep(ledger: Ledger, row: Row, content: bytes, cert_no: str) -> None:
    work: Work = ledger.work(row["record_id"])
    record_id = row["record_id"]
    vault = ledger.keys.fresh(work.unit, record_id, data_keys.CONSENT, cert_no, work.now())
    blob = vault.seal(record_id, content, data_keys.CONSENT)
    work.unit.insert("vault", record_id=record_id, order_id=record_id, kind=data_keys.CONSENT, blob=blob)
    work.unit.insert_new("consent", **row)
    work.audit("consent-registered", f"hospital:{row['hospital']}", row["consent_id"])
    work.event(Order(row["consent_id"], row["hospital"]), "consent-registered")
    await work.flush()


def _require_room(rows: list[Row], patient: str, ledger: Ledger, family: int) -> None:
    now = ledger.clock.epoch_ms()
    bound = {row["patient"] for row in rows if not row["withdrawn_at"] and row["valid_to"] > now}
    if len(bound | {patient}) > family:
        raise Conflict(
            "this account has bound as many patients as it may",
            code="family-full",
            hint="Withdraw a consent that is not needed any more.",
        )
