"""It must be able to say: dates of any form, byte widths in GBK and UTF-8, amounts in every spelling, age, code tables."""

import json

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import MappingFailed
from gateway.mapping.runtime.words import amount_words


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('datetime(act.sent_at, "%Y%m%d%H%M%S")', "20250305101500"),
        ('datetime(act.sent_at, "%Y-%m-%d %H:%M:%S")', "2025-03-05 10:15:00"),
        ('datetime(act.sent_at, "%d/%m/%Y %H:%M")', "05/03/2025 10:15"),
        ('datetime(act.sent_at, "%Y%m%d%H%M%S%3f")', "20250305101500000"),
        ('datetime(act.sent_at, "%Y-%m-%dT%H:%M:%S%:z")', "2025-03-05T10:15:00+08:00"),
        ('datetime(act.sent_at, "%Y-%m-%dT%H:%M:%SZ", zone="UTC")', "2025-03-05T02:15:00Z"),
        ('datetime(act.sent_at, "%Y年%-m月%-d日 %-H时")', "2025年3月5日 10时"),
        ('datetime(act.sent_at, "%y%j")', "25064"),
        ('datetime(act.sent_at, "%d-%b-%Y")', "05-Mar-2025"),
        ('date(patient.birth_date, "%Y%m%d") + "000001"', "19850312000001"),
        ("epoch_s(act.sent_at)", 1741140900),
        ("epoch_ms(act.sent_at)", 1741140900000),
        ('datetime(policy.end_at, "%Y-%m-%d %H:%M:%S", midnight="24")', "2025-12-31 24:00:00"),
        ('datetime(act.sent_at, "%Y%m%d%H%M%S", midnight="24")', "20250305101500"),
        ('datetime(parse_datetime("2025-03-05 24:00:00", "%Y-%m-%d %H:%M:%S"), "%d %H")', "06 00"),
        ('date(parse_date("2025年3月5日", "%Y年%-m月%-d日"), "%Y%m%d")', "20250305"),
        ('date(parse_date("05-Mar-2025", "%d-%b-%Y"), "%Y%m%d")', "20250305"),
        ('datetime(parse_datetime("20250305101500123", "%Y%m%d%H%M%S%3f"), "%H:%M:%S.%3f")', "10:15:00.123"),
        ('datetime(parse_epoch_s(1741140900), "%Y%m%d%H%M%S")', "20250305101500"),
        ('datetime(parse_epoch_ms("1741140900123"), "%Y%m%d%H%M%S%3f")', "20250305101500123"),
        ('date(add_days(patient.birth_date, -1), "%Y%m%d")', "19850311"),
        ('datetime(add_days(policy.end_at, -1), "%Y%m%d")', "20251231"),
        ("days_between(patient.birth_date, day_of(act.sent_at))", 14603),
        ("age(patient.birth_date, day_of(visit.begin_at))", 39),
        ('age(patient.birth_date, parse_date("20250312", "%Y%m%d"))', 40),
    ],
)
def test_dates_have_any_form(shop, expression, expected):
    assert shop.value(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        'parse_date("20250305", "%y%m%d")',
        'parse_date("20250305", "%Y%Y")',
        'parse_date("20250305", "%Y%m%-m")',
        'date(patient.birth_date, "%Y%H")',
        'datetime(act.sent_at, "%Y%m%d%H%M%S", midnight="0")',
        'datetime(act.sent_at, "%A")',
    ],
)
def test_a_form_that_says_too_little_or_too_much_does_not_load(shop, expression):
    with pytest.raises(MappingRefused):
        shop.value(f'date({expression}, "%Y")' if expression.startswith("parse") else expression)


@pytest.mark.parametrize("expression", ['parse_epoch_s("x")', "parse_epoch_ms(999999999999999999)"])
def test_a_moment_that_is_none_is_refused(shop, expression):
    with pytest.raises(MappingFailed):
        shop.value(f'datetime({expression}, "%Y")')


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('cut_bytes(patient.name, 7, "gbk")', "测试患"),
        ('cut_bytes(patient.name, 7, "utf-8")', "测试"),
        ('pad_bytes(visit.hospital_name, 12, "gbk") + "|"', "测试医院一  |"),
        ('pad_bytes(visit.hospital_name, 18, "utf-8") + "|"', "测试医院一   |"),
        ('pad_bytes(text(act.serial), 4, "gbk", "0", "left")', "0007"),
        ('pad_bytes(text(act.serial), 4, "gbk", fill="*")', "7***"),
        ('pad_bytes(cut_bytes(visit.hospital_name, 5, "gbk"), 5, "gbk") + "|"', "测试 |"),
        ('within_bytes(patient.name, 10, "gbk")', "测试患者甲"),
        ('pad("12", 5)', "00012"),
        ('base64(patient.name, "gbk")', "suLK1Lu81d+81w=="),
    ],
)
def test_widths_count_bytes_in_an_encoding(shop, expression, expected):
    assert shop.value(expression) == expected


