"""A gateway with real keys in production: what is wrong with one partner's key stops that partner alone; hospitals may change keys."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from cryptography.hazmat.primitives.asymmetric import ed25519
from support.certificates import Issuer, put_certificate, put_key, rsa_key
from support.keyhouse import ISSUER, make_keys, peer, serving

from gateway.app import Gateway
from gateway.claims.partners.manifest import load_manifest
from gateway.kernel.clock import SystemClock
from gateway.kernel.errors import ConfigRefused
from gateway.keyrenewal import require_trusted_peers
from gateway.opening import load_keys
from gateway.wire.httpsig import sign_request
from gateway.wire.httpsig_keys import RequestKey
from gateway.wire.rotation import Accepted, Role, write_roles
from gateway.wire.seals import build_seal

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW, STRANGER = (ed25519.Ed25519PrivateKey.generate() for _ in range(3))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = make_keys(tmp_path / "keys")
    put_key(directory, "hospital", OLD)
    put_key(directory, "hospital.2027", NEW)
    return directory


async def test_a_partner_whose_certificate_comes_from_its_authority_serves(keys: Path) -> None:
    async with serving(keys, peer()) as gateway:
        assert set(gateway.engine.registry.codes) == {"ant", "eclaimlink"}


WRONG = {
    "expired": "certificate-expired",
    "another authority": "certificate-untrusted",
    "revoked": "certificate-revoked",
    "list ended": "crl-stale",
    "other purpose": "certificate-purpose",
    "mismatch": "key-mismatch",
}


def spoil(keys: Path, wrong: str) -> None:
    made_by = Issuer("Insurer authority") if wrong == "another authority" else ISSUER
    uses = ("key_encipherment",) if wrong == "other purpose" else ("digital_signature",)
    theirs = made_by.issue("them", rsa_key(3), days=-2 if wrong == "expired" else 365, uses=uses)
    put_certificate(keys, "eclaimlink-insurer-rsa", theirs)
    revoked = ISSUER.revoking(*([theirs] if wrong == "revoked" else []), days=-1 if wrong == "list ended" else 7)
    (keys / "insurer-ca.crl.pem").write_bytes(revoked)
    if wrong == "mismatch":
        put_key(keys, "eclaimlink-gateway-rsa", rsa_key(4))


def load_eclaimlink(keys: Path) -> None:
    manifest = load_manifest(ROOT / "mappings" / "insurers" / "eclaimlink")
    ring = load_keys(keys, "production")
    build_seal(manifest.seal, ring)
    require_trusted_peers(peer(), manifest, ring, SystemClock())


@pytest.mark.parametrize(("wrong", "code"), WRONG.items())
def test_a_partner_with_a_wrong_certificate_is_refused_for_its_own_reason(keys: Path, wrong: str, code: str) -> None:
    load_eclaimlink(keys)
    spoil(keys, wrong)
    with pytest.raises(ConfigRefused) as refused:
        load_eclaimlink(keys)
    assert refused.value.error_code == code


@pytest.mark.parametrize("wrong", ["expired", "revoked"])
async def test_that_partner_stays_out_and_the_others_serve(keys: Path, wrong: str) -> None:
    spoil(keys, wrong)
    async with serving(keys, peer()) as gateway:
        assert tuple(gateway.engine.registry.codes) == ("ant",)
        page = gateway.metrics.render()[0].decode()
    left = "-3.0" if wrong == "expired" else "364.0"
    assert f'lianpei_certificate_days_left{{name="eclaimlink-insurer-rsa"}} {left}' in page


async def test_a_wrong_key_that_the_gateway_itself_needs_stops_it(keys: Path) -> None:
    (keys / "vault-claims.secret").chmod(0o644)
    with pytest.raises(ConfigRefused) as refused:
        async with serving(keys, peer()):
            pass
    assert refused.value.error_code == "key-permissions"


async def asked(gateway: Gateway, key_id: str, key: ed25519.Ed25519PrivateKey) -> int:
    target = "/v1/events"
    headers = sign_request("GET", target, "", {}, b"", RequestKey(key_id, key), datetime.now(UTC))
    url = f"http://127.0.0.1:{gateway.ports['hospital']}{target}"
    async with ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


async def test_a_hospitals_old_and_new_signing_key_count_until_the_old_ones_last_day(keys: Path) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()
    write_roles(keys, {"hospital": Role("hospital.2027", "hospital", (Accepted("hospital", tomorrow),))})
    async with serving(keys, peer()) as gateway:
        assert [await asked(gateway, "hospital.2027", NEW), await asked(gateway, "hospital", OLD)] == [200, 200]
        assert [await asked(gateway, "hospital", NEW), await asked(gateway, "hospital.2027", STRANGER)] == [401, 401]
    write_roles(keys, {"hospital": Role("hospital.2027", "hospital", (Accepted("hospital", date(2026, 1, 1)),))})
    async with serving(keys, peer()) as gateway:
        assert [await asked(gateway, "hospital.2027", NEW), await asked(gateway, "hospital", OLD)] == [200, 401]
