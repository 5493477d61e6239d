"""TLS contexts: versions, identities and authorities."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.tls import client_context, peer_common_name, server_context


def authority(keys: KeyRing) -> Path:
    return keys.certificate_file("ca")


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str = "localhost") -> str:
    """The negotiated version. A client certificate is judged after a TLS 1.3 handshake, hence the first byte."""
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(left, server_side=True) as secured:
                secured.sendall(b"x")
        except (ssl.SSLError, OSError):
            left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(right, server_hostname=host) as secured:
            assert secured.recv(1) == b"x"
            return secured.version() or ""
    finally:
        right.close()
        thread.join()


def test_both_ends_speak_tls_1_3_and_check_the_name(keys: KeyRing) -> None:
    server, client = server_context(keys, "gateway-tls"), client_context(authority(keys), keys)
    assert handshake(server, client) == "TLSv1.3"
    assert handshake(server, client, "127.0.0.1") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client, "insurer.example")


def test_nothing_older_than_tls_1_2_is_spoken(keys: KeyRing) -> None:
    server = server_context(keys, "gateway-tls")
    old = client_context(authority(keys), keys)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(server, old) == "TLSv1.2"
    assert server.minimum_version == client_context(None, keys).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_required_client_certificate_is_required(keys: KeyRing) -> None:
    server = server_context(keys, "payment-tls", authority(keys), require_client=True)
    assert handshake(server, client_context(authority(keys), keys, "hospital-h1"))
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        handshake(server, client_context(authority(keys), keys))


def test_an_unknown_authority_is_refused(keys: KeyRing) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server_context(keys, "sandbox-tls"), client_context(None, keys))


def test_wrong_settings_do_not_load(keys: KeyRing) -> None:
    for wrong in (
        lambda: server_context(keys, "nobody"),
        lambda: server_context(keys, "gateway-tls", require_client=True),
        lambda: client_context(keys.directory / "none.pem", keys),
        lambda: client_context(keys.directory / "package-aes.secret", keys),
        lambda: client_context(None, keys, "hospital-h2-sign"),
    ):
        with pytest.raises(ConfigRefused):
            wrong()


def test_without_a_transport_there_is_no_name() -> None:
    assert peer_common_name(None) == ""
