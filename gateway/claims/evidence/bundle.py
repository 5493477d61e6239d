"""An evidence bundle: what an outsider needs to check one claim's story offline, and nothing that he need not see."""

import base64
import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.claims.custody.bills import messages_of
from gateway.claims.custody.wish import Wish, require_reason
from gateway.claims.evidence.fields import FieldTree
from gateway.claims.evidence.locate import Located, locate
from gateway.claims.ledger import Ledger
from gateway.kernel import merkle
from gateway.kernel.errors import ConfigRefused, NotFound
from gateway.store.api import Row
from gateway.store.chain import row_json
from gateway.store.checkpoints import Checkpoints
from gateway.store.claims_tables import CLAIMS
from gateway.store.unit import Unit
from gateway.wire.keyfiles import spki
from gateway.wire.keys import KeyRing
from gateway.wire.pem import pem_from_der

FORMAT = "lianpei-evidence-1"
FIELD_ROOT = "field-root"

Files = dict[str, bytes]


async def make_bundle(ledger: Ledger, checkpoints: Checkpoints, keys: KeyRing, who: str, wish: Wish) -> bytes:
    """A zip (layout: docs/evidence.md). The export and the root of the fields are in the audit before it is made.

    Raises ``NotFound``, ``BadRequest`` (reason, field), ``VaultRefused`` (erased), ``Conflict`` (``audit-broken``).
    """
    reason, claim = require_reason(wish), await ledger.read(claim_row, ledger, wish.claim_id)
    order_id = claim["order_id"]
    tree = await ledger.read(_tree, ledger, claim)
    opened = tree.chosen(wish.reveal)
    await _record(ledger, who, reason, claim, tree, len(opened))
    messages = await ledger.read(messages_of, ledger, order_id, [claim["claim_id"]])
    rows = await ledger.read(_rows, ledger, claim, tree, messages)
    await checkpoints.sign_new()  # after they were read: a bill that is worked on has new rows at any moment
    located = await ledger.read(locate, ledger.store, rows)
    files: Files = {}
    lines = [*_put_rows(files, rows, located), *_put_chain(files, located), *_put_fields(files, tree, opened, rows)]
    if wish.messages:
        files |= await ledger.read(_opened, ledger, messages)
    _put_keys(files, keys, checkpoints.key_id, messages)
    head = {"format": FORMAT, "claim_id": claim["claim_id"], "order_id": order_id, "key": checkpoints.key_id}
    files["bundle.json"] = msgspec.json.encode(head | {"made_at": ledger.clock.epoch_ms()})
    files["proofs.txt"] = "".join(f"{line}\n" for line in lines).encode()
    return _zip(files)


def _tree(ledger: Ledger, claim: Row) -> FieldTree:
    order_id = claim["order_id"]
    return FieldTree(ledger.submission(order_id), claim, ledger.keys.of(order_id))


def _opened(ledger: Ledger, messages: list[Row]) -> Files:
    return {f"messages/{one['digest']}.bin": ledger.opened(one) for one in messages}


def claim_row(ledger: Ledger, claim_id: str) -> Row:
    """The claim by its id: through its acts if it has any, because claims are kept by order."""
    acts = ledger.store.find("act", {"claim_id": claim_id}, limit=1)
    where = {"claim_id": claim_id} | ({"order_id": acts[0]["order_id"]} if acts else {})
    found = ledger.store.find("claim", where, limit=1)
    if not found:
        raise NotFound("no such claim", code="claim-unknown", hint="A claim's id begins with clm_.")
    return found[0]


async def _record(ledger: Ledger, who: str, reason: str, claim: Row, tree: FieldTree, opened: int) -> None:
    unit, now, order_id = Unit(), ledger.clock.epoch_ms(), claim["order_id"]
    told = {"at": now, "who": who, "order_id": order_id, "reason": reason}
    unit.insert("audit", kind="evidence-exported", detail=f"{claim['claim_id']}:{opened}", **told)
    if await ledger.read(_root_row, ledger, claim, tree) is None:
        unit.insert("audit", kind=FIELD_ROOT, detail=f"{claim['claim_id']}:{tree.root}", **told)
    await ledger.store.commit(unit)


def _root_row(ledger: Ledger, claim: Row, tree: FieldTree) -> Row | None:
    detail = f"{claim['claim_id']}:{tree.root}"
    told = {"order_id": claim["order_id"], "kind": FIELD_ROOT, "detail": detail}
    found = ledger.store.find("audit", told, limit=1)
    return found[0] if found else None


def _rows(ledger: Ledger, claim: Row, tree: FieldTree, messages: list[Row]) -> list[tuple[str, Row]]:
    """The bill, its and the claim's changes, the claim's messages, and the root of the fields."""
    order_id = claim["order_id"]
    bill, root = ledger.bill_row(order_id), _root_row(ledger, claim, tree)
    assert bill is not None
    assert root is not None
    changes = ledger.store.find("change", {"order_id": order_id}, limit=10_000)
    mine = [change for change in changes if change["claim_id"] in ("", claim["claim_id"])]
    return [
        ("bill", bill),
        *(("change", change) for change in mine),
        *(("message", message) for message in messages),
        ("audit", root),
    ]


def _put_rows(files: Files, rows: list[tuple[str, Row]], located: Located) -> Iterator[str]:
    for number, (table, row) in enumerate(rows, 1):
        spelt = row_json(CLAIMS.table(table), row)
        name = f"rows/{number:04d}-{table}.json"
        files[name] = spelt
        yield f"row {name} chain/{located.rows[merkle.digest(spelt)]}.json"


def _put_chain(files: Files, located: Located) -> Iterator[str]:
    for seq, proof in sorted(located.proofs.items()):
        number = proof.checkpoint["number"]
        files[f"chain/{seq}.json"] = proof.entry
        files[f"checkpoints/{number}.json"] = proof.checkpoint["body"].encode()
        files[f"checkpoints/{number}.sig"] = base64.b64decode(proof.checkpoint["signature"])
        yield " ".join((f"entry chain/{seq}.json checkpoints/{number}.json", *proof.path))


def _put_fields(files: Files, tree: FieldTree, opened: list[int], rows: list[tuple[str, Row]]) -> Iterator[str]:
    for place in opened:
        name = f"fields/{place:05d}.json"
        files[name] = tree.leaves[place]
        yield " ".join((f"field {name} rows/{len(rows):04d}-audit.json", *tree.neighbours(place)))
    yield f"closed {len(tree.leaves) - len(opened)}"


def _put_keys(files: Files, keys: KeyRing, audit_key: str, messages: list[Row]) -> None:
    """The audit's public key, and what there is of the keys that the messages name."""
    named = {name for message in messages for name in (message["key_ids"] or "").split(",") if name}
    for name in sorted(named | {audit_key}):
        with suppress(ConfigRefused):  # a shared secret has no public part
            files[f"keys/{name}.pub.pem"] = pem_from_der(spki(keys.public(name)), "PUBLIC KEY")
        with suppress(ConfigRefused):
            files[f"keys/{name}.cert.pem"] = keys.certificate(name).public_bytes(Encoding.PEM)


def _zip(files: Files) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()
