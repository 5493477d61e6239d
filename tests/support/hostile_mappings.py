"""Mapping files that nobody means well with: a sound one with names, values, tables and YAML gone hostile."""

from random import Random

SOUND = """mapping: demo/act
version: 1
channel: insurer
source: dispatch
target: {kind: KIND}
http: {method: POST, path: "/x/{claim.claim_id}", query: {q: visit.visit_id}, headers: {X-A: =a}}
correlation: uuid(claim.claim_id)
tables:
  sex: {male: 1, female: 2, else: 9}
  kinds: {$file: kinds.csv, $key: ours, $value: theirs, else: x}
let:
  total: yuan(split.total)
  main?: first(d.name for d in diagnoses where d.is_main)
request:
  root:
    a: visit.visit_id
    b: =constant
    sex: code(sex, patient.gender)
    main?: main
    lines: {$each: l in lines where l.amount > 0, no: l.line_no, sum: yuan(l.amount), n: text(position)}
    when: {$when: visit.accident == true, $text: 'datetime(act.sent_at, "%Y%m%d")'}
    inner: {$document: {kind: xml, as: base64, encoding: utf-8}, x: {y: total}}
answer:
  let: {b: first(r.body)}
  result:
    state: 'code(sex, r.code)'
    approved?: fen(b.pay)
    refs: {settle_no: 'default(b.no, "")'}
callback:
  path: /c
  correlation: protected["x"]
  result: {state: r.state}
  reply: {status: 202, body: {ok: =1}}
tests: []
"""
CODE = (
    '__import__("os").system("touch CANARY")',
    '__import__("pathlib").Path("CANARY").touch()',
    'open("CANARY", "w")',
    'eval("1")',
    "().__class__.__bases__[0].__subclasses__()",
    "visit.__class__.__init__.__globals__",
    "[x for x in ().__class__.__mro__]",
    "lambda: 0",
    "(y := visit)",
    'f"{visit}"',
    'text(visit.visit_id).format("{0.__class__}")',
    "breakpoint()",
    "9 ** 9 ** 9",
    "U",
    "s_visit.visit_id",
    "h_inner.append(1)",
    'cat("a")',
    "sum(1 for l in lines for m in lines)",
    "not " * 900 + "true",
    "(" * 200 + "1" + ")" * 200,
    'matches(visit.visit_id, "(a+)+$")',
    "visit.visit_id\x00",
    "'''",
    '"',
    "\\",
    "#",
    "1.5",
    "*lines",
    "r.x.y.z",
)
NAMES = (
    *("__class__", "__builtins__", "U", "cat", "h_text", "s_visit", "d", "class", "lambda", "import", "None", "True"),
    *(
        "$each",
        "$text",
        "$document",
        "$when",
        "$let",
        "$ns",
        "$nodes",
        "$item",
        "$cdata",
        "$unknown",
        "$",
        "?",
        "@",
        "@?",
    ),
    *(
        "a'b",
        'a"b',
        "a\\nb",
        "{x}",
        "a); open('CANARY','w'",
        "a:b",
        "xml:lang",
        "a b",
        "é",
        "\u202e",
        "a" * 5000,
        "<x>",
    ),
)
YAML = (
    "!!python/object/apply:os.system ['touch CANARY']",
    "!!python/name:os.system",
    "&a [*a]",
    "*nowhere",
    "{<<: {a: b}}",
    "[" * 60 + "]" * 60,
    "{a: 1, a: 2}",
    "? [complex]\n    : x",
    "|\n      two\n      lines",
    "!!binary aGFsbG8=",
    "!include /etc/passwd",
    "[]",
    "{}",
    "~",
    "''",
    "\t",
    "%TAG ! x",
    "--- x",
    "@x",
    "`x`",
)


def hostile(rng: Random) -> bytes:
    """The sound file with one to four hostile changes."""
    text = SOUND.replace("KIND", rng.choice(("json", "xml", "form", "json", "xml", "soap11", "nonsense")))
    for _ in range(rng.randint(1, 4)):
        lines = text.split("\n")
        place = rng.randrange(len(lines))
        lines[place] = rng.choice((_value, _name, _yaml, _doubled, _indented))(lines[place], rng)
        text = "\n".join(lines)
    data = text.encode("utf-8", "surrogatepass")
    return _bytes(data, rng) if rng.random() < 0.1 else data


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _value(line: str, rng: Random) -> str:
    """Another value behind the last colon of the line."""
    head, colon, _ = line.partition(": ")
    return f"{head}{colon or ': '}{_quoted(rng.choice(CODE))}"


def _name(line: str, rng: Random) -> str:
    spaces = line[: len(line) - len(line.lstrip())]
    _, colon, rest = line.strip().partition(":")
    return f"{spaces}{_quoted(rng.choice(NAMES))}{colon or ':'}{rest or ' x'}"


def _yaml(line: str, rng: Random) -> str:
    head, colon, _ = line.partition(": ")
    return f"{head}{colon or ': '}{rng.choice(YAML)}"


def _doubled(line: str, _rng: Random) -> str:
    return f"{line}\n{line}"


def _indented(line: str, rng: Random) -> str:
    return " " * rng.randint(0, 8) + line.strip()


def _bytes(data: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(data))
    return (
        data[:place]
        + rng.choice((b"\xff", b"\x00", b"\xef\xbb\xbf", b"\r", b"\x85"))
        + data[place + rng.randint(0, 3) :]
    )
