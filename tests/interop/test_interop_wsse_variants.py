"""Key references, ECDSA and encryption of ``wsse-x509`` against xmlsec1 and libxmlsec, and whole calls by node-soap."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import xmlsec
from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from lxml import etree
from support.verifiers import SCRIPTS, node, xmlsec1
from support.xml_keys import OURS, OURS_EC, THEIRS, THEIRS_EC, make_ring

from gateway.wire.keys import KeyRing
from gateway.wire.seals import Plain, Role, Seal, build_seal
from gateway.wire.seals.xml.names import DS, SOAP11, SOAP12, WSSE, WSU, XENC

IDS = [f"Id:{SOAP11}:Body", f"Id:{SOAP12}:Body", f"Id:{WSU}:Timestamp", f"Id:{WSSE}:BinarySecurityToken"]
VARIANTS: dict[str, dict[str, Any]] = {
    "key identifier": {"key_reference": "ski"},
    "thumbprint": {"key_reference": "thumbprint"},
    "issuer and serial": {"key_reference": "issuer-serial"},
    "certificate in X509Data": {"key_reference": "x509-data"},
    "ECDSA": {"signature": "ecdsa-sha256"},
    "SHA-512": {"signature": "rsa-sha512", "digest": "sha512"},
}
Build = Callable[..., Seal]


def envelope(soap: str = SOAP11) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{soap}" xmlns="urn:default" xmlns:xs="http://www.w3.org/2001/XMLSchema"><e:Body>'
        '<c:Submit xmlns:c="urn:claims"><c:claim>测试 &amp; 1</c:claim><plain/></c:Submit></e:Body></e:Envelope>'
    ).encode()


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return make_ring(tmp_path_factory.mktemp("variant-keys"))


@pytest.fixture
def build(ring: KeyRing) -> Build:
    def one(own: str = OURS, peer: str = THEIRS, **settings: Any) -> Seal:
        return build_seal({"profile": "wsse-x509", "own_key": own, "peer_key": peer, **settings}, ring)

    return one


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_xmlsec1_believes_our_message(
    build: Build, ring: KeyRing, now: datetime, tmp_path: Path, variant: str, soap: str
) -> None:
    settings = VARIANTS[variant]
    own, peer = (OURS_EC, THEIRS_EC) if variant == "ECDSA" else (OURS, THEIRS)
    message = build(own, peer, **settings).seal(Plain(envelope(soap)), Role.REQUEST, now).body
    command = ("--verify", "--pubkey-cert-pem", str(ring.certificate_file(own)))
    good, _, said = xmlsec1(*command, directory=tmp_path, message=message, ids=IDS)
    assert good, said


# XML-Enc


def test_xmlsec1_reads_what_we_encrypt(build: Build, ring: KeyRing, now: datetime, tmp_path: Path) -> None:
    """Either cipher, with the form of OAEP that every xmlsec1 knows; then the signature inside holds too."""
    for content in ("aes256-gcm", "aes128-gcm"):
        seal = build(encryption={"content": content, "key_transport": "rsa-oaep-mgf1p"})
        message = seal.seal(Plain(envelope()), Role.REQUEST, now).body
        key = str(ring.directory / f"{THEIRS}.key.pem")
        good, opened, said = xmlsec1("--decrypt", "--privkey-pem", key, directory=tmp_path, message=message)
        assert good, said
        command = ("--verify", "--pubkey-cert-pem", str(ring.certificate_file(OURS)))
        good, _, said = xmlsec1(*command, directory=tmp_path, message=opened, ids=IDS)
        assert good, said


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize("order", ["sign-first", "encrypt-first"])
def test_we_read_what_libxmlsec_encrypts(build: Build, ring: KeyRing, now: datetime, digest: str, order: str) -> None:
    transport = "rsa-oaep-mgf1p" if digest == "sha1" else "rsa-oaep-mgf1p-sha256"
    ours = build(THEIRS, OURS, encryption={"key_transport": transport, "order": order})
    if order == "sign-first":
        signed = etree.fromstring(build().seal(Plain(envelope()), Role.REQUEST, now).body)
        message = etree.tostring(encrypted(signed, ring, digest))
    else:
        message = (
            build()
            .seal(Plain(etree.tostring(encrypted(etree.fromstring(envelope()), ring, digest))), Role.REQUEST, now)
            .body
        )
    assert "测试 &amp; 1".encode() in ours.open(message, Role.REQUEST, now).document


def encrypted(root: etree._Element, ring: KeyRing, digest: str) -> etree._Element:
    """By libxmlsec: the Body's content, the key inside it."""
    body = root.find("{*}Body")
    assert body is not None
    data = xmlsec.template.encrypted_data_create(
        root, xmlsec.Transform.AES256_GCM, type=xmlsec.EncryptionType.CONTENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    wrapped = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    if digest == "sha256":
        method = wrapped.find(f"{{{XENC}}}EncryptionMethod")
        assert method is not None
        etree.SubElement(method, f"{{{DS}}}DigestMethod", Algorithm=f"{XENC}sha256")
    xmlsec.template.encrypted_data_ensure_cipher_value(wrapped)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_file(str(ring.certificate_file(THEIRS)), xmlsec.KeyFormat.CERT_PEM))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(data, body)
    return root


