"""Whether a folder holds a Whisper model as faster-whisper wants it. Looks, and loads nothing.

Asked for a folder that is not complete, the library goes to the network and tells of a malformed repository name.
"""

from pathlib import Path
from typing import Final

SETTING: Final = "SALESOS_WHISPER_MODEL"
FILES: Final = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")  # one of them


class BadModelFolder(ValueError):
    """The folder that the setting names is none, lacks files, or holds a model that does not load."""


def check_folder(folder: Path) -> None:
    """Raises BadModelFolder: names the setting, the folder and what is missing."""
    if not folder.is_dir():
        raise BadModelFolder(f"{SETTING}: {folder} is not a folder; name one with a converted Whisper model in it")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in VOCABULARIES):
        missing.append(" or ".join(VOCABULARIES))
    if missing:
        raise BadModelFolder(
            f"{SETTING}: {folder} lacks {', '.join(missing)}; a model converted for faster-whisper has them"
        )
