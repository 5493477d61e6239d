"""Journeys of consents: registered, asked under for policies, withdrawn while a quote waits."""

import copy

from gateway.cli.wall.afterwards import journey, order_of, post, until
from gateway.cli.wall.player import Bill, Player


async def withdrawn(player: Player) -> str:
    """The patient registers, sees the policies, has a bill quoted and withdraws: the quote is not settled."""
    bill = player.bill("package", "hcx")
    consent, cert_no = bill.submission["consent"], bill.submission["patient"]["cert_no"]
    await post(player, "/v1/consents", {"consent": consent, "cert_no": cert_no, "holder": f"app-{bill.key}"})
    headers = {"Idempotency-Key": f"policies-{bill.key}", "Prefer": "wait=25", "Content-Type": "application/json"}
    listed = (await player.call("POST", "/v1/policies", bill.body, headers)).document["order_id"]
    await player.call("GET", f"/v1/orders/{listed}/policies")
    quoting = Bill(bill.wish, copy.deepcopy(bill.submission) | {"counter": {"confirm": True}}, bill.key)
    quoted = (await player.submit(quoting)).document
    await post(player, f"/v1/consents/{consent['consent_id']}/withdraw", {})
    await player.call("GET", f"/v1/consents?holder=app-{bill.key}")
    await post(player, quoted["links"]["confirm"], {"quotes": quoted["quote"]["quotes"]})

    async def look() -> dict[str, object]:
        return (await player.call("GET", f"/v1/orders/{quoted['order_id']}")).document

    seen = await until(look, lambda seen: seen["state"] == "decided")
    await player.call("GET", f"/v1/orders/{quoted['order_id']}/timeline")
    return str(seen["claims"][0]["outcome"])


async def guaranteed_stay(player: Player) -> str:
    """A stay under its guarantee: the bill at discharge names it."""
    bill = player.bill("hcx", story="inpatient")
    headers = {"Idempotency-Key": f"letter-{bill.key}", "Prefer": "wait=25", "Content-Type": "application/json"}
    letter = (await player.call("POST", "/v1/guarantees", bill.body, headers)).document["order_id"]
    named = Bill(bill.wish, copy.deepcopy(bill.submission) | {"counter": {"guarantee": letter}}, bill.key)
    return str((await order_of(player, named))["claims"][0]["outcome"])


CONSENTS = (
    journey("counter", "登记并撤回授权", "a consent registered and withdrawn", withdrawn, "reversed"),
    journey("counter", "凭担保出院", "a stay settled under its guarantee", guaranteed_stay, "paid"),
)
