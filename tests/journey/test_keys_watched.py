"""Every certificate's days are told: the doors', the partners', the authority's, the payment room's and the hospitals' own."""

import re
import ssl

import aiohttp
from support.house import House

_DAYS = re.compile(r'^lianpei_certificate_days_left\{name="([^"]+)"\} ([0-9.-]+)$', re.M)
ISSUED_FOR_DAYS = range(727, 731)


def days(page: str) -> dict[str, float]:
    return {name: float(figure) for name, figure in _DAYS.findall(page)}


async def test_the_gateway_tells_its_own_its_partners_and_its_hospitals_certificates(house: House) -> None:
    assert (await house.call("GET", "/v1/events")).status == 200

    told = days((await house.call("GET", "/metrics", door="operator")).body.decode())

    files = {file.name.removesuffix(".cert.pem") for file in house.stage.keys.glob("*.cert.pem")}
    hospitals = {name for name in told if name.startswith("hospital:")}
    assert told.keys() - hospitals == files
    assert "hospital:H99990100001" in hospitals
    assert all(int(left) in ISSUED_FOR_DAYS for left in told.values()), told


async def test_the_payment_room_tells_its_own(house: House) -> None:
    trust = ssl.create_default_context(cafile=house.stage.keys / "ca.cert.pem")
    url = f"https://localhost:{house.stage.ports['payment']}/metrics"

    async with aiohttp.ClientSession() as session, session.get(url, ssl=trust) as answer:
        told = days(await answer.text())

    assert told.keys() == {"ca", "payment-tls"}
