"""A gateway in this process, in production mode, with keys of its own: two insurers that nobody answers for and one hospital."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from gateway.app import Gateway, start_gateway
from gateway.config import (
    ClaimsSettings,
    Door,
    HospitalSettings,
    InsurerSettings,
    OperatorSettings,
    Settings,
    WebhookSettings,
)
from support.certificates import Issuer, put_certificate, put_key, put_private, rsa_key

ROOT = Path(__file__).resolve().parents[2]
ISSUER = Issuer("Insurer authority")
HOSPITAL = "H99990100002"


def make_keys(directory: Path) -> Path:
    """Everything but the hospital's signing key ``hospital``."""
    directory.mkdir()
    for name in ("vault-claims", "vault-index"):
        put_private(directory / f"{name}.secret", b"0b" * 32)
    put_private(directory / "eclaimlink-pwd.secret", b"TESTPWD")
    for number, name in enumerate(("ant-gateway-rsa", "ant-insurer-rsa", "eclaimlink-gateway-rsa")):
        put_key(directory, name, rsa_key(number))
    put_certificate(directory, "eclaimlink-gateway-rsa", ISSUER.issue("us", rsa_key(2)))
    put_certificate(directory, "eclaimlink-insurer-rsa", ISSUER.issue("them", rsa_key(3)))
    put_certificate(directory, "insurer-ca", ISSUER.certificate)
    (directory / "insurer-ca.crl.pem").write_bytes(ISSUER.revoking())
    put_key(directory, "audit-sign", ed25519.Ed25519PrivateKey.generate())
    return directory


def peer(ca: str = "insurer-ca.cert.pem", crl: str = "insurer-ca.crl.pem") -> InsurerSettings:
    return InsurerSettings("http://127.0.0.1:1", peer_ca=ca, peer_crl=crl)


@asynccontextmanager
async def serving(
    keys: Path,
    eclaimlink: InsurerSettings,
    door: Door | None = None,
    desk: Door | None = None,
    operators: tuple[OperatorSettings, ...] = (),
    webhook: WebhookSettings | None = None,
    **more: Any,
) -> AsyncIterator[Gateway]:
    """``door`` is the hospitals' and insurers', ``desk`` the operators'; ``more`` goes into the claims room's settings."""
    plain = Door(port=0)
    settings = Settings(
        mode="production",
        keys=str(keys),
        mappings=str(ROOT / "mappings"),
        schemas=str(ROOT / "schemas"),
        claims=ClaimsSettings("claims.db", door or plain, door or plain, desk or plain, **more),
        hospitals=(HospitalSettings(HOSPITAL, "测试医院", signing_key="hospital", webhook=webhook),),
        operators=operators,
        insurers={"ant": InsurerSettings("http://127.0.0.1:1"), "eclaimlink": eclaimlink},
    )
    gateway = await start_gateway(settings, keys.parent)
    try:
        yield gateway
    finally:
        await gateway.stop(0.0)
