"""A sample bill as the dispatch that an insurer mapping reads, and a partner's folder ready to write with."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gateway.claims.canonical.claim import Submission
from gateway.claims.canonical.dispatch import ActResult, ActView, ClaimView, Dispatch
from gateway.kernel.labels import Label
from gateway.mapping import load_folder
from gateway.mapping.api import CompiledAct, Vocabulary

ROOT = Path(__file__).parents[3]
VOCABULARY = Vocabulary(Dispatch, ActResult, frozenset(Label))


def folder(code: str, keys: Path) -> Mapping[str, CompiledAct]:
    place = ROOT / "mappings" / "insurers" / code
    manifest = yaml.safe_load((place / "insurer.yaml").read_text("utf-8"))
    secrets = {
        name: (keys / f"{secret}.secret").read_text().strip() for name, secret in manifest.get("secrets", {}).items()
    }
    schemas = ROOT / "schemas" / "insurers" / code
    return load_folder(place, schemas, VOCABULARY, manifest["settings"] | secrets, frozenset(manifest["refs"]))


def dispatch(bill: Mapping[str, Any], act: str, claim_id: str, prior: int = 0, **refs: str) -> Dispatch:
    """The first policy's act on a bill of the sample hospital, sent now."""
    read, now = msgspec.convert(bill, Submission), datetime.now(UTC)
    return Dispatch(
        act=ActView(act_id=f"act_{claim_id}_{act}", name=act, sent_at=now, serial=1),
        claim=ClaimView(
            claim_id=claim_id, kind=read.kind, claimed=read.split.cash_pay - prior, prior_paid=prior, created_at=now
        ),
        patient=read.patient,
        visit=read.visit,
        diagnoses=read.diagnoses,
        procedures=read.procedures,
        lines=read.lines,
        split=read.split,
        policy=read.policies[0],
        consent=read.consent,
        invoice=read.invoice,
        refs=refs,
    )
