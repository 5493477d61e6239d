"""Two insurers invented from the quirk list: a GBK document in a SOAP argument, and XML whose values are padded to widths."""

import msgspec
import pytest
from lxml import etree
from partner_folder import Folder

from gateway.kernel.errors import LianpeiError
from gateway.mapping.api import Incoming

GBK, PADDED = Folder("gbk-soap"), Folder("padded-xml")


@pytest.mark.parametrize("folder", [GBK, PADDED], ids=["gbk-soap", "padded-xml"])
def test_folder_has_no_mistake_its_tests_pass_and_it_offers_quick_claim(folder: Folder) -> None:
    assert folder.mistakes() == []
    assert folder.failed_tests() == []
    assert list(folder.manifest.kinds) == ["quick_claim"]


def packet(document: bytes) -> etree._Element:
    (text,) = etree.fromstring(document).xpath("//*[local-name() = 'requestXml']/text()")
    assert text.startswith('<?xml version="1.0" encoding="gbk"?><PACKET'), "nothing stands before the declaration"
    return etree.fromstring(text.encode("gbk"))


def test_fees_go_as_sums_by_category_that_tie_with_the_total() -> None:
    sent = packet(GBK.acts["claim"].write(GBK.dispatch("claim")).document)
    fees = sent.findall("BODY/FEES/FEE")
    assert sent.find("BODY/FEES").get("count") == str(len(fees))
    assert [fee.findtext("NO") for fee in fees] == [str(number + 1) for number in range(len(fees))]
    fen = sum(int(fee.findtext("AMOUNT").replace(".", "")) for fee in fees)
    assert fen == int(sent.findtext("BODY/TOTAL").replace(".", ""))


def test_what_gbk_lacks_is_replaced_except_in_a_name_which_is_cut_between_characters_or_refused() -> None:
    dispatch = GBK.dispatch("claim")

    def written(hospital: str, name: str) -> etree._Element:
        visit = msgspec.structs.replace(dispatch.visit, hospital_name=hospital)
        patient = msgspec.structs.replace(dispatch.patient, name=name)
        return packet(GBK.acts["claim"].write(msgspec.structs.replace(dispatch, visit=visit, patient=patient)).document)

    body = written("测试\U0002070e医院", "a" + "测" * 12).find("BODY")
    assert body.findtext("HOSPITALNAME") == "测试?医院"
    assert body.findtext("INSURED/NAME") == "a" + "测" * 9
    with pytest.raises(LianpeiError, match=r"INSURED\.NAME"):
        written("测试医院", "\U0002070e")


def test_every_padded_value_has_its_width_in_bytes() -> None:
    root = etree.fromstring(PADDED.acts["report"].write(PADDED.dispatch("report")).document)
    widths = {child.tag: len(child.text.encode("gbk")) for child in root}
    assert (widths["Name"], widths["Hospital"], widths["Policy"], widths["ClaimNo"]) == (20, 60, 30, 32)
    assert {widths[name] for name in ("xyao", "zchyao", "zhcyao", "qita")} == {13}


def test_a_sum_below_zero_has_no_place_in_a_column_without_a_sign() -> None:
    dispatch = PADDED.dispatch("report")
    returned = tuple(msgspec.structs.replace(line, amount=-abs(line.amount)) for line in dispatch.lines)
    with pytest.raises(LianpeiError, match="breaks its schema"):
        PADDED.acts["report"].write(msgspec.structs.replace(dispatch, lines=returned))


def test_an_unlisted_code_of_either_is_unknown() -> None:
    answer = (PADDED.home / "examples/paid.answer.xml").read_bytes().replace(b"AAAAAAA", b"ZZZZZZZ")
    assert PADDED.answered("report", answer, "report").state == "unknown"
    spoilt = (GBK.home / "examples/paid.answer.xml").read_bytes().replace(b"<RESULTCODE>00<", b"<RESULTCODE>77<")
    assert GBK.acts["claim"].read(Incoming(spoilt), GBK.dispatch("claim"))["state"] == "unknown"
