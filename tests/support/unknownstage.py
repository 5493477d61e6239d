"""A house whose insurers' folders give up soon: two enquiries, one second of settling, and then what each test is about."""

import asyncio
import json
import shutil
from dataclasses import dataclass
from typing import Any

from gateway.cli.stage import ROOT
from support.doorstage import DoorStage
from support.house import Answer, House

_CHANGES = {
    "package": "\nenquiries: 2\nsettling_time: 1s\non_unknown: reverse\n",
    "huiyibao": "\nenquiries: 2\nsettling_time: 1s\non_unknown: accept\n",
}


@dataclass
class UnknownStage(DoorStage):
    """``package`` is reversed when its answers are lost, ``huiyibao``'s own quote is accepted; operators are at the door."""

    def prepare(self) -> None:
        self.evil_port = self.ports["package"]
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.copytree(ROOT / "mappings", self.home / "mappings", dirs_exist_ok=True)
        for code, more in _CHANGES.items():
            manifest = self.home / "mappings/insurers" / code / "insurer.yaml"
            manifest.write_text(manifest.read_text("utf-8") + more, "utf-8")
        super().prepare()

    def _gateway_settings(self) -> str:
        return super()._gateway_settings().replace(str(ROOT / "mappings"), str(self.home / "mappings"))


class Office:
    """The operators' door as persons use it."""

    def __init__(self, house: House) -> None:
        assert isinstance(house.stage, DoorStage)
        self._house = house
        self._tokens = house.stage.tokens

    async def ask(self, who: str, path: str, body: Any = None, method: str = "") -> Answer:
        headers = {"Authorization": f"Bearer {self._tokens[who]}"}
        content = b"" if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        return await self._house.call(method, f"/admin/{path}", content, headers, door="operator")

    async def items(self, order_id: str) -> list[dict[str, Any]]:
        listed = (await self.ask("auditor", "worklist")).document["items"]
        return [one for one in listed if one["order_id"] == order_id]

    async def two_persons(self, item_id: str, **said: Any) -> Answer:
        """Li Na proposes, Wang Wei approves."""
        proposed = await self.ask("li.na", f"worklist/{item_id}/accept", {"evidence": "letter-2026-7", **said})
        assert proposed.status == 201, proposed.body
        path = f"corrections/{proposed.document['correction_id']}/approve"
        for _ in range(50):
            answer = await self.ask("wang.wei", path, method="POST")
            if answer.code != "order-busy":
                break
            await asyncio.sleep(0.1)  # as the refusal says: look again and repeat
        return answer
