"""Cases about trust: who may connect, what is refused, and in which words and time."""

import asyncio
import re
import ssl
import warnings
from datetime import datetime, timedelta

from msgspec.structs import replace
from yarl import URL

from gateway.claims.partners.partner import Prepared
from gateway.cli.conformance.bench import Alter, Answer, Bench, converse
from gateway.cli.conformance.case import Case, Exam, Finding, beside, held
from gateway.cli.conformance.money import said

_NO_INTEGRITY = frozenset({"plain", "encrypted-body", "aes-ecb-body"})
"""Profiles under which nobody can tell a changed message: TLS alone stands for it."""
_TIMED = frozenset({"sm2-envelope", "wsse-x509"})
"""Profiles that always carry a time; others name it in their settings."""
_RUN = re.compile(rb"[A-Za-z0-9+/_\-]{32,}")
_OLD = timedelta(hours=1)
_TAKEN = ("accepted", "pending")


async def tls(exam: Exam) -> Finding:
    """HTTPS with a certificate that holds, TLS 1.2 or later and nothing older."""
    url = URL(exam.endpoint)
    if url.scheme != "https":
        return held(False, "the endpoint is plain HTTP")
    try:
        version, cipher = await _handshake(url, exam.ca)
    except OSError as bad:
        return held(False, f"no handshake: {type(bad).__name__}")
    old = await _takes_old(url)
    return held(not old, f"{version}, {cipher}", "TLS 1.1 is taken" if old else "TLS 1.1 is not taken")


async def _handshake(url: URL, ca: str) -> tuple[str, str]:
    context = ssl.create_default_context(cafile=ca or None)
    _, writer = await asyncio.wait_for(asyncio.open_connection(url.host, url.port, ssl=context), 10)
    try:
        line: ssl.SSLObject = writer.get_extra_info("ssl_object")
        cipher = line.cipher()
        return str(line.version()), cipher[0] if cipher else ""
    finally:
        writer.close()


