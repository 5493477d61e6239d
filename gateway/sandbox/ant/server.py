"""The HTTP side and the cases: a report is taken at once and decided a while later."""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from aiohttp import web

from gateway.kernel.money import Fen
from gateway.sandbox.ant import letters
from gateway.sandbox.ant.envelope import Envelope, Keys, TextEnvelope
from gateway.sandbox.ant.report import Report, message_id, read_report
from gateway.sandbox.common.base import SimulatorSettings
from gateway.sandbox.common.courier import Courier, Letter
from gateway.sandbox.common.desk import Desk
from gateway.sandbox.common.ledger import Settlement
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import is_playing, told
from gateway.sandbox.common.trouble import Do, Repertoire
from gateway.sandbox.terms import OUTPATIENT, Assessment, Bill, assess, is_slow, refuses

DONE, DONE_TEXT = "200", "success!"
_XML = "application/xml"
_CALL, _NOTICE = "report", "notify"


@dataclass(slots=True)
class Case:
    report: Report
    settlement: Settlement
    waits_for_material: bool
    asked_for_material: bool = False
    syncs: list[str] = field(default_factory=list)
    """Every ``outBizNo`` under which the report came."""
    told: bool = False
    """The gateway acknowledged the notice that is due."""


class AntSimulator:
    code = "ant"
    signature = rb"<signature>(\w)"
    """Where a character of its signature stands."""

    def __init__(self, settings: SimulatorSettings, envelope: Envelope | None = None) -> None:
        self._settings = settings
        self._envelope = envelope or TextEnvelope(Keys.load(settings.keys))
        both = frozenset({_CALL, _NOTICE})
        self._desk = Desk(
            self.code,
            Repertoire(
                answers=frozenset({_CALL}),
                callbacks=frozenset({_NOTICE}),
                deciding=both,
                signature=self.signature,
                signed=both,
                amounts=frozenset({_NOTICE}),
                material=frozenset({_CALL}),
            ),
        )
        self._courier = Courier(settings, self._desk)
        self._cases: dict[str, Case] = {}
        self._by_biz_no: dict[str, Report] = {}
        self._message_ids: set[str] = set()
        self._serial = itertools.count(1)

    def app(self) -> web.Application:
        app = self._desk.app()
        app.router.add_post("/gateway", self._call)
        return app

    async def close(self) -> None:
        await self._courier.close()

    async def _call(self, request: web.Request) -> web.Response:
        message = await self._desk.receive(request, _CALL)
        return await self._desk.serve(request, _CALL, functools.partial(self._answer, message.body))

    async def _answer(self, body: bytes) -> web.Response:
        asked = report_no = ""
        try:
            request = self._envelope.open("request", body)
            asked = message_id(request)
            report = read_report(request)
            report_no = report.report_no
            self._desk.script.about(_CALL, report.policy_no)
            self._take(report)
            code, text = DONE, DONE_TEXT
        except Violation as refusal:
            code, text = refusal.peer_code, refusal.message
        inner = letters.answer(asked, report_no, code, text, self._now())
        return web.Response(body=self._envelope.seal("response", inner), content_type=_XML, charset="utf-8")

    def _take(self, report: Report) -> None:
        """Enter a new case, or more material for one that waits for it; the same ``outBizNo`` changes nothing."""
        if report.message_id in self._message_ids:
            raise Violation("408", "reqMsgId已使用")
        self._message_ids.add(report.message_id)
        known = self._by_biz_no.get(report.out_biz_no)
        if known is not None:
            if _content(known) != _content(report):
                raise Violation("409", "outBizNo已用于其他报案")
            self._remind(self._cases[report.report_no])
            return
        case = self._cases.get(report.report_no)
        if case is None:
            case = self._cases[report.report_no] = self._open(report)
        elif not (case.asked_for_material and case.waits_for_material):
            raise Violation("409", "报案已受理或已结案")
        else:
            case.waits_for_material = False
        case.syncs.append(report.out_biz_no)
        self._by_biz_no[report.out_biz_no] = report
        self._decide_later(case)

    def _remind(self, case: Case) -> None:
        """Who reports again has not heard of the decision: it is told again, unless it was acknowledged."""
        if not case.told:
            self._decide_later(case)

    def _open(self, report: Report) -> Case:
        reference = f"TESTCLAIM{next(self._serial):08d}"
        bill = f"{report.policy_no}/{report.report_no}"
        refs = {"reportNo": report.report_no, "outBizNo": report.out_biz_no}
        entry = Settlement(reference, bill, report.policy_no, OUTPATIENT, refs)
        return Case(
            report, self._desk.ledger.open(entry), report.policy_no.startswith("MATERIAL") or is_playing(Do.NEED_MORE)
        )

    def _decide_later(self, case: Case) -> None:
        case.told = False
        slow = is_slow(case.report.policy_no)
        number = f"{next(self._serial):04d}"
        if case.waits_for_material:
            write: Callable[[str, datetime], bytes] = functools.partial(self._ask_for_material, case)
        elif refuses(case.report.policy_no):
            write = functools.partial(self._reject, case)
        else:
            write = functools.partial(self._close, case)
        letter = Letter(
            op=_NOTICE,
            reference=case.settlement.reference,
            path=f"/partners/{self.code}/notify",
            content_type=_XML,
            build=lambda: self._envelope.seal("request", write(number, self._now())),
            is_acknowledged=functools.partial(self._is_taken, case),
            policy_no=case.report.policy_no,
        )
        self._courier.send_later(letter, self._settings.slow_s if slow else self._settings.delay_s)

    def _ask_for_material(self, case: Case, number: str, now: datetime) -> bytes:
        case.asked_for_material = True
        return letters.material_wanted(case.report, number, now)

    def _reject(self, case: Case, number: str, now: datetime) -> bytes:
        case.settlement.state = "refused"
        return letters.rejected(case.report, number, now)

    def _close(self, case: Case, number: str, now: datetime) -> bytes:
        """Money moves with the first notice; one that is made again tells the same amount."""
        assessed = self._settle(case)
        return letters.closed(case.report, replace(assessed, payable=Fen(told(assessed.payable))), number, now)

    def _settle(self, case: Case) -> Assessment:
        ledger, settlement = self._desk.ledger, case.settlement
        settled = settlement.state == "settled"
        own = settlement.amount_fen if settled else 0
        left = ledger.residuals.left(settlement.policy_no, OUTPATIENT) + own
        assessed = assess(Bill(case.report.applied_fen), OUTPATIENT, left)
        if not settled:
            ledger.apply(settlement, assessed.payable)
        return assessed

    def _is_taken(self, case: Case, body: bytes) -> bool:
        try:
            response = self._envelope.open("response", body)
        except Violation:
            return False
        case.told = response.findtext("body/success") == "1" and response.findtext("body/errorCode") == DONE
        return case.told

    def _now(self) -> datetime:
        return self._settings.clock.now()


def _content(report: Report) -> tuple[str, str, int, str]:
    return report.report_no, report.policy_no, report.applied_fen, report.accident_time
