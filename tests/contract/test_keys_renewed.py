"""Keys are exchanged while the gateway serves, each in one step; what can't be used keeps what serves, and is told."""

import asyncio
import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from support.certificates import CLIENT, SERVER, Issuer, put_certificate, put_key, put_private, rsa_key
from support.keyhouse import ISSUER, make_keys, peer, serving
from support.patience import until

from gateway.app import Gateway
from gateway.claims.partners.dispatching import operational_dispatch
from gateway.config import Door, OperatorSettings
from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.mapping import LiveActs
from gateway.wire.seals import Plain, Role, Seal

CLAIM = b"<document><request>1</request></document>"
NOW = datetime.now(UTC)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = make_keys(tmp_path / "keys")
    put_key(directory, "hospital", ed25519.Ed25519PrivateKey.generate())
    put_key(directory, "door", rsa_key(5))
    put_certificate(directory, "door", door_certificate())
    put_certificate(directory, "hospitals-ca", ISSUER.certificate)
    (directory / "hospitals.crl.pem").write_bytes(ISSUER.revoking(days=40))
    return directory


def door_certificate() -> x509.Certificate:
    return ISSUER.issue("door", rsa_key(5), purposes=(SERVER,))


async def renew(gateway: Gateway) -> None:
    assert gateway.renewal.before is not None
    await gateway.renewal.before()


def seal_of(gateway: Gateway, code: str) -> Seal:
    partner = gateway.engine.registry.get(code)
    assert partner is not None
    return partner.seal


def told(gateway: Gateway, figure: str) -> str:
    lines = gateway.metrics.render()[0].decode().splitlines()
    return next(line.rpartition(" ")[2] for line in lines if line.startswith(figure))


async def test_a_new_key_of_ours_signs_from_the_renewal_on(keys: Path) -> None:
    async with serving(keys, peer()) as gateway:
        before = seal_of(gateway, "ant").seal(Plain(CLAIM), Role.REQUEST, NOW)
        put_key(keys, "ant-gateway-rsa", rsa_key(6))
        unchanged = seal_of(gateway, "ant").seal(Plain(CLAIM), Role.REQUEST, NOW)
        former = seal_of(gateway, "ant")
        gateway.renewal.ask()  # what SIGHUP does
        for _ in range(250):
            await asyncio.sleep(0.02)
            if seal_of(gateway, "ant") is not former:
                break
        after = seal_of(gateway, "ant").seal(Plain(CLAIM), Role.REQUEST, NOW)
        assert (unchanged == before, after == before) == (True, False)
        assert told(gateway, "lianpei_keys_kept") == "0.0"


