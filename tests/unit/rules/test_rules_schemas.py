"""The published schemas and the model document are the code."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from rule_bills import bill, edited

from gateway.claims.canonical.claim import Submission
from gateway.claims.door.openapi import openapi_document
from gateway.claims.explain import mistakes_of
from gateway.claims.model_doc import model_text
from gateway.claims.rules import RULES
from gateway.claims.schema_export import DECIMAL, ROOTS, leaves, published_schema, schema_text, write_schemas
from gateway.kernel.labels import Label

HOUSE = Path(__file__).parents[3]
HELP = "run: lianpei schemas"


@pytest.mark.parametrize("name", ROOTS)
def test_the_published_file_is_the_code(name: str) -> None:
    published = (HOUSE / "schemas" / "canonical" / f"{name}.schema.json").read_text(encoding="utf-8")

    assert published == schema_text(name), HELP


def test_no_other_file_lies_among_the_published_schemas() -> None:
    files = {path.name for path in (HOUSE / "schemas" / "canonical").iterdir()}

    assert files == {f"{name}.schema.json" for name in ROOTS}, HELP


def test_the_model_document_is_the_code() -> None:
    assert (HOUSE / "docs" / "model.md").read_text(encoding="utf-8") == model_text(), HELP


@pytest.mark.parametrize("name", ROOTS)
def test_every_published_schema_is_valid_and_closed(name: str) -> None:
    schema = published_schema(name)

    jsonschema.Draft202012Validator.check_schema(schema)
    objects = [definition for definition in schema["$defs"].values() if "properties" in definition]
    assert objects
    assert all(definition["additionalProperties"] is False for definition in objects)


@pytest.mark.parametrize("name", ROOTS)
def test_every_leaf_has_one_label_and_a_chinese_name(name: str) -> None:
    found = list(leaves(published_schema(name)))

    assert len(found) > 5
    assert [path for path, leaf in found if leaf.get("x-label") not in set(Label)] == []
    assert [path for path, leaf in found if not leaf.get("x-zh")] == []


def test_national_names_stay_on_the_leaves() -> None:
    line = published_schema("submission")["$defs"]["FeeLine"]["properties"]

    assert line["amount"]["x-yibao"] == "det_item_fee_sumamt"


def test_what_the_decoder_takes_the_schema_takes() -> None:
    body = json.dumps(bill()).encode()
    again = msgspec.json.encode(msgspec.json.decode(body, type=Submission))

    assert mistakes_of(body, Submission) == []
    assert mistakes_of(again, Submission) == []


def test_write_schemas_writes_one_file_per_root(tmp_path: Path) -> None:
    written = write_schemas(tmp_path / "new")

    assert {path.name for path in written} == {f"{name}.schema.json" for name in ROOTS}
    assert json.loads(written[0].read_bytes())["$id"].startswith("urn:lianpei:canonical:v1:")


def test_every_rule_says_its_number_in_the_document() -> None:
    assert all((rule.__doc__ or "").startswith("Rule") for rule in RULES)


PRICES = ["25", "25.00", "-3.5", "+1", ".5", "2.", "1E0", "2.5e+1"]
NO_PRICES = ["", "abc", "NaN", "Infinity", "２５.００", "٢٥", "2_5.00", " 25.00 ", "25\n", "25,00", "1e"]


@pytest.mark.parametrize("price", [*PRICES, 25, 25.5])
def test_a_decimal_that_the_schema_tells_of_is_taken_digit_by_digit(price: object) -> None:
    body = json.dumps(edited({"lines.0.price": price})).encode()

    assert mistakes_of(body, Submission) == []
    assert msgspec.json.decode(body, type=Submission).lines[0].price == Decimal(str(price))


@pytest.mark.parametrize("price", NO_PRICES)
def test_a_text_of_another_form_is_no_decimal_of_the_schema(price: str) -> None:
    line = published_schema("submission")["$defs"]["FeeLine"]["properties"]

    assert not jsonschema.Draft202012Validator(line["price"]).is_valid(price)


@pytest.mark.parametrize(
    "schemas", [published_schema("submission")["$defs"], openapi_document(())["components"]["schemas"]]
)
def test_every_decimal_says_how_it_is_written(schemas: dict[str, Any]) -> None:
    spelt = [one for part in schemas.values() for one in part.get("properties", {}).values()]
    decimals = [one for one in spelt if one.get("format") == "decimal"]

    assert len(decimals) >= 5
    assert all((one["pattern"], one["type"]) == (DECIMAL, ["string", "number"]) for one in decimals)
    assert json.dumps(schemas).count('"format": "decimal"') == len(decimals), "none lies deeper"
