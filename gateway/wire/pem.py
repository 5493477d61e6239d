"""PEM files of one block: text to DER and back."""

import base64
import re
import textwrap

from gateway.kernel.errors import ConfigRefused

_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----")


def der_from_pem(text: bytes, label: str) -> bytes:
    """The one block named ``label``. Raises ``ConfigRefused`` for none, several, or an encrypted one."""
    blocks = [body for name, body in _BLOCK.findall(text.decode("ascii", "replace")) if name == label]
    if len(blocks) != 1:
        raise ConfigRefused(
            f"a PEM file must hold exactly one {label} block",
            code="key-form",
            hint="export the key as unencrypted PKCS#8 (openssl pkcs8 -topk8 -nocrypt) or as SubjectPublicKeyInfo",
        )
    try:
        return base64.b64decode("".join(blocks[0].split()), validate=True)
    except ValueError:
        raise ConfigRefused(f"a {label} block is no Base64", code="key-form", hint="export the key again") from None


def pem_from_der(der: bytes, label: str) -> bytes:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
