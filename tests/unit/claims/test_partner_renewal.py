"""Mappings are renewed one folder after the other; what fails in one folder is no matter of another."""

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest

from gateway.claims.partners.partner import Partner
from gateway.claims.partners.registry import Registry
from gateway.claims.partners.renewal import Renewal
from gateway.kernel.errors import MappingRefused
from gateway.mapping import LiveActs


class Acts(LiveActs):
    """Counts its renewals; every one fails where the folder is wrong."""

    def __init__(self, wrong: bool) -> None:
        self.wrong, self.renewed = wrong, 0

    def reload(self) -> None:
        self.renewed += 1
        if self.wrong:
            raise MappingRefused("a mistake")


@dataclass
class Folder:
    code: str
    acts: Acts


@pytest.fixture
def folders() -> dict[str, Folder]:
    return {code: Folder(code, Acts(wrong=code == "a")) for code in ("a", "b")}


async def test_every_folder_is_renewed_once_for_each_asking(folders: dict[str, Folder]) -> None:
    renewal = Renewal(Registry(cast("dict[str, Partner]", folders)))
    running = asyncio.create_task(renewal.run())
    for times in (1, 2):
        renewal.ask()
        async with asyncio.timeout(5):
            while folders["b"].acts.renewed < times:  # noqa: ASYNC110 - told by a thread
                await asyncio.sleep(0.001)
        assert folders["a"].acts.renewed == times
    running.cancel()
