"""A bundle proves what it shows, closes what it does not show, and no forged one is good."""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from evidence_kit import unzipped, zipped
from support.bills import sample_bill
from support.room import ANSWER, AUDIT_KEY, Room, open_room

from gateway.claims.bill import Bill
from gateway.claims.evidence.verify import verify_bundle
from gateway.kernel.errors import BadRequest, LianpeiError
from gateway.sandbox.hospital.marks import planted
from gateway.store.checkpoints import Checkpoints

Files = dict[str, bytes]


def pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


KEY = pem(AUDIT_KEY)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    opened = open_room(tmp_path / "claims.db")
    yield opened
    await opened.store.close()


async def bundle_of(room: Room, bill: Bill, *reveal: str, messages: bool = False) -> bytes:
    made = await room.wish("evidence", claim_id=bill.claims[0].claim_id, reveal=list(reveal), messages=messages)
    bundle: bytes = made["bundle"]
    return bundle


async def test_the_fields_asked_for_are_proven_and_the_others_stay_closed(room: Room) -> None:
    sample = sample_bill("package", marks=True)
    bill = await room.brought(sample)
    bundle = await bundle_of(room, bill, "split.total", "approved")
    verdict = verify_bundle(bundle, KEY)

    assert verdict.problems == []
    assert verdict.fields == {"split.total": bill.submission.split.total, "approved": 100}
    assert verdict.since_intake == ["split.total"]
    assert verdict.closed > 200
    assert [row["field"] for row in verdict.rows if row["_table"] == "change"] == [
        "claim.state",
        "claim.approved",
        "claim.state",
        "bill.state",
    ]
    everything = b"".join(unzipped(bundle).values())
    assert not any(mark.encode() in everything for mark in planted(sample.submission))


async def test_a_part_stands_for_all_below_it_and_all_for_everything(room: Room) -> None:
    bill = await room.brought()
    lines = verify_bundle(await bundle_of(room, bill, "lines[0]"), KEY)
    assert lines.fields["lines[0].amount"] == bill.submission.lines[0].amount
    assert all(path.startswith("lines[0].") for path in lines.fields)
    whole = verify_bundle(await bundle_of(room, bill, "all"), KEY)
    assert (whole.closed, whole.problems) == (0, [])
    assert whole.fields["diagnoses[0].code"] == bill.submission.diagnoses[0].code
    assert "split.total" in whole.since_intake


async def test_messages_are_in_it_only_when_asked_for_and_have_the_chained_digests(room: Room) -> None:
    bill = await room.brought()
    assert not any(name.startswith("messages/") for name in unzipped(await bundle_of(room, bill)))
    bundle = await bundle_of(room, bill, messages=True)
    assert ANSWER in unzipped(bundle).values()
    assert bill.encoded in unzipped(bundle).values()
    assert (verify_bundle(bundle, KEY).messages, verify_bundle(bundle, KEY).problems) == (3, [])


async def test_a_claim_among_many_others_leads_to_its_own_entries(room: Room) -> None:
    bills = [await room.brought() for _ in range(30)]
    await room.wish("checkpoint")
    later = [await room.brought() for _ in range(30)]
    for bill in (bills[0], bills[17], later[3]):
        verdict = verify_bundle(await bundle_of(room, bill, "approved"), KEY)
        assert verdict.problems == []
        assert {row["order_id"] for row in verdict.rows} == {bill.order_id}
        assert len(verdict.rows) == 9


async def test_an_export_is_in_the_audit_and_its_root_only_once(room: Room) -> None:
    bill = await room.brought()
    first, second = await bundle_of(room, bill, "approved"), await bundle_of(room, bill, "claimed", "approved")
    told = [(row["kind"], row["detail"][-2:]) for row in room.store.find("audit", {"kind": "evidence-exported"})]
    assert told == [("evidence-exported", ":1"), ("evidence-exported", ":2")]
    assert room.store.count("audit", {"kind": "field-root"}) == 1
    assert verify_bundle(first, KEY).problems == verify_bundle(second, KEY).problems == []


