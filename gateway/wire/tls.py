"""TLS contexts for both directions, made once per identity because making one costs about 20 ms."""

import ssl
import time
from asyncio import BaseTransport
from pathlib import Path

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.purpose import Purpose, require_purpose
from gateway.wire.trust import read_crls


def server_context(
    keys: KeyRing,
    identity: str,
    client_ca: Path | None = None,
    *,
    client_crl: Path | None = None,
    require_client: bool = False,
) -> ssl.SSLContext:
    """TLS 1.2 or later with the certificate ``identity``.

    With ``client_ca`` (a PEM file) a client may show a certificate of that authority, with ``require_client``
    it must; one of another authority, an expired one or one that was not made for a TLS client always breaks the
    handshake. With ``client_crl`` (a PEM file) a revoked one does too, and so does every one once the list has ended.
    Raises ``ConfigRefused``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_identity(context, keys, identity, Purpose.TLS_SERVER)
    if client_crl:
        _revocations(context, client_crl)
    if client_ca:
        _trust(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if require_client else ssl.CERT_OPTIONAL
    elif require_client:
        raise ConfigRefused(
            "client certificates are required but no authority is named", code="tls-setting", hint="name the client CA"
        )
    return context


def client_context(ca: Path | None, keys: KeyRing, identity: str = "") -> ssl.SSLContext:
    """TLS 1.2 or later, host name checked.

    ``ca`` (a PEM file) holds the only authorities to trust, else the system's count; ``identity`` names our client
    certificate in the ring.
    Raises ``ConfigRefused``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca:
        _trust(context, ca)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if identity:
        _load_identity(context, keys, identity, Purpose.TLS_CLIENT)
    return context


def peer_common_name(transport: BaseTransport | None) -> str:
    """The common name of the client certificate that the handshake verified; empty without one."""
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    for parts in (certificate or {}).get("subject", ()):
        for name, value in parts:
            if name == "commonName":
                return str(value)
    return ""


def peer_certificate_end(transport: BaseTransport | None) -> str:
    """When the client certificate that the handshake verified ends, as OpenSSL writes it; empty without one."""
    certificate = transport.get_extra_info("peercert") if transport is not None else None
    return str((certificate or {}).get("notAfter", ""))


def days_until(end: str) -> float:
    """Whole days from now to ``end``, which is a certificate's end as OpenSSL writes it."""
    return (ssl.cert_time_to_seconds(end) - time.time()) // 86400


def _load_identity(context: ssl.SSLContext, keys: KeyRing, identity: str, purpose: Purpose) -> None:
    require_purpose(identity, keys.certificate(identity), purpose)
    try:
        with keys.tls_identity(identity) as (certificate, key):
            context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError):
        raise ConfigRefused(
            f"{identity} can't be used for TLS", code="tls-setting", hint="use an RSA or P-256 certificate with its key"
        ) from None


def _revocations(context: ssl.SSLContext, lists: Path) -> None:
    read_crls(lists)
    context.load_verify_locations(lists)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF


def _trust(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(authority)
    except (ssl.SSLError, OSError):
        raise ConfigRefused(
            f"{authority.name} is no certificate authority", code="tls-setting", hint="name a CA certificate"
        ) from None
