"""What each business code does, once its message was found well-formed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from gateway.kernel.money import yuan
from gateway.sandbox.common.ledger import Ledger
from gateway.sandbox.common.rules import Violation
from gateway.sandbox.common.script import Script, is_playing
from gateway.sandbox.common.trouble import Do
from gateway.sandbox.package import shapes, statement
from gateway.sandbox.package.envelope import Envelope, pick
from gateway.sandbox.package.settlements import Settlements, refuse_policy
from gateway.sandbox.package.visits import Visits, read_line
from gateway.sandbox.terms import OUTPATIENT, is_slow

Records: TypeAlias = list[dict[str, Any]]
INSURER_NAME = "测试保险公司"
OPS = frozenset(shapes.SHAPES)


@dataclass(slots=True)
class Acts:
    ledger: Ledger
    script: Script
    visits: Visits = field(default_factory=Visits)
    settlements: Settlements = field(init=False)

    def __post_init__(self) -> None:
        self.settlements = Settlements(self.ledger)

    def do(self, envelope: Envelope, now: datetime) -> Records:
        """The answer's body. Raises ``Violation``; a refused message has changed nothing."""
        op, records = envelope.op, envelope.records
        if op not in OPS:
            raise Violation("1000003", "busseID不在代码表内")
        for record in records:
            shapes.check(op, record)
        if op == "S250":
            return self._fee_lines(records)
        if len(records) != 1:
            raise Violation("1000005", "该交易只允许一条记录")
        return self._single(envelope, records[0], now)

    def answers_slowly(self, envelope: Envelope) -> bool:
        """Only the settlement of a SLOW policy: the calls before it keep their pace."""
        if envelope.op != "S291" or len(envelope.records) != 1:
            return False
        try:
            return is_slow(self.visits.find(envelope.records[0]).policy_no)
        except Violation:
            return False

    def _single(self, envelope: Envelope, record: dict[str, Any], now: datetime) -> Records:
        acts: dict[str, Callable[[], Records]] = {
            "S200": lambda: self._eligibility(envelope, record),
            "S210": lambda: self._open(record),
            "S230": lambda: self._change(record),
            "S240": lambda: self._withdraw_visit(record),
            "S260": lambda: self._withdraw_lines(record),
            "S270": lambda: self.settlements.cancel(record),
            "S290": lambda: [_told(self.settlements.quote(record, self.visits.find(record), now))],
            "S291": lambda: self._settle(record, now),
            "S300": lambda: self._claim(record),
            "S310": lambda: self.settlements.accept(record),
            "S340": lambda: self._record(record),
            "S500": lambda: statement.day_of(self.ledger, self.script, str(pick(record, "tradeDate"))),
        }
        return acts[envelope.op]()

    def _eligibility(self, envelope: Envelope, record: dict[str, Any]) -> Records:
        policies = self.visits.policies_of(record)
        asked = pick(record, "commercialBillNum") or ""
        if asked.startswith("EXPIRED"):
            refuse_policy(asked)
        person = {
            name: pick(record, name) for name in ("credentialType", "credentialNum", "name", "gender", "birthday")
        }
        insurer = {
            "professionalCode": pick(envelope.head, "receiverCode"),
            "professionalName": INSURER_NAME,
            "identifyCustomers": "1",
            "claimWay": "1",
            "polDetailList": [self._policy(number) for number in policies],
        }
        return [{**person, "race": "", "remark": "", "commercialInsuranceList": [insurer]}]

    def _policy(self, number: str) -> dict[str, Any]:
        left = self.ledger.residuals.left(number, OUTPATIENT)
        return {
            "commercialBillNum": number,
            "certNo": "",
            "customerNo": "",
            "regionCode": "999900",
            "insuranceProductName": "测试百万医疗(含门诊)",
            "residualAmount": yuan(left),
            "beginDate": "20250101000000",
            "endDate": "20991231235959",
            "linkmanName": "",
            "linkmanMobile": "",
            "companyName": "",
            "homeAddress": "",
        }

    def _settle(self, record: dict[str, Any], now: datetime) -> Records:
        visit = self.visits.find(record)
        self.script.about("S291", visit.policy_no)
        return [_told(self.settlements.settle(record, visit, now))]

    def _claim(self, record: dict[str, Any]) -> Records:
        self.script.about("S300", self.settlements.policy_of(record))
        return [_told(self.settlements.claim(record), "mngFinalPay")]

    def _open(self, record: dict[str, Any]) -> Records:
        self.visits.open(record)
        return [{"indemnitySign": "1", "promptInformation": "本次就诊可部分直赔"}]

    def _change(self, record: dict[str, Any]) -> Records:
        self.visits.find(record)
        return [{"indemnitySign": "1", "promptInformation": ""}]

    def _withdraw_visit(self, record: dict[str, Any]) -> Records:
        visit = self.visits.find(record)
        if self.settlements.is_live(visit):
            raise Violation("1000008", "就诊已结算,不能撤销")
        self.visits.withdraw(visit)
        return []

    def _fee_lines(self, records: Records) -> Records:
        """All lines of a call are taken, or none; a line that comes again replaces itself."""
        taken = [(self.visits.find(record), read_line(record)) for record in records]
        for visit in {visit.medical_num: visit for visit, _ in taken}.values():
            if visit.policy_no.startswith("BATCH") and visit.lines and not visit.stumbled:
                visit.stumbled = True
                raise Violation("1000008", "批次顺序不符")
        for visit, line in taken:
            if self.settlements.is_live(visit) and visit.lines.get(line.serial) != line:
                raise Violation("1000008", "就诊已结算,不能更改明细")
        for visit, line in taken:
            visit.lines[line.serial] = line
        return []

    def _withdraw_lines(self, record: dict[str, Any]) -> Records:
        visit = self.visits.find(record)
        if self.settlements.is_live(visit):
            raise Violation("1000008", "就诊已结算,不能撤销明细")
        serial = pick(record, "recipeSerialNum")
        if serial is None:
            visit.lines.clear()
        elif visit.lines.pop(serial, None) is None:
            raise Violation("1000001", "未找到费用明细")
        return []

    def _record(self, record: dict[str, Any]) -> Records:
        visit = self.visits.find(record)
        self.settlements.brought(visit)
        history = f"TESTHISTORY-{pick(record, 'hospitalRecordId')}"
        return [{"medicalNum": visit.medical_num, "medicalHistoryId": history}]


def _told(answer: dict[str, Any], amount: str = "sbFundPay") -> dict[str, Any]:
    """The answer, with 1.00 yuan more in it when the script asks for a wrong amount."""
    if not is_playing(Do.WRONG_AMOUNT):
        return answer
    value = answer[amount]
    return answer | {amount: str(Decimal(value) + 1) if isinstance(value, str) else value + 1}
