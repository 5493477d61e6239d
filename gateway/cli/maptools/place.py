"""What ``package`` or ``mappings/insurers/package/settle`` on the command line means."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.app import HOSPITAL_VOCABULARY, INSURER_VOCABULARY
from gateway.claims.partners.manifest import load_manifest
from gateway.cli.folders import folder_of
from gateway.kernel.errors import ConfigRefused
from gateway.mapping import Vocabulary
from gateway.mapping.inherit import lineage_of
from gateway.mapping.loader import NOT_MAPPINGS, Loaded, read_folder
from gateway.payment.room import VOCABULARY as PAYMENT_VOCABULARY
from gateway.payment.statement import STATEMENT_FOLDER, STATEMENTS

KINDS = ("insurers", "payment", "hospitals")
_OWN_REFS = frozenset({"item", "token"})
"""Refs that the conversation itself gives, beside those of the manifest."""


@dataclass(frozen=True, slots=True)
class Place:
    """A mapping folder with everything that loading it needs, and perhaps the act that is meant."""

    folder: Path
    schemas: Path
    vocabulary: Vocabulary
    constants: Mapping[str, str]
    refs: frozenset[str]
    act: str = ""

    @property
    def ends(self) -> tuple[Path, Path, Vocabulary, Mapping[str, str], frozenset[str]]:
        """The arguments of ``load_folder`` and its kin."""
        return self.folder, self.schemas, self.vocabulary, self.constants, self.refs

    @property
    def reads(self) -> bool:
        """A hospital format: it only reads."""
        return self.vocabulary.source is None

    @property
    def acts(self) -> set[str]:
        return acts_of(self.folder)

    @property
    def name(self) -> str:
        return f"{self.folder.name}/{self.act}" if self.act else self.folder.name

    def loaded(self) -> Loaded:
        return read_folder(*self.ends)


def find_place(spelt: str, mappings: Path | None = None) -> Place:
    """A folder by path or code, with ``/act`` or ``/act.yaml`` behind it or not. Raises ``ConfigRefused``."""
    return _place(*find_folder(spelt, mappings))


def find_folder(spelt: str, mappings: Path | None = None) -> tuple[Path, str]:
    """The folder and the act (or an empty text) that are meant. Raises ``ConfigRefused`` (``no-such-mapping``)."""
    whole, mappings = Path(spelt), folder_of("mappings", mappings)
    for folder, act in ((whole, ""), (whole.parent, whole.name.removesuffix(".yaml"))):
        for candidate in (folder, *(mappings / kind / folder for kind in KINDS)):
            if str(folder) != "." and _is_folder(candidate) and (not act or act in acts_of(candidate)):
                return candidate, act
    raise ConfigRefused(
        "no such mapping folder or act",
        code="no-such-mapping",
        hint="give a code such as package, a path, or folder/act: package/settle",
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # longer than a name can be
        return False


def acts_of(folder: Path) -> set[str]:
    """Acts and versions that a folder has, inherited ones too: ``settle``, ``settle@2``."""
    return {path.stem for path in lineage_of(folder).files(NOT_MAPPINGS)}


def schemas_of(folder: Path) -> Path:
    """``schemas/insurers/package`` beside ``mappings/insurers/package``; the payment channel's lie in one folder."""
    kind = folder.resolve().parent.name
    home = folder.resolve().parents[2] / "schemas" / kind
    return home / folder.name if kind == "insurers" else home


def _place(folder: Path, act: str) -> Place:
    schemas = schemas_of(folder)
    if (folder / "insurer.yaml").is_file():
        manifest = load_manifest(folder)
        constants = manifest.settings | dict.fromkeys(manifest.secrets, "secret")
        refs = frozenset(manifest.refs) | _OWN_REFS
        return Place(folder, schemas, INSURER_VOCABULARY, constants, refs, act)
    if folder.resolve().parent.name == "payment":
        daily = folder.name.endswith(STATEMENT_FOLDER)
        return Place(folder, schemas, STATEMENTS if daily else PAYMENT_VOCABULARY, {}, frozenset(), act)
    return Place(folder, schemas, HOSPITAL_VOCABULARY, {}, frozenset(), act or "visit")