async def test_salts_differ_so_that_equal_values_do_not_show(room: Room) -> None:
    bill = await room.brought()
    files = unzipped(await bundle_of(room, bill, "all"))
    fields = [json.loads(content) for name, content in files.items() if name.startswith("fields/")]
    assert len({salt for _, _, salt, _ in fields}) == len(fields)


async def test_an_erased_claim_gives_no_bundle_and_older_bundles_stay_good(room: Room) -> None:
    bill = await room.brought()
    before = await bundle_of(room, bill, "approved")
    await room.wish("erase", order_id=bill.order_id)
    with pytest.raises(LianpeiError) as refused:
        await bundle_of(room, bill)
    assert refused.value.error_code == "vault-erased"
    assert verify_bundle(before, KEY).problems == []


async def test_an_unknown_field_is_refused_before_anything_is_written(room: Room) -> None:
    bill = await room.brought()
    with pytest.raises(BadRequest) as refused:
        await bundle_of(room, bill, "split.tota")
    assert refused.value.error_code == "field-unknown"
    assert room.store.count("audit", {}) == 0


async def test_evidence_is_not_made_from_a_database_that_was_touched(room: Room) -> None:
    bill = await room.brought()
    room.store._connection.execute("UPDATE message SET digest = replace(digest, 'a', 'b') WHERE direction = 'in'")
    with pytest.raises(LianpeiError) as refused:
        await bundle_of(room, bill)
    assert refused.value.error_code == "audit-broken"


def named(files: Files, start: str) -> str:
    return next(name for name in sorted(files) if name.startswith(start))


