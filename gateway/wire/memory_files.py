"""Key material for a library that reads files only: a file in memory that no disk ever holds."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.wire.keyfiles import PrivateKey
from gateway.wire.sm2 import Sm2PrivateKey


@contextmanager
def key_in_memory(key: PrivateKey, certificates: Sequence[x509.Certificate]) -> Iterator[Path]:
    """A path that gives the key and its certificates as PEM while the context lasts (Linux, ``memfd_create``)."""
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    private = key.to_pem() if isinstance(key, Sm2PrivateKey) else key.private_bytes(*plain)
    handle = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.write(handle, b"".join([private, *(one.public_bytes(Encoding.PEM) for one in certificates)]))
        yield Path(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
