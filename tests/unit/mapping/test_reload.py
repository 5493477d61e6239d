"""New mappings while claims run: only what loads, checks and keeps its own promises is swapped in, and all at once."""

import pytest

from gateway.kernel.errors import MappingRefused
from gateway.mapping import FolderSource, Incoming, LiveActs

TEXT = """mapping: demo/{name}
version: {version}
channel: insurer
source: dispatch
target: {{kind: json}}
http: {{path: /x}}
request: {{v: ={version}}}
answer: {{result: {{state: =accepted, peer_code: ={version}}}}}
tests: [{{name: answer, answer: a.json, result: r.json}}]
"""


def put(shop, version, names=("one", "two")):
    for name in names:
        shop.put(f"demo/{name}.yaml", TEXT.format(name=name, version=version))
    shop.put("demo/a.json", "{}")
    shop.put("demo/r.json", f'{{"state": "accepted", "peer_code": "{version}"}}')


@pytest.fixture
def told():
    return []


@pytest.fixture
def live(shop, told):
    put(shop, 1)
    shop.schemas.mkdir()
    source = FolderSource(shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs)
    return LiveActs(source, told.append)


def test_a_folder_that_holds_its_promises_is_swapped_in_and_whoever_holds_an_act_speaks_to_the_new(shop, live, told):
    held = live["one"]
    assert held.write(shop.dispatch()).document == b'{"v":"1"}'

    put(shop, 2)
    live.reload()

    assert held.write(shop.dispatch()).document == b'{"v":"2"}'
    assert (held.pin.version, len(live), set(live), told) == (2, 2, {"one", "two"}, [False])


def test_an_answer_is_read_by_the_content_that_made_the_request(shop, live):
    pin = live["one"].write(shop.dispatch()).pin
    put(shop, 2)
    live.reload()
    put(shop, 3)
    live.reload()

    assert live["one"].read(Incoming(b"{}"))["peer_code"] == "3"
    assert live["one"].pinned(pin).read(Incoming(b"{}"))["peer_code"] == "1"
    assert live["one"].pinned(live["one"].pin).read(Incoming(b"{}"))["peer_code"] == "3"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("demo/two.yaml", "mapping: demo/two\nversion: 2\n"),
        ("demo/two.yaml", "{"),
        ("demo/r.json", '{"state": "accepted", "peer_code": "not this"}'),
        ("demo/r.json", "no JSON"),
    ],
    ids=["a mistake", "no YAML", "a test that fails", "a test that can't run"],
)
def test_a_folder_that_fails_keeps_the_old_whole_and_says_so(shop, live, told, name, text):
    put(shop, 2)
    shop.put(name, text)

    with pytest.raises(MappingRefused):
        live.reload()

    assert told == [True]
    for act in live.values():
        assert act.write(shop.dispatch()).document == b'{"v":"1"}'

    put(shop, 2)
    live.reload()
    assert told == [True, False]


def test_an_act_can_not_vanish_while_claims_run(shop, live, told):
    (shop.folder / "two.yaml").unlink()

    with pytest.raises(MappingRefused) as refused:
        live.reload()
    assert "two would be gone" in refused.value.message
    assert (set(live), told) == ({"one", "two"}, [True])


def test_contents_from_before_are_not_kept_without_end(shop, live):
    pin = live["one"].pin
    for version in range(2, 50):
        put(shop, version)
        live.reload()

    assert live["one"].pinned(pin).pin.version == 49
    assert len(live.before) <= 64


def test_examples_are_tried_without_the_deployment_s_secrets(shop, live, told):
    """A golden request holds the word ``secret`` where a deployment has its own."""
    shop.partner["key"] = "a real one"
    put(shop, 2)
    shop.put("demo/one.yaml", TEXT.format(name="one", version=2).replace("{v: =2}", "{v: partner.key}"))
    live.source = FolderSource(
        shop.folder, shop.schemas, shop.vocabulary, shop.partner, shop.refs, secrets=frozenset({"key"})
    )
    live.reload()

    assert live["one"].write(shop.dispatch()).document == b'{"v":"a real one"}'