async def _takes_old(url: URL) -> bool:
    """Whether the partner shakes hands under TLS 1.1; a library of ours that can't try counts as no."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent over it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(url.host, url.port, ssl=context), 10)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def changed(exam: Exam) -> Finding:
    """One character of the sealed message is another: refused. The message as it was: taken."""
    profile = str(exam.bench.partner.manifest.seal.get("profile", ""))
    if profile in _NO_INTEGRITY:
        return beside(f"messages under {profile} bear no signature")
    return await _refused_then_taken(exam.bench, one_character)


def one_character(prepared: Prepared) -> Prepared:
    """Another character in the longest Base64 or hex run, which is the signature or what it covers."""
    sealed = prepared.sealed
    if sealed.headers:
        name = max(sealed.headers, key=lambda one: len(sealed.headers[one]))
        other = _flipped(sealed.headers[name].encode()).decode()
        return replace(prepared, sealed=replace(sealed, headers={**sealed.headers, name: other}))
    run = max(_RUN.finditer(sealed.body), key=lambda one: len(one[0]), default=None)
    if run is None:
        return replace(prepared, sealed=replace(sealed, body=sealed.body + b" "))
    body = sealed.body[: run.start()] + _flipped(run[0]) + sealed.body[run.end() :]
    return replace(prepared, sealed=replace(sealed, body=body))


def _flipped(text: bytes) -> bytes:
    middle = len(text) // 2
    return text[:middle] + (b"1" if text[middle : middle + 1] != b"1" else b"2") + text[middle + 1 :]


async def rubbish(exam: Exam) -> Finding:
    """Bytes that are no message: refused, and the next message is served."""

    def alter(prepared: Prepared) -> Prepared:
        return replace(prepared, sealed=replace(prepared.sealed, body=b"\x00<<<{{{" * 64))

    return await _refused_then_taken(exam.bench, alter)


async def _refused_then_taken(bench: Bench, alter: Alter) -> Finding:
    return await _judge(bench, "altered", alter=alter)


async def stale(exam: Exam) -> Finding:
    """A message sealed an hour ago is refused; one sealed now is taken."""
    bench = exam.bench
    seal = bench.partner.manifest.seal
    if seal.get("profile") not in _TIMED and not {"time", "window_s"} & seal.keys():
        return beside("the seal carries no time")
    return await _judge(bench, "an hour old", at=bench.partner.clock.now() - _OLD)


async def _judge(bench: Bench, what: str, at: datetime | None = None, alter: Alter | None = None) -> Finding:
    """A first act that must be refused, at once or by a call, and then another of the same visit that must be taken."""
    visit = bench.visit(bench.kinds[0])
    step = bench.steps(visit)[0]
    bad = await bench.send(visit, step, at=at, alter=alter)
    became = await bench.until(visit, step, bad) if bad.result.state == "pending" else bad.result
    good = await bench.send(visit, step)
    late = f", then {said(became)}" if became is not bad.result else ""
    return held(
        became.state not in _TAKEN and good.result.state in _TAKEN,
        f"{what}: {_told(bad)}{late}",
        f"as it should be: {_told(good)}",
    )


def _told(answer: Answer) -> str:
    return f"{answer.act.name} {said(answer.result)} {answer.trouble}".rstrip()


async def codes(exam: Exam) -> Finding:
    """A policy that does not pay is refused with a code that the folder lists."""
    if not exam.refused_policy:
        return beside("no policy is known that the partner refuses (--refused)")
    partner = exam.bench.partner
    one = await converse(exam.bench, exam.bench.kinds[0], exam.refused_policy)
    listed = one.result.peer_code in partner.faults
    unpaid = one.result.state == "refused" or (one.result.state == "accepted" and one.result.approved == 0)
    facts = f"{one.step.act} {said(one.result)}{'' if listed else ', a code that faults.yaml does not list'}"
    return held(unpaid and listed, facts)


async def deadlines(exam: Exam) -> Finding:
    """Every answer of this examination came within the time that the folder gives its act."""
    bench = exam.bench
    late = [one for one in bench.answers if one.took_s > bench.deadlines.get(one.act.name, 8.0)]
    slowest = max(bench.answers, key=lambda one: one.took_s, default=None)
    if slowest is None:
        return beside("nothing was asked")
    facts = [f"slowest: {slowest.act.name} {slowest.took_s:.2f} s of {bench.deadlines[slowest.act.name]:g} s"]
    facts += [f"late: {one.act.name} {one.took_s:.2f} s" for one in late[:5]]
    return held(not late, f"{len(bench.answers)} answers", *facts)


async def callbacks(exam: Exam) -> Finding:
    """A call that was not acknowledged comes again, and every call can be trusted and read."""
    bench = exam.bench
    if not any(act.callback_path for act in bench.partner.acts.values()):
        return beside("the folder has no callback")
    door, before, unread = bench.door, bench.door.calls, len(bench.door.unread)
    door.refuse_next, door.refused = 1, 0
    one = await converse(bench, bench.kinds[0])
    if door.calls == before:
        door.refuse_next = 0
        return beside("the partner called nobody: it answered at once")
    again = await _comes_again(exam, before + 1)
    door.refuse_next = 0
    bad = door.unread[unread:]
    facts = (f"decided: {said(one.result)}", f"{door.calls - before} calls, {door.refused} not acknowledged", *bad)
    return held(one.is_paid and again and not bad, *facts)


async def _comes_again(exam: Exam, calls: int) -> bool:
    for _ in range(int(exam.bench.patience_s / 0.1)):
        if exam.bench.door.calls > calls:
            return True
        await asyncio.sleep(0.1)
    return False


TRUST = (
    Case(
        "tls", 2, "HTTPS，证书有效，TLS 1.2 及以上", "HTTPS with a valid certificate, TLS 1.2 or later",
        "启用 TLS 1.2/1.3 并换用有效证书", "offer TLS 1.2 or 1.3 only, under a certificate that holds", tls,
    ),
    Case(
        "changed", 3, "改动过的报文被拒绝", "a message changed after it was sealed is refused",
        "先验签再处理，验签不过一律拒绝", "verify before you work, and refuse what does not verify", changed,
    ),
    Case(
        "stale", 2, "过期报文被拒绝", "a stale message is refused",
        "核对时间戳窗口", "hold the timestamp to the agreed window", stale,
    ),
    Case(
        "rubbish", 1, "乱码被拒绝且服务不中断", "rubbish is refused and service goes on",
        "无法解析的报文应明确拒绝", "refuse what can't be parsed, and stay up", rubbish,
    ),
    Case(
        "codes", 2, "拒绝代码在约定的代码表内", "refusals use the codes of the agreed table",
        "使用约定代码，或把新代码加入 faults.yaml", "use the agreed codes, or add the new one to faults.yaml", codes,
    ),
    Case(
        "callbacks", 2, "未确认的回调会再来，且可验签", "a call not acknowledged comes again and verifies",
        "未收到确认的通知要重发，并按约定签名", "repeat calls until they are acknowledged, sealed as agreed", callbacks,
    ),
    Case(
        "deadlines", 2, "所有应答在时限内", "every answer within its act's time",
        "缩短证据中列出的动作的处理时间", "answer the acts that the evidence names sooner", deadlines,
    ),
)  # fmt: skip
