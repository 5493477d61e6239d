"""The mapping language: read, check, compile, run. Knows types, no partner and no claim (docs/mapping.md)."""

from gateway.mapping.api import CompiledAct, Incoming, Outgoing, Pin, Vocabulary
from gateway.mapping.errors import MappingFailed, Mistake
from gateway.mapping.goldens import run_folder_tests, run_reader_tests
from gateway.mapping.inherit import inherited_yaml
from gateway.mapping.loader import act_files, check_folder, check_reader, load_folder, load_reader
from gateway.mapping.readers import MappedReader
from gateway.mapping.reload import FolderSource, LiveActs
from gateway.mapping.review import Review, review_folder, review_reader

__all__ = [
    "CompiledAct",
    "FolderSource",
    "Incoming",
    "LiveActs",
    "MappedReader",
    "MappingFailed",
    "Mistake",
    "Outgoing",
    "Pin",
    "Review",
    "Vocabulary",
    "act_files",
    "check_folder",
    "check_reader",
    "inherited_yaml",
    "load_folder",
    "load_reader",
    "review_folder",
    "review_reader",
    "run_folder_tests",
    "run_reader_tests",
]
