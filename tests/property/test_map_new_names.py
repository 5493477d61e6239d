"""Whatever a partner calls its members, a draft is well-formed YAML that says those names again."""

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.claims.canonical.dispatch import Dispatch
from gateway.mapping.drafting import draft_folder, read_contract

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
NAMES = TEXT.filter(lambda name: name[-1] not in "?@" and not name.startswith("$"))


@settings(max_examples=30, deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True), remark=TEXT, word=TEXT)
def test_names_remarks_and_codes_of_any_spelling(names: list[str], remark: str, word: str) -> None:
    properties = {name: {"type": "string", "description": remark, "enum": [word, word + "x"]} for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.json"
        path.write_text(json.dumps({"$schema": "x", "properties": properties, "required": names}))
        draft = draft_folder("demo", read_contract(path), Dispatch, "act")
    for text in draft.files.values():
        yaml.safe_load(text)
    assert list(yaml.load(draft.files["act.yaml"], yaml.BaseLoader)["request"]) == names