@pytest.mark.parametrize("wrong", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
async def test_a_broken_key_keeps_the_old_one_and_is_told(keys: Path, wrong: bytes) -> None:
    async with serving(keys, peer()) as gateway:
        before = seal_of(gateway, "ant").seal(Plain(CLAIM), Role.REQUEST, NOW)
        file = keys / "ant-gateway-rsa.key.pem"
        file.write_bytes(wrong)
        await renew(gateway)
        assert seal_of(gateway, "ant").seal(Plain(CLAIM), Role.REQUEST, NOW) == before
        assert told(gateway, "lianpei_keys_kept") == "1.0"

        put_key(keys, "ant-gateway-rsa", rsa_key(0))
        await renew(gateway)
        assert told(gateway, "lianpei_keys_kept") == "0.0"


async def test_half_a_pair_is_no_new_key(keys: Path) -> None:
    """Key first, certificate a moment later: in between both old halves serve."""
    async with serving(keys, peer()) as gateway:
        put_key(keys, "eclaimlink-gateway-rsa", rsa_key(6))
        await renew(gateway)
        assert (told(gateway, "lianpei_keys_kept"), keys_in_use(gateway)) == ("1.0", rsa_key(2).public_key())

        put_certificate(keys, "eclaimlink-gateway-rsa", ISSUER.issue("us", rsa_key(6)))
        await renew(gateway)
        assert (told(gateway, "lianpei_keys_kept"), keys_in_use(gateway)) == ("0.0", rsa_key(6).public_key())


def keys_in_use(gateway: Gateway) -> object:
    assert gateway.renewal.before is not None
    return gateway.renewal.before.__self__.keys.public("eclaimlink-gateway-rsa")  # type: ignore[attr-defined]


async def test_a_certificate_that_was_revoked_since_is_believed_no_more(keys: Path) -> None:
    """Old trust is the one thing that is never kept."""
    theirs = x509.load_pem_x509_certificate((keys / "eclaimlink-insurer-rsa.cert.pem").read_bytes())
    async with serving(keys, peer()) as gateway:
        (keys / "insurer-ca.crl.pem").write_bytes(ISSUER.revoking(theirs))
        await renew(gateway)
        with pytest.raises(ConfigRefused) as refused:
            seal_of(gateway, "eclaimlink").seal(Plain(b"<a/>"), Role.REQUEST, NOW)
        with pytest.raises(SealRefused) as disbelieved:
            seal_of(gateway, "eclaimlink").open(b"<a/>", Role.REQUEST, NOW)
        assert (refused.value.error_code, disbelieved.value.error_code) == ("certificate-revoked", "seal-untrusted-key")
        assert seal_of(gateway, "ant").seal(Plain(CLAIM), Role.REQUEST, NOW)

        (keys / "insurer-ca.crl.pem").write_bytes(ISSUER.revoking())
        await renew(gateway)
        assert seal_of(gateway, "eclaimlink").profile == "wsse-x509"


def secured() -> Door:
    return Door(port=0, certificate="door")


async def shown(gateway: Gateway, keys: Path, client: str = "") -> int:
    """The serial number of the certificate that the hospital door shows."""
    context = ssl.create_default_context(cafile=str(keys / "hospitals-ca.cert.pem"))
    if client:
        context.load_cert_chain(keys / f"{client}.cert.pem", keys / f"{client}.key.pem")
    reader, writer = await asyncio.open_connection("localhost", gateway.ports["hospital"], ssl=context)
    writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return x509.load_der_x509_certificate(der).serial_number


async def test_a_door_shows_its_new_certificate_and_keeps_the_old_one_when_the_new_one_is_wrong(keys: Path) -> None:
    async with serving(keys, peer(), secured(), client_ca="hospitals-ca.cert.pem") as gateway:
        first = await shown(gateway, keys)
        renewed = door_certificate()
        put_certificate(keys, "door", renewed)
        await renew(gateway)
        assert await shown(gateway, keys) == renewed.serial_number != first

        put_certificate(keys, "door", ISSUER.issue("door", rsa_key(6), purposes=(SERVER,)))
        await renew(gateway)
        assert await shown(gateway, keys) == renewed.serial_number
        assert float(told(gateway, "lianpei_keys_kept")) > 0


async def test_a_hospitals_certificate_that_was_revoked_since_lets_nobody_in(keys: Path) -> None:
    theirs = ISSUER.issue("hospital one", rsa_key(7), purposes=(CLIENT,))
    put_key(keys, "client", rsa_key(7))
    put_certificate(keys, "client", theirs)
    door = {"client_ca": "hospitals-ca.cert.pem", "client_crl": "hospitals.crl.pem"}
    async with serving(keys, peer(), secured(), **door) as gateway:
        assert await shown(gateway, keys, "client")
        (keys / "hospitals.crl.pem").write_bytes(ISSUER.revoking(theirs, days=3))
        await renew(gateway)
        with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
            await shown(gateway, keys, "client")
        assert told(gateway, 'lianpei_crl_days_left{name="hospitals.crl.pem"}') == "2.0"
        assert float(told(gateway, 'lianpei_connections_refused_total{cause="no-handshake",door="hospital"}')) >= 1


async def test_another_authoritys_list_is_told_as_ended_when_it_can_not_be_read(keys: Path) -> None:
    async with serving(keys, peer(), client_crl="hospitals.crl.pem") as gateway:
        assert told(gateway, 'lianpei_crl_days_left{name="hospitals.crl.pem"}') == "39.0"
        assert told(gateway, 'lianpei_crl_days_left{name="insurer-ca.crl.pem"}') == "6.0"
        (keys / "hospitals.crl.pem").write_bytes(b"")
        assert told(gateway, 'lianpei_crl_days_left{name="hospitals.crl.pem"}') == "-1.0"


async def test_a_partner_may_not_move_to_another_authority_by_a_renewal(keys: Path) -> None:
    async with serving(keys, peer()) as gateway:
        put_certificate(keys, "eclaimlink-insurer-rsa", Issuer("Insurer authority").issue("them", rsa_key(3)))
        await renew(gateway)
        with pytest.raises(ConfigRefused) as refused:
            seal_of(gateway, "eclaimlink").seal(Plain(b"<a/>"), Role.REQUEST, NOW)
        assert refused.value.error_code == "certificate-untrusted"


def operator(name: str) -> OperatorSettings:
    return OperatorSettings(name, ("view",), token=f"admin-{name}")


async def asked(gateway: Gateway, token: str) -> int:
    """What the operators' door answers to this token."""
    url = f"http://127.0.0.1:{gateway.ports['operator']}/admin/claims?state=manual"
    async with (
        aiohttp.ClientSession() as caller,
        caller.get(url, headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        return answer.status


async def test_an_operators_new_token_opens_and_the_former_one_opens_nothing_any_more(keys: Path) -> None:
    first, second = "a" * 64, "b" * 64
    put_private(keys / "admin-li.secret", first.encode())
    put_private(keys / "admin-wang.secret", b"c" * 64)
    async with serving(keys, peer(), operators=(operator("li"), operator("wang"))) as gateway:
        assert [await asked(gateway, first), await asked(gateway, second)] == [200, 401]
        put_private(keys / "admin-li.secret", second.encode())
        await renew(gateway)
        assert [await asked(gateway, first), await asked(gateway, second)] == [401, 200]

        put_private(keys / "admin-li.secret", b"c" * 64)
        await renew(gateway)
        assert (await asked(gateway, second), told(gateway, "lianpei_keys_kept")) == (200, "1.0"), "somebody else's"


def password_sent(gateway: Gateway) -> str:
    """What the mappings of eclaimlink write under ``partner.password`` now."""
    partner = gateway.engine.registry.get("eclaimlink")
    assert partner is not None
    assert isinstance(partner.acts, LiveActs)
    body = partner.acts["list_files"].write(operational_dispatch("list_files", NOW, {})).document
    return re.findall(r"<[^>]*pwd>([^<]*)<", body.decode())[0]


async def test_a_secret_that_a_mapping_writes_is_exchanged_with_the_mappings(keys: Path) -> None:
    async with serving(keys, peer()) as gateway:
        before = password_sent(gateway)
        put_private(keys / "eclaimlink-pwd.secret", b"NEWPWD")
        gateway.renewal.ask()

        async def changed() -> bool:
            return password_sent(gateway) != before

        await until(changed, 20)
        assert (before, password_sent(gateway)) == ("TESTPWD", "NEWPWD")
        assert told(gateway, "lianpei_keys_kept") == "0.0"
