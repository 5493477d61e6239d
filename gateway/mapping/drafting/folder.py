"""The whole draft of a partner folder: manifest, one act, faults; plain texts by file name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.mapping.drafting.answer import answer_lines, outcome_rows
from gateway.mapping.drafting.candidates import leaves_of, lists_of
from gateway.mapping.drafting.lines import Line, flow, remark, scalar
from gateway.mapping.drafting.outline import Contract, Part
from gateway.mapping.drafting.tree import Counts, TreeDraft
from gateway.mapping.unconfirmed import MARK

_SCHEMAS = "../../../schemas/tools"
"""Where editors find the schemas of these files, from a partner folder."""
_HEAD = "A value that begins with ? is a suggestion; the file loads when a person has confirmed each one."


@dataclass(frozen=True, slots=True)
class Draft:
    """Files of a folder by name (texts end with a line feed) and what is left to do."""

    act: str
    files: Mapping[str, str]
    counts: Counts


def draft_folder(code: str, contract: Contract, source: type, act: str = "", answer: Contract | None = None) -> Draft:
    """A folder named ``code`` for the source model ``source``; the same input gives the same texts."""
    name = act or _snake(contract.operation or contract.request.name or "act")
    tree = TreeDraft(contract.kind == "json", tuple(leaves_of(source)), tuple(lists_of(source)))
    request = tree.root(contract.request)
    answered, codes = answer_lines(*_answer_root(contract, answer), tree.numbers)
    extension = "json" if contract.kind == "json" else "xml"
    lines = [
        *_header(code, name, contract),
        *_tables(tree, codes),
        Line(0, "request:"),
        *request,
        Line(0, "answer:"),
        *([Line(1, f"target: {_target(answer)}")] if answer is not None else []),
        *answered,
        Line(0, "tests:"),
        Line(
            1, f"- {{name: sample visit, in: examples/{name}.dispatch.json, out: examples/{name}.request.{extension}}}"
        ),
    ]
    files = {
        "insurer.yaml": _joined("insurer", _manifest(code, name, contract)),
        f"{name}.yaml": _joined("mapping", lines),
        "faults.yaml": _joined("faults", _faults(codes)),
    }
    return Draft(name, files, tree.counts)


def _joined(schema: str, lines: list[Line]) -> str:
    editor = f"# yaml-language-server: $schema={_SCHEMAS}/{schema}.schema.json"
    return "\n".join((editor, *map(str, lines))) + "\n"


def _snake(name: str) -> str:
    spelt = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"\W+", "_", spelt, flags=re.ASCII).strip("_") or "act"


def _header(code: str, name: str, contract: Contract) -> list[Line]:
    origin = contract.wsdl or contract.schema or contract.seen
    path = urlsplit(contract.endpoint).path
    effective = '{by: submitted_at, from: "2025-01-01"}'
    return [
        Line(0, f"# Drafted from {origin}. {_HEAD}"),
        *(
            [Line(0, "# A sample does not say what may be left out: compare each part with the partner's paper.")]
            * bool(contract.seen)
        ),
        Line(0, f"mapping: {code}/{name}"),
        Line(0, "version: 1"),
        Line(0, f"effective: {effective}"),
        Line(0, "channel: insurer"),
        Line(0, "source: dispatch"),
        Line(0, f"target: {_target(contract)}"),
        Line(0, "http:"),
        Line(1, "method: POST"),
        Line(1, f"path: {scalar(path or MARK + '/' + name)}"),
    ]


def _target(contract: Contract) -> str:
    named = {"kind": contract.kind, "schema": contract.schema, "wsdl": contract.wsdl, "operation": contract.operation}
    return flow({key: value for key, value in named.items() if value})


def _tables(tree: TreeDraft, codes: list[str]) -> list[Line]:
    lines = [Line(0, "tables:")]
    for name, (rows, choices) in tree.tables.items():
        lines.append(Line(1, f"{name}:", remark("theirs: " + ", ".join(choices))))
        lines += [Line(2, f"{_key(ours)}: {scalar(MARK + theirs)}") for ours, theirs in rows.items()]
        if not rows:
            lines.append(Line(2, f"else: {scalar(MARK)}"))
    lines.append(Line(1, "outcome:", remark("accepted, pending, refused, not_found or unknown")))
    return lines + [Line(2, f"{_key(theirs)}: {scalar(state)}") for theirs, state in outcome_rows(codes).items()]


def _key(text: str) -> str:
    return f'"{text}"' if re.fullmatch(r"[\d.+\-]+", text) else scalar(text)


def _answer_root(contract: Contract, answer: Contract | None) -> tuple[Part | None, str]:
    said = answer.request if answer is not None else contract.answer
    if said is None:
        return None, "r"
    kind = answer.kind if answer is not None else contract.kind
    if kind in ("soap11", "soap12"):
        return said, f"r.Body.{said.name}"
    return said, "r"


def _manifest(code: str, act: str, contract: Contract) -> list[Line]:
    protocol = {"json": "json", "xml": "xml"}.get(contract.kind, "soap")
    return [
        Line(0, f"# {_HEAD}"),
        Line(0, f"insurer: {code}"),
        Line(0, "names:"),
        Line(1, f"zh: {scalar(MARK)}"),
        Line(1, f"en: {scalar(MARK)}"),
        Line(0, f"protocol: {protocol}"),
        Line(0, "seal:", "how messages are signed and encrypted: docs/seals.md"),
        Line(1, "profile: ?plain"),
        Line(0, f"endpoint: {scalar(contract.endpoint or MARK + 'https://partner.example/')}"),
        Line(0, "settings: {}", "constants: partner.<name>"),
        Line(0, "refs: []", "what answers may keep: refs.<name>"),
        Line(0, "kinds:", "direct_pay or quick_claim: the acts in order"),
        Line(1, "direct_pay:"),
        Line(2, f"- ?{act}"),
        Line(0, "acts:"),
        Line(1, f"{act}:"),
        Line(2, "role: ?settle", "settle or claim decides the claim"),
        Line(2, "timeout: 8s"),
        Line(2, "retry: never", "same_id only if the partner treats a repeat under our act id as the same act"),
        Line(0, "on_unknown: park"),
    ]


def _faults(codes: list[str]) -> list[Line]:
    head = Line(
        0,
        "# Partner code -> what it means at the counter. A code that is not listed means unknown: it is asked about, never guessed.",
    )
    bad = [code for code in codes if outcome_rows(codes)[code].endswith("refused")]
    rows = []
    for code in bad:
        rows.append(Line(0, f"{_key(code)}:"))
        rows += [Line(1, f"{key}: {value}") for key, value in _FAULT.items()]
    return [head, *(rows or [Line(0, "{}")])]


_FAULT = {"code": "?message-refused", "who": "?gateway", "retry": '"no"', "zh": "'?'", "en": "'?'"}