@pytest.mark.parametrize("expression", ['within_bytes(patient.name, 14, "utf-8")', 'within_bytes("é", 9, "gb2312")'])
def test_a_text_beyond_its_bytes_is_refused(shop, expression):
    with pytest.raises(MappingFailed):
        shop.value(expression.replace("é", "\\u20ac\\u00fc\\U0001f600"))


@pytest.mark.parametrize(
    "expression",
    [
        'pad_bytes("x", 4, "gbk", "人")',
        'pad_bytes("x", 4, "gbk", "")',
        'pad_bytes("x", 4, "gbk", " ", "middle")',
        'base64("x", "rot13")',
    ],
)
def test_a_padding_that_can_not_be_counted_does_not_load(shop, expression):
    with pytest.raises(MappingRefused):
        shop.value(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("yuan(split.cash_pay)", "172.31"),
        ("yuan_number(split.cash_pay)", 172.31),
        ("split.cash_pay", 17231),
        ("text(split.cash_pay)", "17231"),
        ("pad(text(split.cash_pay), 12)", "000000017231"),
        ("yuan(-split.cash_pay)", "-172.31"),
        ("number(div(split.cash_pay, 100, 4), 4)", 172.31),
        ("amount_words(split.cash_pay)", "壹佰柒拾贰元叁角壹分"),
    ],
)
def test_amounts_have_every_spelling(shop, expression, expected):
    assert shop.value(expression) == expected


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (55, "伍角伍分"),
        (100, "壹元整"),
        (105, "壹元零伍分"),
        (1_000_00, "壹仟元整"),
        (1_005_00, "壹仟零伍元整"),
        (10_00, "壹拾元整"),
        (1_0001_00, "壹万零壹元整"),
        (10_0000_10, "壹拾万元壹角整"),
        (1_0000_0001_00, "壹亿零壹元整"),
        (1040_0500_20, "壹仟零肆拾万零伍佰元贰角整"),
        (1_2345_0000_0000_00, "壹万贰仟叁佰肆拾伍亿元整"),
        (1_0000_0000_0001_00, "壹万亿零壹元整"),
        (-12_30, "负壹拾贰元叁角整"),
    ],
)
def test_an_amount_in_words_is_that_of_a_bill(fen, words):
    assert amount_words(fen) == words


def test_code_tables_are_many_to_one_with_a_default_open_or_closed(shop):
    shop.put("demo/fee.csv", "\ufeffours,theirs\n09,1\n11,1\n10,\n")
    tables = """tables:
  closed: {$file: fee.csv, $key: ours, $value: theirs}
  default: {$file: fee.csv, $key: ours, $value: theirs, else: "99"}
  own: {V1: a, V2: a}
"""
    tree = 'request:\n  a: code(default, "11")\n  b: code(default, "none")\n  c: code(default, "10")\n'
    assert shop.json(tables + tree) == {"a": "1", "b": "99", "c": ""}

    openly = 'request: {a: \'code(own, visit.visit_id) if visit.visit_id in ("V1", "V2") else visit.visit_id\'}\n'
    assert shop.json(tables + openly) == {"a": "a"}
    with pytest.raises(MappingFailed) as failed:
        shop.json(tables + "request:\n  a: code(closed, visit.visit_id)\n")
    assert "table closed has no row" in str(failed.value)


def test_empty_absent_null_and_zero_are_four_things(shop):
    tree = """request:
  empty: =
  none: 'null'
  zero: =0
  number: 0
  gone?: visit.ward
  or_empty: default(visit.ward, "")
  or_zero: default(visit.ward, "0")
  or_null: visit.ward
  list: []
  object: {}
"""
    assert shop.write(tree).document == (
        b'{"empty":"","none":null,"zero":"0","number":0,"or_empty":"","or_zero":"0","or_null":null,"list":[],"object":{}}'
    )
    assert shop.xml("request:\n  a: {b: {$empty: true}, c: =, d?: visit.ward, e: =0, f@: =}\n") == (
        '<a f=""><b></b><c></c><e>0</e></a>'
    )


def test_names_may_have_stray_blanks_misspellings_and_any_letters(shop):
    names = ["clientmacAddress ", " recordCount ", "busenissType", "编号", "a.b", "$x"[1:], "a'b\"c"]
    tree = "request:\n" + "".join(f"  {json.dumps(name, ensure_ascii=False)}: =1\n" for name in names)

    assert list(shop.json(tree)) == names
