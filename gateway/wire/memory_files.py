"""Key material for a library that reads files only: a file in memory that no disk ever holds."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.wire.keyfiles import PrivateKey
from gateway.wire.keymaking import private_pem


@contextmanager
def key_in_memory(key: PrivateKey, certificates: Sequence[x509.Certificate]) -> Iterator[Path]:
    """A path that gives the key and its certificates as PEM while the context lasts (Linux, ``memfd_create``)."""
    private = private_pem(key)
    handle = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.write(handle, b"".join([private, *(one.public_bytes(Encoding.PEM) for one in certificates)]))
        yield Path(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
