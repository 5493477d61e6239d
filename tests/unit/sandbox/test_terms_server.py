"""Every simulator on one machine, with and without TLS."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from gateway.kernel.errors import ConfigRefused
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.server import Running, build, run_until, serve_all, tls_context

OURS = {"package": 0, "huiyibao": 0, "ant": 0, "pay": 0}


async def healthy(session: aiohttp.ClientSession, running: Running, context: ssl.SSLContext | bool) -> list[str]:
    codes = []
    for url in running.urls.values():
        async with session.get(url + "/_health", ssl=context) as reply:
            codes.append((await reply.json())["code"])
    return codes


async def test_each_simulator_gets_a_port_of_its_own_and_gives_it_back(sandbox_keys: Path) -> None:
    running = await serve_all(SimulatorSettings(sandbox_keys, "http://127.0.0.1:9"), OURS)
    async with aiohttp.ClientSession() as session:
        codes = await healthy(session, running, True)
        await running.stop()

        assert codes == list(OURS)
        assert len(set(running.ports.values())) == len(OURS)
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(running.urls["pay"] + "/_health")


async def test_with_a_certificate_the_simulators_speak_tls(sandbox_tls: Path) -> None:
    context = tls_context(sandbox_tls)
    assert context is not None
    running = await serve_all(SimulatorSettings(sandbox_tls, "http://127.0.0.1:9"), {"pay": 0}, context)
    trust = ssl.create_default_context(cafile=sandbox_tls / "sandbox-tls.cert.pem")
    async with aiohttp.ClientSession() as session:
        try:
            assert running.urls["pay"].startswith("https://")
            assert await healthy(session, running, trust) == ["pay"]
        finally:
            await running.stop()


def test_without_a_certificate_there_is_no_tls(tmp_path: Path) -> None:
    assert tls_context(tmp_path) is None


async def test_a_part_that_cannot_start_takes_the_others_down(sandbox_keys: Path) -> None:
    settings = SimulatorSettings(sandbox_keys, "http://127.0.0.1:9")
    taken = await serve_all(settings, {"pay": 0})
    try:
        with pytest.raises(OSError, match="in use"):
            await serve_all(settings, {"ant": 0, "pay": taken.ports["pay"]})
    finally:
        await taken.stop()


def test_an_unknown_partner_has_no_simulator(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused):
        build("nobody", SimulatorSettings(tmp_path, "http://127.0.0.1:9"))


async def test_the_servers_run_until_they_are_told_to_stop(sandbox_keys: Path) -> None:
    stop = asyncio.Event()
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    settings = SimulatorSettings(sandbox_keys, "http://127.0.0.1:9")
    task = asyncio.create_task(run_until(stop, settings, {"pay": 0}, started=started))
    running = await started
    async with aiohttp.ClientSession() as session:
        assert await healthy(session, running, True) == ["pay"]
        stop.set()
        await task

        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(running.urls["pay"] + "/_health")
