"""Whether a peer's certificate leads to an authority that we trust, and whether it was revoked.

The path is built and judged by the crypto library (RFC 5280); it knows no revocation lists, so those are read here: signed by
the issuer, still current, and naming neither the certificate nor an issuer between it and the authority. Paths of SM2
certificates are ours to build (``sm2_certificates.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keyfiles import read_certificates
from gateway.wire.sm2_certificates import sm2_key_of, sm2_path, sm2_signed


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom one partner's certificates must come from."""

    anchors: tuple[x509.Certificate, ...]
    revoked: tuple[x509.CertificateRevocationList, ...] = ()
    """With at least one list, every certificate below the authority must be covered by a current one."""

    @classmethod
    def from_files(cls, anchors: Path, lists: Path | None = None) -> "Trust":
        """Both are PEM files. Raises ``ConfigRefused``."""
        return cls(_anchors(anchors), read_crls(lists) if lists is not None else ())

    def require(
        self, name: str, certificate: x509.Certificate, chain: Sequence[x509.Certificate], now: datetime
    ) -> None:
        """Raises ``ConfigRefused``: certificate-untrusted, certificate-revoked, crl-stale."""
        path = self._path(certificate, chain, now)
        if path is None:
            raise ConfigRefused(
                f"the certificate {name} does not lead to an authority of this partner",
                code="certificate-untrusted",
                hint="put the intermediate certificates behind it in its file, or mend the partner's CA file",
            )
        if self.revoked:
            for one, issuer in pairwise(path):
                self._require_not_revoked(name, one, issuer, now)

    def _path(
        self, certificate: x509.Certificate, chain: Sequence[x509.Certificate], now: datetime
    ) -> Sequence[x509.Certificate] | None:
        if sm2_key_of(certificate) is not None:
            return sm2_path(certificate, chain, self.anchors, now)
        others = [anchor for anchor in self.anchors if sm2_key_of(anchor) is None]
        if not others:
            return None
        verifier = (
            PolicyBuilder()
            .store(Store(others))
            .time(now)
            .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all())
            .build_client_verifier()
        )
        try:
            return verifier.verify(certificate, list(chain)).chain
        except VerificationError:
            return None

    def _require_not_revoked(
        self, name: str, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> None:
        lists = [one for one in self.revoked if _is_of(one, issuer)]
        if not any(_is_current(one, now) for one in lists):
            raise ConfigRefused(
                f"no current revocation list covers the certificate {name}",
                code="crl-stale",
                hint="fetch the authority's list again; a list ends at its nextUpdate",
            )
        if any(one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None for one in lists):
            raise ConfigRefused(
                f"the certificate {name} was revoked by its authority",
                code="certificate-revoked",
                hint="ask the partner for a new certificate and why the old one was revoked",
            )


def read_crls(path: Path) -> tuple[x509.CertificateRevocationList, ...]:
    """Every revocation list of a PEM file. Raises ``ConfigRefused`` (crl-form)."""
    end = b"-----END X509 CRL-----"
    try:
        blocks = [block + end for block in path.read_bytes().split(end)[:-1]]
        lists = tuple(x509.load_pem_x509_crl(block) for block in blocks)
    except (OSError, ValueError):
        lists = ()
    if not lists:
        raise ConfigRefused(
            f"{path.name} is no revocation list",
            code="crl-form",
            hint="convert it: openssl crl -inform DER -outform PEM",
        )
    return lists


def days_until_stale(path: Path, now: datetime) -> float:
    """Whole days until the first list of the file ends; negative once it has. Raises ``ConfigRefused`` (crl-form)."""
    ends = [one.next_update_utc or one.last_update_utc for one in read_crls(path)]
    return (min(ends) - now).days


def _anchors(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(read_certificates(path))
    except OSError:
        raise ConfigRefused(
            f"{path.name} is no certificate authority", code="tls-setting", hint="name a CA certificate"
        ) from None


def _is_of(one: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    if sm2_key_of(issuer) is not None:
        return one.issuer == issuer.subject and sm2_signed(one, issuer)
    key = issuer.public_key()
    try:
        return one.issuer == issuer.subject and one.is_signature_valid(key)  # type: ignore[arg-type]  # other kinds raise
    except TypeError:
        return False


def _is_current(one: x509.CertificateRevocationList, now: datetime) -> bool:
    ends = one.next_update_utc
    return one.last_update_utc <= now and ends is not None and now <= ends
