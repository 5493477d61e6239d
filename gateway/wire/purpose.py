"""What a certificate may be used for (RFC 5280, 4.2.1.3 keyUsage and 4.2.1.12 extKeyUsage): an absent extension allows all."""

from enum import Enum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.kernel.errors import ConfigRefused


class Purpose(Enum):
    TLS_SERVER = "a TLS server"
    TLS_CLIENT = "a TLS client"
    SIGN = "signing messages"
    SEAL = "signing or encrypting messages"


_EXTENDED = {
    Purpose.TLS_SERVER: ExtendedKeyUsageOID.SERVER_AUTH,
    Purpose.TLS_CLIENT: ExtendedKeyUsageOID.CLIENT_AUTH,
}
_SIGNING = frozenset({"digital_signature", "content_commitment"})
_ENCIPHERING = frozenset({"key_encipherment", "data_encipherment", "key_agreement"})
_USAGES = {
    Purpose.TLS_SERVER: frozenset({"digital_signature"}),
    Purpose.TLS_CLIENT: frozenset({"digital_signature"}),
    Purpose.SIGN: _SIGNING,
    Purpose.SEAL: _SIGNING | _ENCIPHERING,
}


def require_purpose(name: str, certificate: x509.Certificate, purpose: Purpose) -> None:
    """Raises ``ConfigRefused`` (certificate-purpose) when its issuer gave ``certificate`` for something else."""
    if not (_allows_usage(certificate, purpose) and _allows_extended(certificate, purpose)):
        raise ConfigRefused(
            f"the certificate {name} is not made for {purpose.value}",
            code="certificate-purpose",
            hint="order one whose keyUsage and extKeyUsage allow it, see docs/keys.md",
        )


def _allows_usage(certificate: x509.Certificate, purpose: Purpose) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return any(getattr(usage, name) for name in _USAGES[purpose])


def _allows_extended(certificate: x509.Certificate, purpose: Purpose) -> bool:
    wanted = _EXTENDED.get(purpose)
    try:
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return wanted is None or wanted in extended or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in extended
