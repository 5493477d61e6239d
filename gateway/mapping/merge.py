"""One tree over another: what an extending file, or a node that uses a block, says differently; the rest stays inherited."""

from gateway.mapping.errors import did_you_mean
from gateway.mapping.yamlfile import Book, Entry, Map, Node, Pos, Scalar, Seq, text_of

_DROP, _RENAME, _ORDER = "$drop", "$rename", "$order"


def merged(base: Map, over: Map, book: Book) -> Map:
    """``over`` on ``base``. A key said again replaces what it named, a map goes on into a map, and ``{}`` changes nothing.

    A new key stands before the next inherited key that ``over`` names after it, otherwise at the end. ``$drop: [key]`` leaves
    inherited keys out, so that one said anew replaces it whole; ``$rename: {old: new}`` gives one another name in its old place;
    ``$order: [key, …]`` puts these keys first, in this order.
    """
    inherited = _renamed(_dropped(base.entries, over, book), over, book)
    known = {_identity(entry.key) for entry in inherited}
    said: dict[str, Entry] = {}
    before: dict[str, list[Entry]] = {}
    fresh: list[Entry] = []
    for entry in over:
        name = _identity(entry.key)
        if entry.key in (_DROP, _RENAME, _ORDER):
            continue
        if name not in known:
            fresh.append(entry)
            continue
        said[name], before[name], fresh = entry, fresh, []
    entries: list[Entry] = []
    for entry in inherited:
        name = _identity(entry.key)
        entries += before.get(name, [])
        entries.append(_over(entry, said[name], book) if name in said else entry)
    return Map(over.pos, _ordered(entries + fresh, over, book))


def _identity(key: str) -> str:
    """``Name?`` and ``Name`` are one key: whether it may be left out is part of what is said anew."""
    return key.removesuffix("?")


def _over(old: Entry, new: Entry, book: Book) -> Entry:
    value = new.value
    if not isinstance(value, Map):
        return new
    if not value.entries:
        return Entry(new.key, new.pos, old.value)
    if isinstance(old.value, Map):
        return Entry(new.key, new.pos, merged(old.value, value, book))
    if isinstance(old.value, Seq) and len(old.value.items) == 1 and isinstance(only := old.value.items[0], Map):
        # A body that is always an array of one: its one object is spoken to as if the array were not there.
        return Entry(new.key, new.pos, Seq(old.value.pos, [merged(only, value, book)]))
    return new


def _dropped(entries: list[Entry], over: Map, book: Book) -> list[Entry]:
    spelt = over.get(_DROP)
    if spelt is None:
        return entries
    if not isinstance(spelt, Seq):
        book.note(spelt.pos, "bad-shape", "$drop is a list of inherited keys")
        return entries
    gone = set()
    for item in spelt.items:
        name = text_of(item, book, "a dropped key")
        _must_be_inherited(name, entries, item.pos, book)
        gone.add(_identity(name))
    return [entry for entry in entries if _identity(entry.key) not in gone]


def _renamed(entries: list[Entry], over: Map, book: Book) -> list[Entry]:
    spelt = over.get(_RENAME)
    if spelt is None:
        return entries
    if not isinstance(spelt, Map):
        book.note(spelt.pos, "bad-shape", "$rename is {inherited key: new key}")
        return entries
    names: dict[str, str] = {}
    for entry in spelt:
        _must_be_inherited(entry.key, entries, entry.pos, book)
        names[_identity(entry.key)] = text_of(entry.value, book, "a new key")
    return [Entry(_called(entry.key, names), entry.pos, entry.value) for entry in entries]


def _ordered(entries: list[Entry], over: Map, book: Book) -> list[Entry]:
    spelt = over.get(_ORDER)
    if spelt is None:
        return entries
    if not isinstance(spelt, Seq):
        book.note(spelt.pos, "bad-shape", "$order is a list of keys")
        return entries
    places: dict[str, int] = {}
    for item in spelt.items:
        name = text_of(item, book, "a key")
        _must_be_inherited(name, entries, item.pos, book)
        places.setdefault(_identity(name), len(places))
    return sorted(entries, key=lambda entry: places.get(_identity(entry.key), len(places)))


def _called(key: str, names: dict[str, str]) -> str:
    """The new name; an inherited ``?`` stays."""
    new = names.get(_identity(key))
    return key if new is None else new + key[len(_identity(key)) :]


def _must_be_inherited(name: str, entries: list[Entry], pos: Pos, book: Book) -> None:
    keys = [_identity(entry.key) for entry in entries]
    if _identity(name) not in keys:
        book.note(pos, "not-inherited", f"there is no inherited key {name!r} here", did_you_mean(name, keys))


def placed(node: Node, file: int) -> Node:
    """A copy whose positions count as another file of the book: the same block used twice is two places."""

    def at(pos: Pos) -> Pos:
        return Pos(pos.line, pos.column, file)

    if isinstance(node, Scalar):
        return Scalar(node.text, at(node.pos))
    if isinstance(node, Seq):
        return Seq(at(node.pos), [placed(item, file) for item in node.items])
    return Map(at(node.pos), [Entry(e.key, at(e.pos), placed(e.value, file)) for e in node])
