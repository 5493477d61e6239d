"""A hospital's password at the SOAP door: short ones never serve, and a new one counts from the renewal of the keys on."""

import secrets
from pathlib import Path

import pytest
from aiohttp import ClientSession, encode_basic_auth
from support.certificates import put_private
from support.keyhouse import make_keys

from gateway.app import Gateway, start_gateway
from gateway.config import ClaimsSettings, Door, HospitalSettings, Settings
from gateway.kernel.errors import ConfigRefused

ROOT = Path(__file__).resolve().parents[2]
HOSPITAL = "H99990100004"
FIRST, SECOND = secrets.token_hex(32), secrets.token_hex(32)


def settings(keys: Path, host: str = "127.0.0.1") -> Settings:
    door = Door(port=0)
    return Settings(
        mode="production",
        keys=str(keys),
        mappings=str(ROOT / "mappings"),
        schemas=str(ROOT / "schemas"),
        claims=ClaimsSettings("claims.db", Door(port=0, host=host), door, door),
        hospitals=(HospitalSettings(HOSPITAL, "测试医院四", password="hospital-word"),),
    )


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    directory = make_keys(tmp_path / "keys")
    put_private(directory / "hospital-word.secret", FIRST.encode())
    return directory


async def is_known(gateway: Gateway, password: str) -> bool:
    """Whether the door looks at what is called, or sends the caller away."""
    url = f"http://127.0.0.1:{gateway.ports['hospital']}/v1/soap"
    headers = {"Authorization": encode_basic_auth(HOSPITAL, password)}
    async with ClientSession() as session, session.post(url, data=b"<a/>", headers=headers) as answer:
        told = await answer.read()
    assert (b"caller-unknown" in told) is not (b"soap-form" in told)
    return b"soap-form" in told


async def test_a_new_password_counts_from_the_renewal_on_and_the_old_one_no_more(keys: Path) -> None:
    gateway = await start_gateway(settings(keys), keys.parent)
    try:
        put_private(keys / "hospital-word.secret", SECOND.encode())
        before = [await is_known(gateway, FIRST), await is_known(gateway, SECOND)]
        assert gateway.renewal.before is not None
        await gateway.renewal.before()
        after = [await is_known(gateway, FIRST), await is_known(gateway, SECOND)]
    finally:
        await gateway.stop(0.0)
    assert (before, after) == ([True, False], [False, True])


async def test_a_short_password_does_not_come_in_and_a_renewal_keeps_the_good_one(keys: Path) -> None:
    gateway = await start_gateway(settings(keys), keys.parent)
    try:
        put_private(keys / "hospital-word.secret", b"short")
        assert gateway.renewal.before is not None
        await gateway.renewal.before()
        assert [await is_known(gateway, FIRST), await is_known(gateway, "short")] == [True, False]
    finally:
        await gateway.stop(0.0)
    with pytest.raises(ConfigRefused) as refused:
        await start_gateway(settings(keys), keys.parent)
    assert refused.value.error_code == "hospital-setting"


async def test_a_password_never_travels_in_the_clear(keys: Path) -> None:
    with pytest.raises(ConfigRefused, match="in the clear"):
        await start_gateway(settings(keys, "0.0.0.0"), keys.parent)
