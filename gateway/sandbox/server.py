"""All partners on one machine: starts the simulators on local ports, with HTTPS when there is a certificate."""

import asyncio
import importlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from aiohttp import web

from gateway.kernel.errors import ConfigRefused
from gateway.sandbox.common.base import Simulator, SimulatorSettings
from gateway.sandbox.common.desk import SCRIPT

HOST = "127.0.0.1"
SIMULATORS: Mapping[str, str] = {
    "package": "gateway.sandbox.package:PackageSimulator",
    "huiyibao": "gateway.sandbox.huiyibao:HuiyibaoSimulator",
    "ant": "gateway.sandbox.ant:AntSimulator",
    "ant-mybank": "gateway.sandbox.ant.mybank:MybankSimulator",
    "eclaimlink": "gateway.sandbox.eclaimlink:EClaimLink",
    "hcx": "gateway.sandbox.hcx:Hcx",
    "gbk-soap": "gateway.sandbox.gbk_soap:GbkSoapSimulator",
    "padded-xml": "gateway.sandbox.padded_xml:PaddedXmlSimulator",
    "pay": "gateway.sandbox.pay:PaySimulator",
    "deduct": "gateway.sandbox.deduct:DeductSimulator",
}
"""Imported only when asked for, so that one partner's libraries are not needed to run another."""
ANY_PORT: Mapping[str, int] = dict.fromkeys(SIMULATORS, 0)


@dataclass(slots=True)
class Running:
    """Simulators that listen. ``urls`` are what a configuration wants: ``https://127.0.0.1:18081``."""

    ports: dict[str, int]
    urls: dict[str, str]
    _simulators: list[Simulator]
    _runners: list[web.AppRunner]

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        for simulator in self._simulators:
            await simulator.close()


def build(code: str, settings: SimulatorSettings) -> Simulator:
    """Raises ``ConfigRefused`` for a code that no simulator has."""
    if code not in SIMULATORS:
        raise ConfigRefused("no simulator has this code", hint=f"one of {', '.join(SIMULATORS)}")
    module, _, name = SIMULATORS[code].partition(":")
    return cast(Simulator, getattr(importlib.import_module(module), name)(settings))


def tls_context(keys: Path) -> ssl.SSLContext | None:
    """From ``sandbox-tls.cert.pem`` and ``sandbox-tls.key.pem``; None when the directory has none."""
    certificate, key = keys / "sandbox-tls.cert.pem", keys / "sandbox-tls.key.pem"
    if not certificate.exists():
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


async def serve_all(
    settings: SimulatorSettings,
    ports: Mapping[str, int] = ANY_PORT,
    tls: ssl.SSLContext | None = None,
    script: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> Running:
    """Start the simulators named in ``ports`` on 127.0.0.1 (0: any free port). Nothing stays up when one fails.

    ``script`` holds trouble from the start, by simulator: lines as ``POST /_script`` takes them.
    """
    running = Running({}, {}, [], [])
    try:
        for code, port in ports.items():
            await _start(running, build(code, settings), port, tls, script.get(code, ()))
    except BaseException:
        await running.stop()
        raise
    return running


async def run_until(
    stop: asyncio.Event,
    settings: SimulatorSettings,
    ports: Mapping[str, int] = ANY_PORT,
    tls: ssl.SSLContext | None = None,
    started: asyncio.Future[Running] | None = None,
) -> None:
    """Serve until ``stop`` is set; ``started`` is told the ports."""
    running = await serve_all(settings, ports, tls)
    try:
        if started is not None:
            started.set_result(running)
        await stop.wait()
    finally:
        await running.stop()


async def _start(
    running: Running, simulator: Simulator, port: int, tls: ssl.SSLContext | None, script: Sequence[Any]
) -> None:
    running._simulators.append(simulator)
    app = simulator.app()
    for line in script:
        app[SCRIPT].add(line)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    running._runners.append(runner)
    await runner.setup()
    await web.TCPSite(runner, HOST, port, ssl_context=tls).start()
    real = runner.addresses[0][1]
    running.ports[simulator.code] = real
    running.urls[simulator.code] = f"{'https' if tls else 'http'}://{HOST}:{real}"
