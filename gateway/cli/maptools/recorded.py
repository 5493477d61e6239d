"""Sources for ``map diff`` out of a gateway's own records: read through its keeper, so that every reading is in the audit."""

import argparse
from collections.abc import Iterator
from typing import Any

import msgspec

from gateway.claims.canonical.dispatch import Dispatch
from gateway.claims.canonical.visit import require_numbered
from gateway.claims.custody.wish import Wish
from gateway.claims.partners.manifest import load_manifest
from gateway.cli.custody import ask
from gateway.cli.maptools.place import Place
from gateway.kernel.errors import ConfigRefused
from gateway.mapping.compare.acts import Comparison
from gateway.mapping.compare.fields import Change

Recorded = dict[str, list[tuple[str, Any]]]
"""Act's name to named dispatches."""
HIDDEN = "(hidden)"


def add_options(one: argparse.ArgumentParser) -> None:
    group = one.add_argument_group("recorded claims 已记录的赔案")
    group.add_argument("--recorded", metavar="INSURER", default="", help="and what this gateway sent to that insurer")
    group.add_argument("--most", type=int, default=100, help="so many of its newest acts (100)")
    group.add_argument("--reason", default="", help="number of the case or ticket behind this; it goes into the audit")
    group.add_argument("--config", help="settings file (default: LIANPEI_CONFIG, else lianpei.toml)")
    group.add_argument("--show", action="store_true", help="show values too: they are patients' data")


def recorded_sources(place: Place, chosen: argparse.Namespace) -> Recorded:
    """Opened once for all acts."""
    if not chosen.recorded:
        return {}
    if place.vocabulary.source is not Dispatch:
        raise ConfigRefused("only messages to insurers are recorded as claims", hint="leave --recorded out")
    wish = Wish("recorded", chosen.reason, insurer=chosen.recorded, most=chosen.most)
    found: Recorded = {}
    for act in ask(chosen.config, wish)["acts"]:
        source = msgspec.convert(act["dispatch"], Dispatch)
        require_numbered(source.lines)
        found.setdefault(act["name"], []).append((act["act_id"], _of_batch(source, place)))
    return found


def _of_batch(source: Dispatch, place: Place) -> Dispatch:
    """The lines of its batch alone, as they were sent."""
    rule = load_manifest(place.folder).rule(source.act.name)
    if not rule.batch:
        return source
    first = (source.act.batch_no - 1) * rule.size
    return msgspec.structs.replace(source, lines=source.lines[first : first + rule.size])


def hidden(found: list[Comparison], recorded: Recorded) -> Iterator[Comparison]:
    """The comparisons with fields only where a recorded claim differs: what stood in them is not shown."""
    secret = {name for sources in recorded.values() for name, _ in sources}
    for one in found:
        one.changes = {
            sample: [_hidden(change) for change in changed] if sample in secret else changed
            for sample, changed in one.changes.items()
        }
        yield one


def _hidden(change: Change) -> Change:
    sides = (None if side is None else HIDDEN for side in (change.before, change.after))
    return Change(change.field, *sides)
