"""``lianpei keys`` tells an operator everything about keys but the keys."""

import subprocess
from pathlib import Path

import pytest
from support.certificates import Issuer, put_certificate, put_private, rsa_key
from support.keydesk import KeyDesk

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keymaking import KINDS, parse_subject


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk") / "keys"


@pytest.fixture
def desk(tmp_path: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> KeyDesk:
    return KeyDesk.open(tmp_path, keys, capsys)


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.split() and line.split()[0] == name)


def test_the_list_says_kind_place_end_and_user(desk: KeyDesk) -> None:
    said = desk.run("list").out
    door = line_of(said, "gateway-tls")
    assert ("P-256" in door, "file" in door, "728" in door or "729" in door) == (True, True, True)
    assert door.endswith("hospital door, partner door")
    assert line_of(said, "huiyibao-gateway-sm2").split()[1:3] == ["SM2", "file"]
    assert line_of(said, "package-aes").split()[1:] == ["secret", "file", "package"]
    used = {"audit-sign": "audit", "vault-index": "vault"}
    used |= {"hospital-h1": "H99990100001", "hospital-h4": "H99990100004"}
    assert {name: line_of(said, name).endswith(f"  {user}") for name, user in used.items()} == dict.fromkeys(used, True)


def test_no_command_prints_private_material(desk: KeyDesk) -> None:
    texts = desk.private_texts()
    assert len(texts) > 100
    subject = ("--subject", "CN=gateway.example,O=Example,C=CN")
    said = [desk.run("list"), desk.run("check")]
    for name in ("ant-gateway-rsa", "huiyibao-gateway-sm2", "hospital-h2-sign", "gateway-tls"):
        said += [desk.run("show", name), desk.run("csr", name, *subject)]
    said += [desk.run("show", name) for name in ("package-aes", "vault-claims")]
    assert [one.status for one in said] == [0] * len(said)
    printed = "".join(one.out + one.err for one in said)
    assert [text for text in texts if text in printed] == []


def test_a_secret_has_no_fingerprint(desk: KeyDesk) -> None:
    """A password could be guessed from it."""
    said = desk.run("show", "eclaimlink-pwd")
    assert (said.status, "SHA-256" in said.out) == (0, False)


def test_the_fingerprint_is_openssls(desk: KeyDesk) -> None:
    file = desk.keys / "gateway-tls.cert.pem"
    words = ["openssl", "x509", "-in", str(file), "-noout", "-fingerprint", "-sha256"]
    theirs = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip().partition("=")[2]
    assert theirs in desk.run("show", "gateway-tls").out


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_key_is_private_and_its_request_is_good(desk: KeyDesk, kind: str) -> None:
    name = f"new-{kind}"
    assert desk.run("new", name, "--kind", kind).status == 0
    assert (desk.keys / f"{name}.key.pem").stat().st_mode & 0o777 == 0o600
    assert "key-exists" in desk.run("new", name, "--kind", kind).err
    out = desk.home / "request.pem"
    assert desk.run("csr", name, "--subject", "CN=测试,O=a/b,C=CN", "--dns", "a.example", "--out", str(out)).status == 0
    # Before 3.2 openssl takes the id for SM2 from the command alone.
    more = ["-vfyopt", "distid:1234567812345678"] if kind == "sm2" else []
    words = [
        "openssl",
        "req",
        "-in",
        str(out),
        "-verify",
        "-noout",
        "-subject",
        "-nameopt",
        "RFC2253,utf8,-esc_msb",
        *more,
    ]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "verify OK" in done.stdout + done.stderr
    assert "CN=测试" in done.stdout
    assert "key-exists" in desk.run("csr", name, "--subject", "CN=x", "--out", str(out)).err


def test_a_subject_that_is_none_is_refused() -> None:
    for subject in ("gateway", "CN=x,1.2.3=y", "C=China"):
        with pytest.raises(ConfigRefused) as refused:
            parse_subject(subject)
        assert refused.value.error_code == "csr-subject"


