"""One example per function and operator, in the order of docs/mapping.md."""

import pytest

from gateway.mapping import MappingFailed

SEX = "tables:\n  sex: {male: '1', female: '2', else: '9'}\n  word: {V1: one}\n  yes: {true: Y, false: N}\n"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('"a" + visit.visit_id', "aV1"),
        ("claim.claimed + 1 - 2 * 3", 17226),
        ("-claim.claimed", -17231),
        ("need(first(l.price for l in lines)) * 3", 37.5),
        ("1 < 2 and not (1 >= 2) or false", True),
        ('patient.gender == "male"', True),
        ('visit.mdtrt_id == "x"', False),
        ("visit.mdtrt_id == null", True),
        ('visit.visit_kind in ("inpatient", "outpatient")', True),
        ('visit.visit_id not in ("V1",)', False),
        ('"yes" if claim.claimed > 5 else "no"', "yes"),
        ('"x" if false else null', None),
        ("sum(l.amount for l in lines)", 2395),
        ("sum(l.amount for l in lines where l.amount > 0)", 2500),
        ("sum(l.qty for l in lines)", 1),
        ("count(lines)", 2),
        ("count(l for l in lines where l.amount < 0)", 1),
        ("any(l.amount < 0 for l in lines)", True),
        ("all(l.amount < 0 for l in lines)", False),
        ("first(d.code for d in diagnoses where d.is_main)", "J06.900"),
        ("first(lines).line_no", "L1"),
        ('first(d.code for d in diagnoses where d.code == "none")', None),
        ('join(list(l.line_no for l in lines), ",")', "L1,L2"),
        ("text(claim.claimed)", "17231"),
        ("text(default(visit.accident, true))", "false"),
        ("text(need(first(l.price for l in lines)))", "12.50"),
        ('trim("  a ")', "a"),
        ('upper("a") + lower("B")', "Ab"),
        ("substr(visit.hospital_name, 1, 2)", "试医"),
        ('replace(visit.visit_id, "V", "W")', "W1"),
        ("pad(text(act.serial), 6)", "000007"),
        ('pad_right(visit.visit_id, 4, ".")', "V1.."),
        ('cut_bytes(patient.name, 5, "gbk")', "测试"),
        ('pad_bytes(patient.name, 12, "gbk") + "|"', "测试患者甲  |"),
        ('matches(patient.cert_no, "[0-9]{17}[0-9X]")', True),
        ('default(visit.ward, "none")', "none"),
        ("present(visit.ward)", False),
        ('default(empty_as_absent(""), "was empty")', "was empty"),
        ("need(visit.visit_id)", "V1"),
        ("yuan(split.total)", "430.00"),
        ("yuan(-5)", "-0.05"),
        ("yuan_number(split.total)", 430.0),
        ('fen("12.3")', 1230),
        ('fen("12.3400")', 1234),
        ('fen_int("12")', 12),
        ('number(decimal("1.005"), 2)', 1.01),
        ('int("12") + 1', 13),
        ('round(decimal("2.675"), 2)', 2.68),
        ("div(10, 3, 2)", 3.33),
        ("abs(-3)", 3),
        ("min(1, 2) + max(1, 2)", 3),
        ('date(patient.birth_date, "%Y%m%d")', "19850312"),
        ('date(patient.birth_date, "%d/%m/%Y %%")', "12/03/1985 %"),
        ('datetime(act.sent_at, "%Y-%m-%dT%H:%M:%S%:z")', "2025-03-05T10:15:00+08:00"),
        ('datetime(act.sent_at, "%Y%m%d%H%M%S", zone="UTC")', "20250305021500"),
        ('datetime(act.sent_at, "%f %z")', "000000 +0800"),
        ("epoch_s(act.sent_at)", 1741140900),
        ("epoch_ms(act.sent_at)", 1741140900000),
        ('date(parse_date("2025/01/31", "%Y/%m/%d"), "%Y-%m-%d")', "2025-01-31"),
        ('datetime(parse_datetime("20250131 24:00:00", "%Y%m%d %H:%M:%S"), "%Y%m%d%H%M%S")', "20250201000000"),
        ('epoch_s(parse_datetime("2025-03-05T02:15:00Z", "iso"))', 1741140900),
        ('date(day_of(parse_datetime("2025-03-05T23:00:00Z", "iso")), "%d")', "06"),
        ("age(patient.birth_date, day_of(act.sent_at))", 39),
        ("code(sex, patient.gender)", "1"),
        ("code(word, visit.visit_id)", "one"),
        ("code(yes, default(visit.accident, true))", "N"),
        ('uuid("a") == uuid("a") and uuid("a") != uuid("b")', True),
        ("partner.sender_code", "990000001"),
        ("refs.settle_no", "S9"),
    ],
)
def test_an_expression_gives_its_value(shop, expression, expected):
    assert expected == shop.value(expression, extra=SEX)


@pytest.mark.parametrize(
    "expression",
    [
        "yuan(invoice.amount) if present(invoice) else null",
        "yuan(invoice.amount) if invoice != null else null",
        'null if not present(invoice) else date(invoice.issued_on, "%Y")',
        'present(visit.ward) and visit.ward < "b"',
    ],
)
def test_a_condition_says_what_is_present(shop, expression):
    """No mistake is found, because the optional path is used only where it is known to be there."""
    assert shop.value(expression) in (None, False)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("need(visit.ward)", "absent"),
        ("div(1, claim.prior_paid, 2)", "division by zero"),
        ("code(word, visit.dept_code)", "table word has no row"),
        ("fen(visit.visit_id)", "amount in 元"),
        ("int(visit.visit_id)", "whole number"),
        ('parse_date(visit.visit_id, "%Y") == parse_date("2025", "%Y")', "date of another form"),
        ('cut_bytes("😀", 2, "gbk")', "encoding lacks"),
        ('unbase64(visit.visit_id + "!") == "x"', "not Base64"),
    ],
)
def test_a_failure_names_line_target_and_source_and_never_the_value(shop, expression, reason):
    with pytest.raises(MappingFailed) as failed:
        shop.value(expression, extra=SEX)

    said = str(failed.value)
    assert reason in said
    assert "demo/act.yaml:12 x" in said
    assert "V1" not in said
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


def test_one_line_with_several_leaves_still_names_the_right_one(shop):
    with pytest.raises(MappingFailed) as failed:
        shop.write("request: {a: visit.visit_id, b: need(visit.ward), c: visit.dept_code}\n")

    assert (failed.value.target, failed.value.source) == ("b", "visit.ward")
