"""A role's key can be exchanged while both ends go on talking: old and new count for a while, and one step leads back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from support.certificates import Issuer, put_certificate, put_key, put_private, rsa_key

from gateway.kernel.clock import SHANGHAI
from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.keys import KeyRing
from gateway.wire.rotation import (
    Accepted,
    Role,
    accepting,
    read_roles,
    role_of,
    switched,
    turned_back,
    write_roles,
)
from gateway.wire.seals import Plain, Seal, build_seal
from gateway.wire.seals import Role as Direction
from gateway.wire.seals.overlap import own_names, peer_names

DAY = date(2027, 1, 10)
NOW = datetime(2027, 1, 10, 4, tzinfo=UTC)
DOCUMENT = b"<document><signature></signature><request>x</request></document>"
SOAP = b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><a/></e:Body></e:Envelope>'


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises((ConfigRefused, SealRefused)) as refused:
        call()
    return refused.value.error_code


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Our key and the insurer's, each with a new one beside it."""
    for number, name in enumerate(("us", "us.2027", "them", "them.2027", "stranger")):
        put_key(tmp_path, name, rsa_key(number))
        put_certificate(tmp_path, name, Issuer().issue(name, rsa_key(number)))
    return tmp_path


def ring(directory: Path, **roles: Role) -> KeyRing:
    write_roles(directory, roles)
    return KeyRing.from_directory(directory)


def end(keys: KeyRing, own: str, peer: str, profile: str = "detached-text") -> Seal:
    return build_seal({"profile": profile, "own_key": own, "peer_key": peer}, keys, DAY)


def said_by(own: str, directory: Path, profile: str = "detached-text", now: datetime = NOW) -> bytes:
    """A message of the other end, sealed with the key file ``own``."""
    keys = KeyRing.from_directory(directory).using({own: own})
    document = SOAP if profile == "wsse-x509" else DOCUMENT
    return end(keys, own, "us", profile).seal(Plain(document), Direction.REQUEST, now).body


def test_the_file_says_what_it_was_told(tmp_path: Path) -> None:
    roles = {
        "us": Role("us.2027", "us", (Accepted("us", date(2027, 2, 1)),)),
        "them": Role("them", "", (Accepted("them.2027", date(2027, 3, 1), date(2027, 1, 1)),)),
    }
    assert read_roles(tmp_path) == {}
    write_roles(tmp_path, roles)
    assert read_roles(tmp_path) == roles
    assert [path.name for path in tmp_path.iterdir()] == ["rotation.toml"]


@pytest.mark.parametrize(
    "text",
    ["no toml", "[us]\n", '[us]\nuse = "../ca"\n', '[us]\nuse = "us"\nmore = 1\n', '[us]\nuse = "us"\nalso = [{name = "a"}]\n',
     '["../us"]\nuse = "us"\n'],
)  # fmt: skip
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rotation.toml").write_text(text)
    assert code_of(lambda: KeyRing.from_directory(tmp_path)) == "rotation-form"


def test_a_switch_keeps_the_old_key_for_a_while_and_leads_back_once() -> None:
    forward = switched(role_of({}, "us"), "us.2027", DAY, 30)
    assert forward == Role("us.2027", "us", (Accepted("us", date(2027, 2, 9)),))
    back = turned_back(forward, DAY, 30)
    assert back == Role("us", "", (Accepted("us.2027", date(2027, 2, 9)),))
    assert code_of(lambda: turned_back(back, DAY, 30)) == "rotation-no-way-back"


def test_what_has_ended_is_forgotten_at_the_next_switch() -> None:
    role = Role("us", "", (Accepted("us.2025", date(2027, 1, 9)), Accepted("us.2026", date(2027, 1, 10))))
    assert [one.name for one in switched(role, "us.2027", DAY, 30).also] == ["us.2026", "us"]


def test_a_peers_other_key_counts_between_its_days() -> None:
    role = accepting(role_of({}, "them"), Accepted("them.2027", date(2027, 1, 12), date(2027, 1, 11)))
    counts = [role.also[0].counts(date(2027, 1, day)) for day in (10, 11, 12, 13)]
    assert counts == [False, True, True, False]
    assert code_of(lambda: accepting(role, Accepted("them", DAY))) == "rotation-form"


def test_we_sign_with_the_key_in_use(directory: Path) -> None:
    keys = ring(directory, us=switched(Role("us"), "us.2027", DAY, 30))
    body = end(keys, "us", "them").seal(Plain(DOCUMENT), Direction.REQUEST, NOW).body
    theirs = KeyRing.from_directory(directory)
    assert end(theirs.using({"us": "us.2027"}), "them", "us").open(body, Direction.REQUEST, NOW)
    assert code_of(lambda: end(theirs.using({"us": "us"}), "them", "us").open(body, Direction.REQUEST, NOW)) == (
        "seal-bad-signature"
    )


@pytest.mark.parametrize("profile", ["detached-text", "wsse-x509"])
def test_old_and_new_key_of_a_peer_count_and_a_strangers_does_not(directory: Path, profile: str) -> None:
    keys = ring(directory, them=Role("them", "", (Accepted("them.2027", date(2027, 1, 31)),)))
    ours = end(keys, "us", "them", profile)
    for name in ("them", "them.2027"):
        assert ours.open(said_by(name, directory, profile), Direction.REQUEST, NOW).document
    refused = code_of(lambda: ours.open(said_by("stranger", directory, profile), Direction.REQUEST, NOW))
    assert refused in ("seal-bad-signature", "seal-untrusted-key")