def test_a_good_directory_is_good_and_each_mistake_is_named(desk: KeyDesk) -> None:
    assert desk.run("check").status == 0
    put_certificate(desk.keys, "hospital-x", Issuer().issue("hospital-x", rsa_key(), days=-1))
    put_certificate(desk.keys, "hospital-y", Issuer().issue("hospital-y", rsa_key(), days=9))
    (desk.keys / "rotation.toml").write_text('[ant-gateway-rsa]\nuse = "ant-gateway-rsa.lost"\n')
    settings = desk.home / "gateway.toml"
    settings.write_text(settings.read_text().replace('"hospital-h3-hmac"', '"hospital-h9"'))
    said = desk.run("check")
    for name in ("hospital-x.cert.pem", "hospital-y.cert.pem", "rotation.toml"):
        (desk.keys / name).unlink()
    assert said.status == 1
    assert "hospital-x: certificate-expired" in said.err
    assert "hospital-y: ends in 8 days" in said.err
    assert "ant-gateway-rsa: rotation-form" in said.err
    assert "hospital-h9: key-missing it is used by H99990100003" in said.err


def test_development_keys_are_named_in_production(desk: KeyDesk) -> None:
    settings = desk.home / "gateway.toml"
    settings.write_text(settings.read_text().replace('mode = "development"', 'mode = "production"'))
    said = desk.run("check")
    assert (said.status, "development-keys" in said.err) == (1, True)


def test_a_peers_announced_key_is_let_in_for_its_days(desk: KeyDesk) -> None:
    put_private(desk.keys / "ant-insurer-rsa.2027.pub.pem", (desk.keys / "hcx-insurer-rsa.pub.pem").read_bytes())
    words = ("ant-insurer-rsa", "ant-insurer-rsa.2027", "--from", "2027-01-01", "--until", "2027-02-01")
    assert desk.run("accept", *words).status == 0
    shown = desk.run("show", "ant-insurer-rsa").out
    assert desk.run("use", *words[:2]).status == 0
    assert "rotation-form" in desk.run("use", *words[:2]).err
    ring = desk.ring()
    (desk.keys / "rotation.toml").unlink()
    assert ring.rsa_public("ant-insurer-rsa") == ring.rsa_public("hcx-insurer-rsa")
    assert [one.name for one in ring.accepted("ant-insurer-rsa")] == ["ant-insurer-rsa"]
    assert "also ant-insurer-rsa.2027 from 2027-01-01 until 2027-02-01" in shown
    assert "key-missing" in desk.run("accept", "ant-insurer-rsa", "nobody", "--until", "2027-02-01").err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("rotate", "ant", "--dry-run"), "rotation-candidate"),
        (("rotate", "ant", "--dry-run", "--to", "nobody"), "key-missing"),
        (("rotate", "ant", "--back", "--role", "ant-insurer-rsa"), "rotation-role"),
        (("rotate", "nobody", "--dry-run"), "insurer-unknown"),
        (("show", "nobody"), "key-missing"),
    ],
)
def test_what_cannot_be_done_says_why(desk: KeyDesk, words: tuple[str, ...], code: str) -> None:
    said = desk.run(*words)
    assert (said.status, code in said.err) == (1, True), said.err


def test_a_key_that_several_insurers_share_is_not_switched_by_one(desk: KeyDesk, tmp_path: Path) -> None:
    settings = desk.home / "gateway.toml"
    mappings = tmp_path / "mappings"
    for code in ("ant", "hcx"):
        folder = mappings / "insurers" / code
        folder.mkdir(parents=True)
        real = Path("mappings/insurers") / code / "insurer.yaml"
        (folder / "insurer.yaml").write_text(real.read_text().replace("hcx-gateway-rsa", "ant-gateway-rsa"))
    head, _, rest = settings.read_text().partition("mappings = ")
    kept = "\n".join(line for line in rest.splitlines()[1:])
    for gone in ("package", "huiyibao", "eclaimlink"):
        before, _, after = kept.partition(f"[insurers.{gone}]")
        kept = before + "[" + after.partition("[")[2] if "[" in after else before
    settings.write_text(f'{head}mappings = "{mappings}"\n{kept}')
    assert desk.run("new", "ant-gateway-rsa.shared", "--kind", "rsa-2048").status == 0
    said = desk.run("rotate", "ant", "--switch", "--no-drill")
    assert (said.status, "key-shared" in said.err, "hcx" in said.err) == (1, True, True), said.err
    assert not (desk.keys / "rotation.toml").exists()