@pytest.mark.parametrize("place", ["inline", "header"])
@pytest.mark.parametrize("transport", ["rsa-oaep-mgf1p", "rsa-oaep-mgf1p-sha256"])
def test_libxmlsec_reads_what_we_encrypt(
    build: Build, ring: KeyRing, now: datetime, place: str, transport: str
) -> None:
    seal = build(encryption={"key_transport": transport, "key_place": place})
    root = etree.fromstring(seal.seal(Plain(envelope()), Role.REQUEST, now).body)
    data, wrapped = root.find(f".//{{{XENC}}}EncryptedData"), root.find(f".//{{{XENC}}}EncryptedKey")
    assert data is not None
    assert wrapped is not None
    if place == "header":  # libxmlsec follows no token reference, so it is shown where the key is
        info = data.find(f"{{{DS}}}KeyInfo")
        assert info is not None
        info[:] = [wrapped]
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_file(str(ring.directory / f"{THEIRS}.key.pem"), xmlsec.KeyFormat.PEM))
    xmlsec.EncryptionContext(manager).decrypt(data)
    body = root.find("{*}Body")
    assert body is not None
    assert "测试 & 1" in "".join(map(str, body.itertext()))


@pytest.mark.parametrize("content", ["aes256-gcm", "aes128-gcm", "aes256-cbc"])
def test_pycryptodome_reads_what_we_encrypt(build: Build, ring: KeyRing, now: datetime, content: str) -> None:
    """OAEP with SHA-256 throughout, which libxmlsec's wheel does not offer, and CBC with the padding of XML-Enc."""
    weak = {"exception": {"until": "2099-12-31", "reason": "test"}} if "cbc" in content else {}
    seal = build(encryption={"content": content, "order": "encrypt-first"}, **weak)
    root = etree.fromstring(seal.seal(Plain(envelope()), Role.REQUEST, now).body)
    wrapped, data = (
        base64.b64decode(root.findtext(f".//{{{XENC}}}{name}/{{{XENC}}}CipherData/{{{XENC}}}CipherValue") or "")
        for name in ("EncryptedKey", "EncryptedData")
    )
    private = RSA.import_key((ring.directory / f"{THEIRS}.key.pem").read_bytes())
    key = PKCS1_OAEP.new(private, hashAlgo=SHA256).decrypt(wrapped)
    if weak:
        padded = AES.new(key, AES.MODE_CBC, data[:16]).decrypt(data[16:])
        clear = padded[: -padded[-1]]
    else:
        clear = AES.new(key, AES.MODE_GCM, data[:12]).decrypt_and_verify(data[12:-16], data[-16:])
    assert "测试 &amp; 1".encode() in clear


# node-soap


@pytest.fixture
def insurer(build: Build) -> Iterator[tuple[str, list[bytes]]]:
    """A SOAP server that opens each call with our seal and seals its answer: its address and the documents it opened."""
    opened: list[bytes] = []
    seal = build(THEIRS, OURS)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            now = datetime.now(UTC)
            opened.append(seal.open(body, Role.REQUEST, now).document)
            answer = '<c:Decision xmlns:c="urn:claims"><c:status>已受理</c:status></c:Decision>'
            document = f'<e:Envelope xmlns:e="{SOAP11}"><e:Body>{answer}</e:Body></e:Envelope>'
            sealed = seal.seal(Plain(document.encode()), Role.ANSWER, now)
            self.send_response(200)
            self.send_header("Content-Type", sealed.content_type)
            self.send_header("Content-Length", str(len(sealed.body)))
            self.end_headers()
            self.wfile.write(sealed.body)

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", opened
        server.shutdown()
        thread.join()


def test_node_soap_calls_and_is_answered(
    build: Build, ring: KeyRing, now: datetime, insurer: tuple[str, list[bytes]]
) -> None:
    """node-soap signs, we believe; we sign, node-soap reads the answer and xml-crypto believes its Body and Timestamp."""
    address, opened = insurer
    key, certificate = str(ring.directory / f"{OURS}.key.pem"), str(ring.certificate_file(OURS))
    good, answer, said = node("soap_call.js", str(SCRIPTS / "claims.wsdl"), address, key, certificate, "测试 & 1")
    assert good, said
    assert ["测试 &amp; 1".encode() in document for document in opened] == [True]
    assert "已受理".encode() in build().open(answer, Role.ANSWER, now).document
    job = {"verify": answer.decode(), "cert": ring.certificate_file(THEIRS).read_text()}
    good, results, said = node("dsig.js", message=json.dumps([job]).encode())
    assert good, said
    signed = json.loads(results)[0]["text"]
    assert "已受理" in signed
    assert "Timestamp" in signed
