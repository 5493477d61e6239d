"""An operator changes a key: proven against the partner's simulator, a process of its own, before anything is switched."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.keydesk import KeyDesk

from gateway.cli import drill

Edit = Callable[[str, object], None]
KINDS = {"ant": "rsa-3072", "hcx": "rsa-2048", "huiyibao": "sm2"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drill") / "keys"


@pytest.fixture
def desk(tmp_path: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> KeyDesk:
    desk = KeyDesk.open(tmp_path, keys, capsys)
    (keys / "rotation.toml").unlink(missing_ok=True)
    for code, kind in KINDS.items():
        role = "huiyibao-gateway-sm2" if code == "huiyibao" else f"{code}-gateway-rsa"
        if not (keys / f"{role}.next.key.pem").exists():
            assert desk.run("new", f"{role}.next", "--kind", kind).status == 0
    return desk


def test_a_rotation_is_proven_then_switched_then_taken_back(desk: KeyDesk) -> None:
    old = desk.ring().rsa_public("ant-gateway-rsa").public_numbers()
    proven = (
        "proven: the simulator of ant accepted report sealed with ant-gateway-rsa.next, and its sealed answer opened"
    )
    said = desk.run("rotate", "ant", "--switch", "--overlap-days", "7")
    assert said.status == 0
    assert proven in said.out
    now = desk.ring()
    assert now.rsa_private("ant-gateway-rsa").key_size == 3072
    assert now.accepted("ant-gateway-rsa")[0].name == "ant-gateway-rsa"
    assert "ant (until" in desk.run("list").out

    assert desk.run("rotate", "ant", "--back").status == 0
    assert desk.ring().rsa_public("ant-gateway-rsa").public_numbers() == old


def test_a_dry_run_opens_a_callback_that_was_encrypted_to_the_next_key_and_changes_nothing(desk: KeyDesk) -> None:
    said = desk.run("rotate", "hcx", "--dry-run")
    assert (said.status, "its sealed callback opened" in said.out) == (0, True), said.err
    assert not (desk.keys / "rotation.toml").exists()


@pytest.mark.parametrize(("code", "why"), [("ant", "refused report"), ("hcx", "no sealed word")])
def test_a_key_that_the_partner_does_not_know_fails_and_nothing_is_switched(
    desk: KeyDesk, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    """The simulator keeps the key that it was made with, as a partner does that did not load ours."""
    monkeypatch.setattr(drill, "_tell_next_key", lambda *_: None)
    said = desk.run("rotate", code, "--switch")
    assert (said.status, "drill-failed" in said.err, why in said.err) == (1, True, True), said.err
    assert not (desk.keys / "rotation.toml").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "role", "proof"),
    [
        ("huiyibao", "huiyibao-gateway-sm2", "fee_info sealed with huiyibao-gateway-sm2.next, and its sealed callback"),
        ("package", "package-aes", "eligibility sealed with package-aes.next, and its sealed answer"),
        (
            "eclaimlink",
            "eclaimlink-gateway-rsa",
            "claim sealed with eclaimlink-gateway-rsa.next, and its sealed answer",
        ),
    ],
)
def test_every_partner_has_a_drill(desk: KeyDesk, code: str, role: str, proof: str) -> None:
    if code == "package":
        (desk.keys / f"{role}.next.secret").write_text("TESTKEY-AES-0002")
        (desk.keys / f"{role}.next.secret").chmod(0o600)
    if code == "eclaimlink":
        for suffix in (".key.pem", ".cert.pem"):
            content = (desk.keys / f"eclaimlink-insurer-rsa{suffix}").read_bytes()
            (desk.keys / f"{role}.next{suffix}").write_bytes(content)
            (desk.keys / f"{role}.next{suffix}").chmod(0o600)
    said = desk.run("rotate", code, "--dry-run")
    assert (said.status, proof in said.out) == (0, True), said.err
