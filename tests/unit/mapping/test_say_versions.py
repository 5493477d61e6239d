"""It must be able to say: two versions of a mapping side by side, chosen by the day of the claim, pinned by the message."""

import msgspec
import pytest

from gateway.kernel.errors import MessageRefused
from gateway.mapping import Incoming, Pin, load_folder

TEXT = """mapping: demo/act
version: {version}
effective: {effective}
channel: insurer
source: dispatch
target: {{kind: json}}
http: {{path: /x}}
request: {{v: ={version}}}
answer: {{result: {{state: =accepted, peer_code: ={version}}}}}
callback: {{path: /c, result: {{state: =accepted, peer_code: ={version}}}, reply: {{target: {{kind: json}}, body: {{v: ={version}}}}}}}
"""


def put(shop, version, effective):
    name = "act" if version == 1 else f"act@{version}"
    shop.put(f"demo/{name}.yaml", TEXT.format(version=version, effective=effective))
    shop.schemas.mkdir(exist_ok=True)


def act(shop):
    return load_folder(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)["act"]


def written(shop, **times):
    """The version that writes a claim with these moments of the visit or the claim."""
    source = shop.dispatch()
    claim = {k: v for k, v in times.items() if k == "created_at"}
    visit = {k: v for k, v in times.items() if k != "created_at"}
    data = msgspec.to_builtins(source)
    data["claim"] |= claim
    data["visit"] |= visit
    return act(shop).write(msgspec.convert(data, type(source))).document


@pytest.fixture
def two(shop):
    put(shop, 1, '{by: submitted_at, from: "2025-01-01", to: "2025-06-30"}')
    put(shop, 2, '{by: submitted_at, from: "2025-07-01"}')
    return shop


@pytest.mark.parametrize(
    ("moment", "version"),
    [
        ("2025-03-05T10:15:00+08:00", 1),
        ("2025-06-30T23:59:59+08:00", 1),
        ("2025-06-30T16:00:00+00:00", 2),  # midnight in China
        ("2027-01-01T00:00:00+08:00", 2),
    ],
)
def test_the_day_of_the_claim_in_china_chooses(two, moment, version):
    assert written(two, created_at=moment) == f'{{"v":"{version}"}}'.encode()


@pytest.mark.parametrize(("by", "field"), [("admitted_at", "begin_at"), ("discharged_at", "end_at")])
def test_the_day_may_be_that_of_admission_or_discharge(shop, by, field):
    put(shop, 1, f'{{by: {by}, to: "2025-03-04"}}')
    put(shop, 2, f'{{by: {by}, from: "2025-03-05"}}')

    assert written(shop, **{field: "2025-03-04T08:00:00+08:00"}) == b'{"v":"1"}'
    assert written(shop, **{field: "2025-03-05T08:00:00+08:00"}) == b'{"v":"2"}'


def test_a_visit_without_an_end_is_written_by_the_newest(shop):
    put(shop, 1, '{by: discharged_at, to: "2025-03-04"}')
    put(shop, 2, '{by: discharged_at, from: "2025-03-05"}')

    assert written(shop) == b'{"v":"2"}'


def test_a_message_names_the_version_that_made_it_and_its_answer_is_read_by_the_same(two):
    source = two.dispatch()
    outgoing = act(two).write(source)

    assert (outgoing.pin.name, outgoing.pin.version) == ("demo/act", 1)
    assert outgoing.act.read(Incoming(b"{}"))["peer_code"] == "1"
    assert act(two).pinned(outgoing.pin).read(Incoming(b"{}"))["peer_code"] == "1"
    assert act(two).read(Incoming(b"{}"), source)["peer_code"] == "1"


def test_a_pin_finds_its_content_then_its_number_then_what_is_in_force(two):
    acts = act(two)

    assert acts.pinned(Pin("demo/act", 1, "another content")).pin.version == 1
    assert acts.pinned(Pin("demo/act", 9, "gone")).read(Incoming(b"{}"))["peer_code"] == "2"


def test_a_callback_is_read_by_the_newest(two):
    assert act(two).callback_path == "/c"
    assert act(two).read_callback(Incoming(b"{}"))["peer_code"] == "2"
    assert act(two).write_reply(Incoming(b"{}")).document == b'{"v":"2"}'


def test_a_claim_of_a_day_without_a_version_is_refused(two):
    with pytest.raises(MessageRefused) as refused:
        written(two, created_at="2024-12-31T23:59:59+08:00")

    assert refused.value.error_code == "no-version"


@pytest.mark.parametrize(
    ("version", "text", "code"),
    [
        (2, TEXT.format(version=3, effective="{by: submitted_at}"), "wrong-name"),
        (2, TEXT.format(version=2, effective="{by: submitted_at}").replace("demo/act", "demo/act@2"), "wrong-name"),
        (
            2,
            TEXT.format(version=2, effective="{by: submitted_at}").replace("effective", "# effective"),
            "missing-required",
        ),
        (2, TEXT.format(version=2, effective='{by: submitted_at, from: "2025-02-30"}'), "bad-value"),
        (2, TEXT.format(version=2, effective='{by: submitted_at, from: "2025-03-01", to: "2025-02-01"}'), "bad-value"),
        (2, TEXT.format(version=2, effective="{by: born_at}"), "bad-value"),
    ],
)
def test_a_version_that_could_never_be_told_apart_does_not_load(two, version, text, code):
    two.put("demo/act@2.yaml", text)
    from gateway.mapping import check_folder

    mistakes = check_folder(two.folder, two.schemas, two.vocabulary, two.partner, two.refs)
    assert code in [mistake.code for mistake in mistakes]
