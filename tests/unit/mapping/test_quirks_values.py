"""Quirks of values (docs/quirks.md) that no construct's own test names: how partners spell numbers, codes, ids and texts."""

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import Incoming

LINE = {
    "line_no": "L1",
    "occurred_at": "2025-03-05T10:15:00+08:00",
    "item_kind": "drug",
    "fee_category": "09",
    "hosp_code": "D1",
    "hosp_name": "药",
    "price": "1.234567",
    "qty": "3.1415",
    "amount": 388,
}


def test_quirk_5_a_message_id_is_put_together_from_time_organisation_and_serial(shop):
    made = shop.json(
        "request:\n"
        '  package: \'datetime(act.sent_at, "%Y%m%d%H%M%S") + "-" + partner.sender_code + "-" + pad(text(act.serial), 6, "0")\'\n'
        '  query: \'"QP" + datetime(act.sent_at, "%Y%m%d%H%M%S") + pad(text(act.serial), 8, "0")\'\n'
        '  national: \'"H99990100001" + datetime(act.sent_at, "%Y%m%d%H%M%S") + pad(text(act.serial), 4, "0")\'\n'
    )
    assert made == {
        "package": "20250305101500-990000001-000007",
        "query": "QP2025030510150000000007",
        "national": "H99990100001202503051015000007",
    }
    assert len(made["national"]) == 30


def test_quirk_10_the_zone_has_a_field_of_its_own(shop):
    made = shop.json(
        'request:\n  zone: =UTC+8\n  time: \'datetime(act.sent_at, "%Y%m%d%H%M%S", zone="Asia/Shanghai")\'\n'
    )
    assert made == {"zone": "UTC+8", "time": "20250305101500"}


def test_quirk_12_price_quantity_and_amount_have_their_own_places(shop):
    body = "request:\n  rows: {$each: l in lines, price: 'number(l.price, 6)', qty: 'number(l.qty, 4)', sum: yuan_number(l.amount)}\n"
    text = shop.write(body, shop.dispatch(lines=[LINE])).document.decode()
    assert text == '{"rows":[{"price":1.234567,"qty":3.1415,"sum":3.88}]}'
    rounded = "request: {a: 'number(round(decimal(\"2.675\"), 2), 2)'}\n"
    assert shop.write(rounded).document == b'{"a":2.68}', "a binary double would say 2.67"


def test_quirk_13_one_code_has_another_spelling_at_each_partner(shop):
    tables = (
        "tables:\n  package: {id_card: 0, else: 9}\n  rural: {id_card: 110001, passport: 110002, else: 120001}\n"
        "  letter: {male: M, female: F, unknown: U}\n  word: {male: 男, female: 女, unknown: 未知}\n"
    )
    keys = ("package", "rural", "letter", "word")
    fields = ("cert_type", "cert_type", "gender", "gender")
    body = "".join(f"  {key}: code({key}, patient.{field})\n" for key, field in zip(keys, fields, strict=True))
    assert shop.json(f"{tables}request:\n{body}") == {"package": "0", "rural": "110001", "letter": "M", "word": "男"}


def test_quirk_14_a_second_row_of_the_same_key_could_never_be_reached_and_does_not_load(shop):
    with pytest.raises(MappingRefused) as refused:
        shop.json("tables:\n  a: {male: 1, female: 2, male: 3, else: 9}\nrequest: {x: 'code(a, patient.gender)'}\n")
    assert "duplicate-key" in refused.value.message
    shop.put("demo/codes.csv", "ours,theirs\nmale,1\nmale,2\n")
    with pytest.raises(MappingRefused) as refused:
        shop.json(
            "tables:\n  a: {$file: codes.csv, $key: ours, $value: theirs, else: --}\nrequest: {x: 'code(a, patient.gender)'}\n"
        )
    assert "duplicate-row" in refused.value.message


def test_quirk_27_several_texts_are_joined_under_numbers(shop):
    assert shop.value('join(list(text(position) + "." + d.name for d in diagnoses), ";")') == "1.甲;2.乙"


def test_quirk_32_a_look_up_compares_text_unless_both_sides_are_made_numbers(shop):
    result = '  result: {state: \'"accepted" if r.code == "1" else "refused" if int(r.code) == 1 else "unknown"\'}\n'
    assert shop.read(result, '{"code": "1"}')["state"] == "accepted"
    assert shop.read(result, '{"code": "01"}')["state"] == "refused"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('substr("440105196912310017", 6, 8)', "19691231"),
        ('pad("7", 6, "0") + pad_right("A", 3, "*")', "000007A**"),
        ("replace('\"quoted\"', '\"', '')", "quoted"),
        ('"690" + pad(substr("1234567890123", 1, 12), 12, "0")', "690234567890123"),
        ('pad("1234567890123", 15, "0")', "001234567890123"),
    ],
)
def test_quirk_33_texts_are_cut_joined_padded_and_stripped(shop, expression, expected):
    assert shop.value(expression) == expected


def test_quirk_35_a_mask_has_a_place_for_each_mark(shop):
    mask = (
        '("1" if visit.visit_kind == "inpatient" else "0") + ("1" if visit.visit_kind == "outpatient" else "0")'
        ' + ("1" if visit.payer_class == "self_pay" else "0") + "000"'
    )
    assert shop.value(mask) == "010000"
    assert shop.value('"yes" if substr("100000", 0, 1) == "1" else "no"') == "yes"


def test_quirk_36_a_record_carries_our_code_and_theirs_side_by_side(shop):
    made = shop.json(
        "tables: {sex: {male: 1, else: 9}}\nrequest:\n  sexRaw: patient.gender\n  sex: code(sex, patient.gender)\n"
    )
    assert made == {"sexRaw": "male", "sex": "1"}


def test_quirk_49_a_refund_is_a_negative_number_or_a_code_of_its_own(shop):
    back = {**LINE, "qty": "-1", "amount": -105}
    tree = (
        "  rows: {$each: l in lines, qty: l.qty, sum: yuan_number(l.amount), paid: yuan(abs(l.amount)),"
        ' action: \'"REFUND" if l.amount < 0 else "CHARGE"\'}\n'
    )
    made = shop.write("request:\n" + tree, shop.dispatch(lines=[LINE, back])).document.decode()
    assert '{"qty":-1,"sum":-1.05,"paid":"1.05","action":"REFUND"}' in made
    assert '"action":"CHARGE"' in made


def test_quirk_51_numbers_travel_as_text_empties_are_dropped_and_unicode_is_escaped(shop):
    body = (
        'request:\n  qty: text(act.serial)\n  ward?: empty_as_absent(default(visit.ward, ""))\n  name: patient.name\n'
    )
    made = shop.write(body, target="{kind: json, encoding: ascii, lacking: escape}").document
    assert made == b'{"qty":"7","name":"' + "测试患者甲".encode("ascii", "backslashreplace") + b'"}'


@pytest.mark.parametrize(("word", "state"), [("14", "refused"), ("3", "accepted"), ("0", "unknown"), ("25", "unknown")])
def test_quirk_53_a_status_word_means_what_its_action_says(shop, word, state):
    tables = "tables:\n  done: {'14': refused, '15': refused, '16': refused, '3': accepted, else: unknown}\n"
    answer = "answer:\n  result: {state: 'code(done, r.s)'}\n"
    act = shop.act(f"{tables}target: {{kind: json}}\nhttp: {{path: /x}}\n{answer}")
    assert act.read(Incoming(f'{{"s": "{word}"}}'.encode()), shop.dispatch())["state"] == state
