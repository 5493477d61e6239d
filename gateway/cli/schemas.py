"""Publishes the canonical model's and the payment room's JSON Schemas, the model's field tables and the state tables."""

import argparse
from pathlib import Path
from typing import Any

from gateway.claims.model_doc import write_model
from gateway.claims.schema_export import write_schemas
from gateway.cli.folders import there
from gateway.cli.formats import write_format_schemas
from gateway.cli.statedoc import write_states
from gateway.payment.schema_export import write_schemas as write_payment_schemas


def add_commands(commands: Any) -> None:
    one = commands.add_parser(
        "schemas", help="write the JSON Schemas, docs/model.md and docs/states.md from the code 生成模式与文档"
    )
    one.add_argument("--schemas", type=Path, default=Path("schemas"), help="folder of the schemas (schemas)")
    one.add_argument("--docs", type=Path, default=Path("docs"), help="folder of the pages (docs)")
    one.set_defaults(run=_write)


def _write(chosen: argparse.Namespace) -> int:
    there(chosen.schemas, "--schemas")
    there(chosen.docs, "--docs")
    write_schemas(chosen.schemas / "canonical")
    write_format_schemas(chosen.schemas / "tools")
    write_payment_schemas(chosen.schemas / "payment")
    write_model(chosen.docs / "model.md")
    write_states(chosen.docs / "states.md")
    print(f"schemas are in {chosen.schemas}, the field and state tables in {chosen.docs}: model.md, states.md")
    return 0
