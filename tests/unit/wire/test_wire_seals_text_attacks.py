"""Attack documents on the text and JSON profiles: each is refused, for its own stated reason."""

import base64
import unicodedata
from datetime import datetime, timedelta

import pytest
from support.attacks import Attack, Scene, carried_out
from support.seal_ends import at, make_keys
from support.text_forgeries import (
    BILL,
    EXACT,
    FORM,
    LONG,
    MD5,
    PAIRS,
    PAY,
    RAW,
    SORTED,
    TIMED,
    as_text,
    aside,
    changed,
    doc,
    first_line_into_the_nonce,
    from_another_message,
    hash_without_the_secret,
    headers,
    hmac_with_the_public_key,
    insurers_seal,
    parts_swapped,
    peer_forgot,
    replaced,
    sealed_under,
    signed_by_a_stranger,
    smuggled,
    split_text,
)

from gateway.kernel.errors import SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Sealed

ATTACKS = [
    # Between pairs
    Attack("a value swallows the next pair", PAIRS, changed(smuggled), "seal-ambiguous", "holds the separator"),
    Attack("the same in a form", FORM, replaced(b"&payee=", b"%26payee%3D"), "seal-ambiguous", "holds the separator"),
    Attack("nested JSON becomes a text", PAIRS, changed(as_text, BILL), "seal-ambiguous", "starts like a nested"),
    Attack(
        "a text torn out of nested JSON",
        PAIRS,
        changed(split_text, {"data": {"a": "x&z=1"}}),
        "seal-ambiguous",
        "starts like a nested",
    ),
    Attack(
        "a name that holds a pair",
        PAIRS,
        changed(lambda m: m.update({"amount=430.00&note": m.pop("note")})),
        "seal-ambiguous",
        "name holds",
    ),
    Attack("array notation in a name", FORM, replaced(b"note=", b"note%5B0%5D="), "seal-ambiguous", "name holds"),
    Attack("a look-alike name", PAIRS, changed(lambda m: m.update({"ａmount": "1"})), "seal-ambiguous", "name holds"),
    Attack("a name said twice in a form", FORM, replaced(b"note=", b"amount=1&note="), "seal-ambiguous", "twice"),
    Attack("a key said twice in JSON", PAIRS, replaced(b"{", b'{"amount":"1",'), "seal-form", "twice"),
    Attack("an escaped key said twice", PAIRS, replaced(b"{", b'{"\\u0061mount":"1",'), "seal-form", "twice"),
    Attack(
        "a nested key said twice",
        SORTED,
        replaced(b'{"total"', b'{"total":"9","total"', BILL),
        "seal-form",
        "twice",
    ),
    Attack(
        "a value in another normal form",
        PAIRS,
        changed(lambda m: m.update(note=unicodedata.normalize("NFD", m["note"]))),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "a list where plain values were agreed",
        {**PAIRS, "nested": "refuse"},
        changed(lambda m: m.update(amount=["430.00"])),
        "seal-ambiguous",
        "only plain values",
    ),
    Attack("a member taken out", PAIRS, changed(lambda m: m.pop("note")), "seal-bad-signature", "does not belong"),
    Attack("a member put in", SORTED, changed(lambda m: m.update(x="1")), "seal-bad-signature", "does not belong"),
    Attack("an amount changed", SORTED, changed(lambda m: m.update(amount="1")), "seal-bad-signature", "not belong"),
    Attack("a text where a number was signed", SORTED, replaced(b":1", b':"1"', {"n": 1}), "seal-bad-signature", "not"),
    Attack("an empty where empties count", SORTED, changed(lambda m: m.update(x="")), "seal-bad-signature", "not"),
    # The signature itself
    Attack("the signature taken out", PAIRS, changed(lambda m: m.pop("sign")), "seal-unsigned", "no signature"),
    Attack("an empty signature", PAIRS, changed(lambda m: m.update(sign="")), "seal-unsigned", "no signature"),
    Attack("null as the signature", PAIRS, changed(lambda m: m.update(sign=None)), "seal-unsigned", "no signature"),
    Attack("a list as the signature", PAIRS, changed(lambda m: m.update(sign=["x"])), "seal-bad-signature", "not"),
    Attack("signed by a stranger", PAIRS, signed_by_a_stranger, "seal-bad-signature", "does not belong"),
    Attack("HMAC with the public key", PAIRS, hmac_with_the_public_key, "seal-bad-signature", "does not belong"),
    Attack("a hash without the secret", MD5, hash_without_the_secret, "seal-bad-signature", "does not belong"),
    Attack(
        "the signature in lower case",
        MD5,
        changed(lambda m: m.update(sign=m["sign"].lower())),
        "seal-bad-signature",
        "not written as agreed",
    ),
    Attack(
        "the signature with a line break",
        PAIRS,
        changed(lambda m: m.update(sign=m["sign"] + "\n")),
        "seal-bad-signature",
        "not written as agreed",
    ),
    Attack(
        "DER where r and s were agreed",
        RAW,
        sealed_under(SORTED),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "r and s of nought",
        RAW,
        changed(lambda m: m.update(sign=base64.b64encode(bytes(64)).decode())),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "another SM2 user id",
        {**SORTED, "user_id": "H99990100001"},
        sealed_under(SORTED),
        "seal-bad-signature",
        "does not belong",
    ),
    # Time and single use
    Attack("an old message", TIMED, aside(-301), "seal-stale", "outside the agreed window"),
    Attack("a message from the future", TIMED, aside(60), "seal-stale", "outside the agreed window"),
    Attack(
        "an old message with a new time",
        TIMED,
        lambda scene: changed(lambda m: m.update(timestamp=at(scene.now)))(
            Scene(scene.ring, scene.ours, scene.insurer, scene.now - timedelta(days=1))
        ),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack("no time", TIMED, peer_forgot("timestamp"), "seal-form", "time is not written"),
    Attack("no nonce", TIMED, peer_forgot("nonce"), "seal-form", "no nonce"),
    Attack("another nonce", TIMED, changed(lambda m: m.update(nonce="again")), "seal-bad-signature", "not belong"),
    # Exact bytes
    Attack("the first line moved into the nonce", EXACT, first_line_into_the_nonce, "seal-ambiguous", "end it early"),
    Attack("another body", EXACT, headers(lambda h: None, b"{}"), "seal-bad-signature", "does not belong"),
    Attack(
        "time and nonce change places",
        EXACT,
        headers(lambda h: h.update({"X-Time": h["X-Nonce"], "X-Nonce": h["X-Time"]})),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack("the header taken out", EXACT, headers(lambda h: h.pop("X-Signature")), "seal-unsigned", "no signature"),
    Attack("the nonce taken out", EXACT, headers(lambda h: h.pop("X-Nonce")), "seal-form", "lacks its time"),
    # Encrypted members
    Attack("encData of another message", "yibao", from_another_message, "seal-bad-signature", "does not belong"),
    Attack(
        "ECB blocks change places", "yibao", changed(parts_swapped("encData", 16, 16), LONG), "seal-bad-signature", ""
    ),
    Attack("broken padding", "yibao", changed(lambda m: m.update(encData="00" * 16)), "seal-bad-signature", ""),
    Attack("data in clear beside encData", "yibao", changed(lambda m: m.update(data={})), "seal-ambiguous", "in clear"),
    Attack("encData taken out", "yibao", changed(lambda m: m.pop("encData")), "seal-bad-signature", "not belong"),
    Attack("signData taken out", "yibao", changed(lambda m: m.pop("signData")), "seal-unsigned", "no signature"),
    Attack(
        "RSA blocks change places",
        "json rsa1_5",
        changed(parts_swapped("data", 0, 256), LONG),
        "seal-bad-signature",
        "does not belong",
    ),
    Attack(
        "a GCM tag cut short",
        "body aes-gcm",
        lambda scene: Sealed(base64.b64encode(base64.b64decode(scene.honest(doc(PAY)).body)[:-12]), ""),
        "seal-decrypt",
        "does not decrypt",
    ),
    Attack("nothing but a tag", "body sm4-gcm", lambda _: Sealed(b'{"data":"AAAA"}', ""), "seal-decrypt", ""),
    # Forms
    Attack("a list instead of an object", PAIRS, lambda _: Sealed(b"[]", ""), "seal-form", "no JSON object"),
    Attack(
        "nested beyond reason", PAIRS, lambda _: Sealed(b'{"a":' * 90 + b"1" + b"}" * 90, ""), "seal-form", "deeply"
    ),
    Attack("a form of bad escapes", FORM, lambda _: Sealed(b"a=%FF%FE", ""), "seal-form", "no web form"),
    Attack("a form without end", FORM, lambda _: Sealed(b"&".join([b"a=1"] * 2000), ""), "seal-form", "no web form"),
]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_keys(tmp_path_factory.mktemp("attack-keys"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_refused_for_its_own_reason(ring: KeyRing, now: datetime, attack: Attack) -> None:
    refused = carried_out(attack, ring, now)
    assert (refused.error_code, attack.says in refused.message) == (attack.code, True), refused.message


def test_a_guesser_learns_nothing_from_the_padding(ring: KeyRing, now: datetime) -> None:
    """Decrypted before it is verified: every wrong ciphertext gets the same refusal."""
    said = set()
    for size in (16, 32, 48):
        for fill in ("00", "01", "10", "FF"):
            attack = Attack("", "yibao", changed(lambda m, t=fill * size: m.update(encData=t)), "", "")
            refused = carried_out(attack, ring, now)
            said.add((refused.error_code, refused.message, refused.hint))
    assert len(said) == 1


def test_our_own_message_with_two_readings_is_not_sent(ring: KeyRing, now: datetime) -> None:
    with pytest.raises(SealRefused) as refused:
        insurers_seal(ring, PAIRS).seal(Plain(doc({"note": "x&amount=1"})), Role.REQUEST, now)
    assert refused.value.error_code == "seal-ambiguous"
