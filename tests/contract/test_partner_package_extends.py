"""A dialect of the package protocol can be said as an extension of the main one: only what differs, and the same bytes."""

import shutil
from pathlib import Path

import pytest
from partner_folder import ROOT, Folder

from gateway.app import INSURER_VOCABULARY
from gateway.claims.partners.manifest import load_faults, load_manifest
from gateway.mapping import check_folder, load_folder
from gateway.mapping.api import CompiledAct

MANIFEST = """insurer: package-400
extends: package
inherits: [eligibility]
names: {zh: 测试保险（商保协议包 4.0.0）, en: Package Protocol 4.0.0 Insurer}
seal: {profile: plain, $drop: [key, exception]}
settings: {channel_code: "900", channel_name: 测试渠道}
$drop: [secrets, token]
kinds: {$drop: [direct_pay, quick_claim]}
"""
ELIGIBILITY = """mapping: package-400/eligibility
version: 1
effective: {by: submitted_at, from: "2025-01-01"}
extends: package/eligibility
http: {path: /, $drop: [query]}
tables:
  $drop: [credential]
  credential: {id_card: "01", military: "02", hk_macao_permit: "04", taiwan_permit: "06", foreign_resident: "07", passport: "08",
    household: 20, birth: 21, social_card: 90, other: 99}
  treat: {outpatient: 1, emergency: 1, outpatient_chronic: 1, inpatient: 2, pharmacy: 1}
  success: {$drop: ["0"]}
request:
  package:
    $order: [additionInfo, body, head]
    additionInfo: {errorCode: =1, errorMsg: =success, receiverTradeNum: =132}
    body:
      commercialBillNum: '"" if policy.policy_no == "UNKNOWN" else policy.policy_no'
      treatType: code(treat, visit.visit_kind)
      queryDate: datetime(act.sent_at, "%Y%m%d%H%M%S")
    head:
      $rename: {busseID: businessID, busenissType: businessType}
      $drop: [providerCode, providerName]
      channelCode: partner.channel_code
      channelName: partner.channel_name
      receiverCode: {}
      standardVersionCode: =version:4.0.0
      recordCount: =
answer:
  result: {$drop: [residual]}
"""


@pytest.fixture(scope="module")
def heir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as an extension, beside a copy of the main dialect."""
    home = tmp_path_factory.mktemp("insurers")
    shutil.copytree(ROOT / "mappings" / "insurers" / "package", home / "package")
    folder = home / "package-400"
    folder.mkdir()
    (folder / "insurer.yaml").write_text(MANIFEST, "utf-8")
    (folder / "eligibility.yaml").write_text(ELIGIBILITY, "utf-8")
    return folder


def loaded(folder: Path) -> CompiledAct:
    manifest = load_manifest(folder)
    schemas = ROOT / "schemas" / "insurers" / "package-400"
    ends = (folder, schemas, INSURER_VOCABULARY, manifest.settings, frozenset(manifest.refs) | {"item", "token"})
    assert check_folder(*ends) == []
    return load_folder(*ends)["eligibility"]


def test_the_extension_writes_the_same_bytes(heir: Path) -> None:
    stated = Folder("package-400")
    dispatch = stated.dispatch("eligibility")

    assert loaded(heir).write(dispatch).document == stated.acts["eligibility"].write(dispatch).document


def test_the_manifest_is_the_main_one_with_what_differs(heir: Path) -> None:
    manifest = load_manifest(heir)

    assert (manifest.kinds, manifest.token, manifest.seal) == ({}, None, {"profile": "plain"})
    assert manifest.settings["sender_code"] == "990000001"
    assert manifest.settings["channel_code"] == "900"
    assert load_faults(heir) == load_faults(heir.parent / "package")
