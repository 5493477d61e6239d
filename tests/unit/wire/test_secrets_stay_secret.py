"""Key material and secrets appear in no text, error, traceback, dump or copy, whoever asks and whatever went wrong."""

import copy
import dataclasses
import json
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.certificates import Issuer, key_pem, put_certificate, put_private, rsa_key
from test_keys_places import PASSPHRASE, broken_rsa, put_pkcs12

from gateway.kernel.errors import ConfigRefused
from gateway.wire.keys import KeyRing
from gateway.wire.sm2 import Sm2PrivateKey

MARK = "TESTMARKSECRET0001"
DUMPS: dict[str, Callable[[Any], object]] = {
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "msgspec": msgspec.json.encode,
}


def told(error: BaseException) -> str:
    """Everything that a careless error reporter would send: the text, the causes, and each frame's variables."""
    inside = error.__traceback__.tb_next if error.__traceback__ else None  # this test's own variables apart
    return "".join(traceback.TracebackException(type(error), error, inside, capture_locals=True).format())


def material(directory: Path) -> set[str]:
    lines = {line for file in directory.glob("*.key.pem") for line in file.read_text().splitlines()}
    return {MARK, PASSPHRASE, *(line for line in lines if len(line) > 40 and "-----" not in line)}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    put_private(tmp_path / "password.secret", MARK.encode())
    put_private(tmp_path / "us.key.pem", key_pem(rsa_key()))
    put_pkcs12(tmp_path, "bundle", rsa_key(), Issuer().issue("us", rsa_key()))
    put_private(tmp_path / "sm2.key.pem", Sm2PrivateKey.generate().to_pem())
    return tmp_path


@pytest.mark.parametrize("dump", DUMPS)
@pytest.mark.parametrize("name", ["password", "us", "bundle", "sm2"])
def test_nothing_private_can_be_dumped(directory: Path, name: str, dump: str) -> None:
    entry = KeyRing.from_directory(directory).entry(name)
    for value in (entry.secret, entry.private):
        if value is not None and not (value is entry.private and "copy" in dump):
            with pytest.raises(TypeError):
                DUMPS[dump](value)


def test_no_text_of_the_ring_tells_a_secret(directory: Path) -> None:
    ring = KeyRing.from_directory(directory, environment={"LIANPEI_SECRET_OTHER": MARK})
    texts = [repr(ring), repr(vars(ring)), *(f"{entry!r} {entry!s}" for entry in ring.entries.values())]
    with pytest.raises(TypeError):
        dataclasses.asdict(ring.entries["password"])
    assert [text for text in material(directory) if text in "".join(texts)] == []


WRONG: dict[str, Callable[[Path], object]] = {
    "a vault key that is none": lambda place: KeyRing.from_directory(place).vault_key("password"),
    "a password as an HMAC key": lambda place: KeyRing.from_directory(place).verification_key("password"),
    "a password as a private key": lambda place: KeyRing.from_directory(place).rsa_private("password"),
    "two keys in one file": lambda place: put_private(
        place / "two.key.pem", key_pem(rsa_key()) + b"\n" + key_pem(rsa_key())
    ),
    "a key that others may read": lambda place: (place / "us.key.pem").chmod(0o644),
    "a damaged key": lambda place: put_private(place / "us.key.pem", broken_rsa()),
    "a key cut short": lambda place: put_private(place / "us.key.pem", key_pem(rsa_key())[:-200]),
    "a key of another certificate": lambda place: put_certificate(place, "us", Issuer().issue("us", rsa_key(1))),
    "another passphrase": lambda place: put_private(place / "bundle.p12.secret", (MARK * 2).encode()),
    "a secret that is no text": lambda place: put_private(place / "password.secret", MARK.encode() + b"\xff"),
    "a secret from two places": lambda place: KeyRing.from_directory(
        place, environment={"LIANPEI_SECRET_PASSWORD": "x"}
    ),
}


def provoke(place: Path, wrong: str) -> None:
    WRONG[wrong](place)
    KeyRing.from_directory(place)


@pytest.mark.parametrize("wrong", WRONG)
def test_no_error_tells_what_it_read(directory: Path, wrong: str) -> None:
    texts = material(directory)
    with pytest.raises(ConfigRefused) as refused:
        provoke(directory, wrong)
    report = told(refused.value) + refused.value.hint
    assert [text for text in texts if text in report] == []


@pytest.mark.parametrize("wrong", ["a damaged key", "two keys in one file", "another passphrase"])
def test_a_refusal_that_is_kept_holds_no_frame_of_the_reading(directory: Path, wrong: str) -> None:
    WRONG[wrong](directory)
    refusals = KeyRing.from_directory(directory, isolate=True).refusals
    assert [refused.__traceback__ for refused in refusals.values()] == [None]