def test_after_its_last_day_in_china_a_key_counts_no_more(directory: Path) -> None:
    """The seal lives for months: the day is looked at for each message."""
    keys = ring(directory, them=Role("them", "", (Accepted("them.2027", date(2027, 1, 31)),)))
    ours, body = end(keys, "us", "them"), said_by("them.2027", directory)
    last = datetime(2027, 1, 31, 23, 59, tzinfo=SHANGHAI)
    assert ours.open(body, Direction.REQUEST, last)
    assert code_of(lambda: ours.open(body, Direction.REQUEST, last + timedelta(minutes=1))) == "seal-bad-signature"


def test_our_old_key_still_opens_what_was_encrypted_to_it(directory: Path) -> None:
    old = {"profile": "jwe-compact", "own_key": "them", "peer_key": "us"}
    to_old = build_seal(old, KeyRing.from_directory(directory), DAY).seal(Plain(b"{}"), Direction.REQUEST, NOW).body
    keys = ring(directory, us=switched(Role("us"), "us.2027", DAY, 30))
    ours = build_seal({"profile": "jwe-compact", "own_key": "us", "peer_key": "them"}, keys, DAY)
    assert ours.open(to_old, Direction.REQUEST, NOW).document == b"{}"
    later = NOW + timedelta(days=31)
    assert code_of(lambda: ours.open(to_old, Direction.REQUEST, later)) == "seal-decrypt"


def test_both_ends_may_change_at_once(directory: Path) -> None:
    keys = ring(
        directory,
        us=switched(Role("us"), "us.2027", DAY, 30),
        them=Role("them", "", (Accepted("them.2027", date(2027, 1, 31)),)),
    )
    ours = end(keys, "us", "them")
    assert all(ours.open(said_by(name, directory), Direction.REQUEST, NOW) for name in ("them", "them.2027"))


def test_a_mistake_in_the_message_itself_is_not_tried_again(directory: Path) -> None:
    keys = ring(directory, them=Role("them", "", (Accepted("them.2027", date(2027, 1, 31)),)))
    unsigned = DOCUMENT
    assert code_of(lambda: end(keys, "us", "them").open(unsigned, Direction.REQUEST, NOW)) == "seal-unsigned"


def test_too_many_keys_at_once_are_refused(directory: Path) -> None:
    for number in range(9):
        put_key(directory, f"them.{number}", rsa_key(number))
    also = tuple(Accepted(f"them.{number}", date(2027, 1, 31)) for number in range(9))
    keys = ring(directory, them=Role("them", "", also))
    assert code_of(lambda: end(keys, "us", "them")) == "rotation-form"


def test_a_shared_secret_changes_like_any_key(tmp_path: Path) -> None:
    put_private(tmp_path / "aes.secret", b"TESTKEY-AES-0001")
    put_private(tmp_path / "aes.2027.secret", b"TESTKEY-AES-0002")
    config = {"profile": "aes-ecb-body", "key": "aes", "exception": {"until": "2027-12-31", "reason": "test"}}
    old = build_seal(config, KeyRing.from_directory(tmp_path), DAY)
    new = build_seal(config, ring(tmp_path, aes=switched(Role("aes"), "aes.2027", DAY, 30)), DAY)
    for theirs in (old, new):
        assert (
            new.open(theirs.seal(Plain(b"{}"), Direction.REQUEST, NOW).body, Direction.REQUEST, NOW).document == b"{}"
        )


def test_a_hospitals_old_and_new_signing_key_count_by_their_ids(directory: Path) -> None:
    keys = ring(directory, us=switched(Role("us"), "us.2027", DAY, 1))
    assert keys.alternatives("us") == ("us.2027", "us")
    assert keys.verification_key("us").material == rsa_key(0).public_key()
    assert keys.verification_key("us.2027").material == rsa_key(1).public_key()
    after = NOW + timedelta(days=2)
    assert [keys.counts("us", name, when) for name in ("us", "us.2027") for when in (NOW, after)] == [
        True,
        False,
        True,
        True,
    ]
    assert not keys.counts("us", "stranger", NOW)


def test_no_role_changes_what_a_vaults_key_means(tmp_path: Path) -> None:
    """Records name the key that they were wrapped with."""
    put_private(tmp_path / "vault.secret", b"0b" * 32)
    put_private(tmp_path / "vault.2027.secret", b"0c" * 32)
    assert ring(tmp_path, vault=Role("vault.2027")).vault_key("vault").expose() == b"\x0b" * 32


def test_a_seals_settings_tell_whose_each_key_is_at_any_depth(directory: Path) -> None:
    keys = KeyRing.from_directory(directory)
    config = {
        "profile": "x",
        "own_key": "us",
        "encryption": {"own_key": "us", "peer_key": "them"},
        "peers": ["stranger", "no"],
    }
    assert (own_names(config, keys), peer_names(config, keys)) == (["us"], ["them", "stranger"])