def change(start: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def forge(files: Files) -> None:
        name = named(files, start)
        assert old in files[name]
        files[name] = files[name].replace(old, new, 1)

    return forge


def drop_bill(files: Files) -> None:
    lines = files["proofs.txt"].splitlines(keepends=True)
    files["proofs.txt"] = b"".join(line for line in lines if b"-bill.json" not in line)
    del files[named(files, "rows/0001-bill")]


def other_claim(files: Files) -> None:
    head = json.loads(files["bundle.json"])
    files["bundle.json"] = json.dumps(head | {"claim_id": "clm_other"}).encode()


def other_order(files: Files) -> None:
    head = json.loads(files["bundle.json"])
    files["bundle.json"] = json.dumps(head | {"order_id": "ord_other"}).encode()


def wrong_message(files: Files) -> None:
    files[named(files, "messages/")] = b"another answer"


def without(start: str) -> Callable[[Files], None]:
    def forge(files: Files) -> None:
        del files[named(files, start)]

    return forge


def beside(name: str) -> Callable[[Files], None]:
    def forge(files: Files) -> None:
        files[name] = files[named(files, name.split("/")[0])]

    return forge


UNPROVEN, NOT_UNDER, UNSIGNED = "not in a proven entry", "is not under checkpoints/", "signature is not valid"
NO_FIELD, MISSING, BESIDE = "not a field of this claim", "it is not in the bundle", "nothing proves it"
FORGERIES: dict[str, tuple[Callable[[Files], None], str]] = {
    "another spelling of a field": (change("fields/", b'"approved"', b'"approved" '), NO_FIELD),
    "another value in a field": (change("fields/", b",100]", b",900]"), NO_FIELD),
    "another state": (change("rows/0002", b"sent", b"SENT"), UNPROVEN),
    "another total": (change("rows/0001", b'"total":', b'"total":9'), UNPROVEN),
    "an entry without its row": (change("chain/", b'"rows":["', b'"rows":["0'), NOT_UNDER),
    "another time in an entry": (change("chain/", b'"at":1', b'"at":2'), NOT_UNDER),
    "another root": (change("checkpoints/", b'"root":"', b'"root":"0'), UNSIGNED),
    "another checkpoint time": (change("checkpoints/", b'"at":1', b'"at":2'), UNSIGNED),
    "another signature": (lambda files: files.update({"checkpoints/1.sig": bytes(64)}), UNSIGNED),
    "no bill": (drop_bill, "the bill's row is missing"),
    "another claim's fields": (other_claim, NO_FIELD),
    "another order": (other_order, "belongs to another order"),
    "another message": (wrong_message, "no message of this claim has these bytes"),
    "a row left out": (without("rows/0003"), MISSING),
    "an entry left out": (without("chain/"), MISSING),
    "a signature left out": (without("checkpoints/1.sig"), MISSING),
    "a field left out": (without("fields/"), MISSING),
    "a row beside the proofs": (beside("rows/9999-change.json"), BESIDE),
    "a field beside the proofs": (beside("fields/99999.json"), BESIDE),
    "an entry beside the proofs": (beside("chain/9999.json"), BESIDE),
}


@pytest.mark.parametrize(("forge", "reason"), FORGERIES.values(), ids=FORGERIES.keys())
async def test_no_forged_bundle_is_good(room: Room, forge: Callable[[Files], None], reason: str) -> None:
    files = unzipped(await bundle_of(room, await room.brought(), "approved", messages=True))
    assert verify_bundle(zipped(files), KEY).problems == []
    forge(files)
    assert reason in verify_bundle(zipped(files), KEY).problems[0]


async def test_a_bundle_that_was_unzipped_and_zipped_again_is_good_and_one_with_a_name_twice_is_none(
    room: Room,
) -> None:
    files = unzipped(await bundle_of(room, await room.brought(), messages=True))
    assert verify_bundle(zipped(files | {"rows/": b"", "messages/": b""}), KEY).problems == []
    held = io.BytesIO(zipped(files))
    with zipfile.ZipFile(held, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(named(files, "rows/"), b"{}")
    with pytest.raises(BadRequest):
        verify_bundle(held.getvalue(), KEY)


async def test_a_bundle_signed_by_another_key_is_not_good_and_its_own_key_shows_its_fingerprint(room: Room) -> None:
    bundle = await bundle_of(room, await room.brought())
    assert any("signature" in problem for problem in verify_bundle(bundle, pem(Ed25519PrivateKey.generate())).problems)
    assert verify_bundle(bundle).fingerprint == verify_bundle(bundle, KEY).fingerprint


@pytest.mark.parametrize("content", [b"", b"no zip", zipped({}), zipped({"bundle.json": b"[]", "proofs.txt": b""})])
async def test_what_is_no_bundle_is_refused_plainly(content: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        verify_bundle(content, KEY)
    assert refused.value.error_code == "bundle-unreadable"


async def test_no_garbled_proof_breaks_the_verifier(room: Room) -> None:
    files = unzipped(await bundle_of(room, await room.brought(), "approved"))
    lines = files["proofs.txt"].splitlines()
    for place in range(len(lines)):
        for garbled in (b"", b"row", b"entry x", b"field a b L:", lines[place][: len(lines[place]) // 2], b"row x y z"):
            forged = files | {"proofs.txt": b"\n".join([*lines[:place], garbled, *lines[place + 1 :]])}
            with suppress(BadRequest):
                verify_bundle(zipped(forged), KEY)


async def test_a_bill_that_is_worked_on_meanwhile_has_its_bundle(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written after the signature is not in it, and so not in the bundle."""
    bill = await room.brought(sample_bill("package", marks=True))
    sign = Checkpoints.sign_new

    async def sign_and_go_on(checkpoints: Checkpoints) -> int:
        signed = await sign(checkpoints)
        work = room.ledger.work(bill.order_id)
        work.changed(bill, None, "bill.amendments", "0", "1", "material")
        await work.flush()
        return signed

    monkeypatch.setattr(Checkpoints, "sign_new", sign_and_go_on)
    verdict = verify_bundle(await bundle_of(room, bill, "split.total"), KEY)

    assert verdict.problems == []
    assert "bill.amendments" not in [row["field"] for row in verdict.rows if row["_table"] == "change"]
