"""SM2: what is signed verifies, what is encrypted opens, and nothing else does."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.kernel.errors import ConfigRefused, SealRefused
from gateway.wire.pem import der_from_pem
from gateway.wire.sm2 import Sm2PrivateKey, Sm2PublicKey, is_sm2
from gateway.wire.sm2_forms import (
    CipherForm,
    SignatureForm,
    cipher_from_wire,
    cipher_to_wire,
    der_from_raw,
    raw_from_der,
    signature_from_wire,
    signature_to_wire,
)

KEY = Sm2PrivateKey.generate()
PUBLIC = KEY.public_key()


@settings(max_examples=15, deadline=None)
@given(data=st.binary(max_size=2000), user_id=st.binary(min_size=1, max_size=40))
def test_a_signature_verifies_for_its_data_and_user_id_only(data: bytes, user_id: bytes) -> None:
    signature = KEY.sign(data, user_id)
    assert PUBLIC.verify(signature, data, user_id)
    assert not PUBLIC.verify(signature, data + b"x", user_id)
    assert not PUBLIC.verify(signature, data, user_id + b"x")
    assert not Sm2PrivateKey.generate().public_key().verify(signature, data, user_id)


@pytest.mark.parametrize("form", CipherForm)
@pytest.mark.parametrize("size", [1, 31, 32, 33, 6_000])
def test_every_ciphertext_form_opens_again(form: CipherForm, size: int) -> None:
    plain = bytes(range(256)) * 25
    wire = cipher_to_wire(PUBLIC.encrypt(plain[:size]), form)
    assert KEY.decrypt(cipher_from_wire(wire, form)) == plain[:size]


def test_raw_ciphertext_is_04_then_point_then_check_then_data() -> None:
    der = PUBLIC.encrypt(b"abc")
    new, old = cipher_to_wire(der, CipherForm.C1C3C2), cipher_to_wire(der, CipherForm.C1C2C3)
    assert len(new) == len(old) == 65 + 32 + 3
    assert new[0] == old[0] == 4
    assert new[:65] == old[:65]
    assert new[65:97] == old[68:]
    assert new[97:] == old[65:68]


@pytest.mark.parametrize("place", [1, 40, 70, 98])
def test_a_tampered_ciphertext_is_refused(place: int) -> None:
    """Point, check value and data: a flipped bit anywhere is found."""
    wire = bytearray(cipher_to_wire(PUBLIC.encrypt(b"amount 100.00"), CipherForm.C1C3C2))
    wire[place] ^= 1
    with pytest.raises(SealRefused) as refused:
        KEY.decrypt(cipher_from_wire(bytes(wire), CipherForm.C1C3C2))
    assert refused.value.error_code == "seal-decrypt"


def test_anothers_ciphertext_is_refused() -> None:
    with pytest.raises(SealRefused):
        KEY.decrypt(Sm2PrivateKey.generate().public_key().encrypt(b"abc"))


@pytest.mark.parametrize("form", SignatureForm)
def test_every_signature_form_converts_back(form: SignatureForm) -> None:
    der = KEY.sign(b"abc")
    assert signature_from_wire(signature_to_wire(der, form), form) == der


def test_raw_signatures_are_64_bytes() -> None:
    assert len(raw_from_der(KEY.sign(b"abc"))) == 64
    with pytest.raises(ValueError):
        der_from_raw(b"\x01" * 63)


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"\x00" * 64])
def test_junk_is_no_signature(junk: bytes) -> None:
    assert not PUBLIC.verify(junk, b"abc")


def test_keys_survive_their_files() -> None:
    again = Sm2PrivateKey.from_der(der_from_pem(KEY.to_pem(), "PRIVATE KEY"))
    public = Sm2PublicKey.from_der(der_from_pem(PUBLIC.to_pem(), "PUBLIC KEY"))
    assert public.same_as(PUBLIC)
    assert public.verify(again.sign(b"abc"), b"abc")
    assert is_sm2(PUBLIC.to_der())


def test_a_file_that_is_no_sm2_key_is_refused() -> None:
    with pytest.raises(ConfigRefused):
        Sm2PublicKey.from_der(b"junk")
    with pytest.raises(ConfigRefused):
        Sm2PrivateKey.from_der(b"junk")


def test_one_key_serves_many_threads() -> None:
    """A context is made per call, so concurrent signatures and decryptions do not disturb each other."""

    def work(number: int) -> bool:
        data = str(number).encode()
        return PUBLIC.verify(KEY.sign(data), data) and KEY.decrypt(PUBLIC.encrypt(data)) == data

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(60)))
