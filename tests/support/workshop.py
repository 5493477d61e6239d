"""A workshop for mapping files: write one, load it, run it, or read its mistakes."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gateway.claims.canonical.dispatch import ActResult, Dispatch
from gateway.kernel.labels import Label
from gateway.mapping import Incoming, Mistake, Outgoing, Vocabulary, check_folder, load_folder

HEAD = "mapping: demo/act\nversion: 1\nchannel: insurer\nsource: dispatch\n"
HTTP = "http: {path: /x}\n"
EVERY_LABEL = frozenset(map(str, Label))
TIME = "2025-03-05T10:15:00+08:00"


def dispatch_data() -> dict[str, Any]:
    """A synthetic outpatient dispatch with two lines and one diagnosis of each rank."""
    line = {
        "occurred_at": TIME,
        "item_kind": "drug",
        "fee_category": "09",
        "hosp_code": "D1",
        "hosp_name": "测试药品<A>&B",
        "price": "12.50",
        "qty": "2",
        "amount": 2500,
    }
    return {
        "act": {"act_id": "act_1", "name": "settle", "sent_at": TIME, "serial": 7},
        "claim": {"claim_id": "clm_1", "kind": "direct_pay", "claimed": 17231, "prior_paid": 0, "created_at": TIME},
        "patient": {
            "patient_id": "p1",
            "name": "测试患者甲",
            "cert_type": "id_card",
            "cert_no": "999901198503120012",
            "gender": "male",
            "birth_date": "1985-03-12",
        },
        "visit": {
            "visit_id": "V1",
            "hospital_code": "H1",
            "hospital_name": "测试医院一",
            "visit_kind": "outpatient",
            "payer_class": "yibao_city",
            "begin_at": "2025-03-05T09:12:00+08:00",
            "dept_code": "03",
            "dept_name": "内科",
            "accident": False,
        },
        "diagnoses": [
            {"seq": 1, "is_main": True, "kind": "western", "code": "J06.900", "system": "ICD-10", "name": "甲"},
            {"seq": 2, "is_main": False, "kind": "admission", "code": "R05.x00", "system": "ICD-10", "name": "乙"},
        ],
        "procedures": [],
        "lines": [
            {**line, "line_no": "L1", "spec": "0.5g"},
            {**line, "line_no": "L2", "fee_category": "02", "item_kind": "treatment", "amount": -105, "qty": "-1"},
        ],
        "split": {"total": 43000, "fund_total": 13769, "account_pay": 12000, "cash_pay": 17231},
        "policy": {
            "insurer_code": "demo",
            "product_code": "P",
            "policy_no": "POL1",
            "insured_ref": "p1",
            "relation": "self",
            "begin_at": "2025-01-01T00:00:00+08:00",
            "end_at": "2026-01-01T00:00:00+08:00",
            "benefit_type": "expense",
            "claim_way": "both",
            "order_no": 1,
        },
        "consent": {
            "consent_id": "c1",
            "patient_id": "p1",
            "grantor": "测试患者甲",
            "hospital_codes": ["H1"],
            "insurer_codes": ["demo"],
            "purposes": ["claim"],
            "data_classes": ["all"],
            "text_version": "1",
            "text_sha256": "0" * 64,
            "given_at": TIME,
            "valid_to": "2026-03-05T00:00:00+08:00",
            "channel": "desk",
            "proof_ref": "x1",
        },
        "refs": {"settle_no": "S9"},
    }


def dispatch(**changes: Any) -> Dispatch:
    return msgspec.convert(dispatch_data() | changes, Dispatch)


@dataclass
class Workshop:
    """One partner folder in a temporary place."""

    root: Path
    partner: dict[str, str] = field(default_factory=lambda: {"sender_code": "990000001"})
    refs: frozenset[str] = frozenset({"settle_no"})
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(Dispatch, ActResult, EVERY_LABEL))

    @property
    def folder(self) -> Path:
        return self.root / "demo"

    @property
    def schemas(self) -> Path:
        return self.root / "schemas"

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def act(self, body: str, head: str = HEAD, name: str = "act") -> Any:
        self.put(f"demo/{name}.yaml", head + body)
        self.schemas.mkdir(exist_ok=True)
        acts = load_folder(self.folder, self.schemas, self.vocabulary, self.partner, self.refs)
        return acts[name]

    def write(self, body: str, source: Dispatch | None = None, target: str = "{kind: json}") -> Outgoing:
        act = self.act(f"target: {target}\n{HTTP}{body}")
        outgoing: Outgoing = act.write(source or dispatch())
        return outgoing

    def json(self, body: str, source: Dispatch | None = None) -> Any:
        return json.loads(self.write(body, source).document)

    def value(self, expression: str, source: Dispatch | None = None, extra: str = "") -> Any:
        """What one expression gives as a JSON value."""
        return self.json(f"{extra}request:\n  x: {json.dumps(expression, ensure_ascii=False)}\n", source)["x"]

    def xml(self, body: str, source: Dispatch | None = None, target: str = "{kind: xml, declaration: false}") -> str:
        return self.write(body, source, target).document.decode()

    def read(self, result: str, document: bytes | str, kind: str = "json", **incoming: Any) -> dict[str, Any]:
        act = self.act(f"target: {{kind: {kind}}}\n{HTTP}answer:\n{result}")
        data = document.encode() if isinstance(document, str) else document
        found: dict[str, Any] = act.read(Incoming(data, **incoming), dispatch())
        return found

    @staticmethod
    def dispatch(**changes: Any) -> Dispatch:
        return dispatch(**changes)

    @staticmethod
    def renamed(name: str) -> Dispatch:
        """The sample dispatch with another patient's name."""
        return dispatch(patient=dispatch_data()["patient"] | {"name": name})

    def mistakes(self, text: str) -> list[Mistake]:
        self.put("demo/act.yaml", text)
        self.schemas.mkdir(exist_ok=True)
        return check_folder(self.folder, self.schemas, self.vocabulary, self.partner, self.refs)
