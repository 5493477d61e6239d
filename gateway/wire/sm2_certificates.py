"""Certificates of SM2 keys (GM/T 0015): their key, and the path from one to an authority that is trusted.

The crypto library reads such certificates but knows neither their keys nor their signatures, so both are judged here, by the
rules of RFC 5280, 6.1 that its own path building applies to others. All certificates of a path are SM2's.
"""

import ctypes
from collections.abc import Sequence
from ctypes import c_char_p
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.wire.libcrypto import libcrypto
from gateway.wire.sm2 import SM2_OID_DER, Sm2PublicKey

SM2_WITH_SM3 = x509.ObjectIdentifier("1.2.156.10197.1.501")
MOST_CERTIFICATES = 5
"""From the message's certificate to the authority, both included."""
_JUDGED = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.ExtendedKeyUsage.oid,
        x509.SubjectAlternativeName.oid,
    }
)
"""A critical extension that is not among these makes a certificate say more than we understand."""


def sm2_key_of(certificate: x509.Certificate) -> Sm2PublicKey | None:
    """Its key, or nothing where it is of another kind. Raises ``ConfigRefused`` (sm2-key) for a damaged one."""
    der = certificate.public_bytes(Encoding.DER)
    if SM2_OID_DER not in der:
        return None
    lib = libcrypto()
    read = lib.d2i_X509(None, ctypes.byref(c_char_p(der)), len(der))
    try:
        return Sm2PublicKey(lib.X509_get_pubkey(read) if read else None)
    finally:
        lib.X509_free(read)
        lib.ERR_clear_error()


def sm2_signed(one: x509.Certificate | x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether ``issuer``'s SM2 key signed it, under the usual user id."""
    key = sm2_key_of(issuer)
    if key is None or one.signature_algorithm_oid != SM2_WITH_SM3:
        return False
    signed = one.tbs_certificate_bytes if isinstance(one, x509.Certificate) else one.tbs_certlist_bytes
    return key.verify(one.signature, signed)


def sm2_path(
    certificate: x509.Certificate,
    between: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
) -> list[x509.Certificate] | None:
    """From the certificate to an authority of ``anchors``; nothing where no such path holds."""
    if not _stands(certificate, now):
        return None
    return _onward([certificate], between, anchors, now)


def _onward(
    path: list[x509.Certificate],
    between: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
) -> list[x509.Certificate] | None:
    last, below = path[-1], len(path) - 1
    for issuer in anchors:
        if _issued(last, issuer, below, now):
            return [*path, issuer]
    if len(path) + 1 >= MOST_CERTIFICATES:
        return None
    for issuer in between:
        if issuer not in path and _issued(last, issuer, below, now):
            found = _onward([*path, issuer], between, anchors, now)
            if found is not None:
                return found
    return None


def _issued(one: x509.Certificate, issuer: x509.Certificate, below: int, now: datetime) -> bool:
    """``below`` counts the certificates of authorities under ``issuer``."""
    return (
        one.issuer == issuer.subject and _stands(issuer, now) and _may_issue(issuer, below) and sm2_signed(one, issuer)
    )


def _stands(certificate: x509.Certificate, now: datetime) -> bool:
    known = all(one.oid in _JUDGED for one in certificate.extensions if one.critical)
    return known and certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _may_issue(certificate: x509.Certificate, below: int) -> bool:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        signs = certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    return basic.ca and signs and (basic.path_length is None or below <= basic.path_length)
