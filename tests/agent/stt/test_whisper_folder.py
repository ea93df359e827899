"""Folders that hold no model are told apart before the library goes to the network for them."""

from pathlib import Path

import pytest

from agent.stt.whisper_folder import FILES, BadModelFolder, check_folder


def complete(folder: Path) -> Path:
    for name in (*FILES, "vocabulary.json"):
        (folder / name).touch()
    return folder


def test_a_complete_folder_is_good(tmp_path: Path) -> None:
    check_folder(complete(tmp_path))


def test_an_older_vocabulary_will_do(tmp_path: Path) -> None:
    (complete(tmp_path) / "vocabulary.json").rename(tmp_path / "vocabulary.txt")
    check_folder(tmp_path)


@pytest.mark.parametrize("missing", [*FILES, "vocabulary.json"])
def test_what_is_missing_is_named_with_the_setting(tmp_path: Path, missing: str) -> None:
    (complete(tmp_path) / missing).unlink()
    with pytest.raises(BadModelFolder, match=rf"SALESOS_WHISPER_MODEL: {tmp_path} lacks {missing}"):
        check_folder(tmp_path)


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadModelFolder, match=r"lacks model.bin, config.json, tokenizer.json, vocabulary.json or"):
        check_folder(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_no_folder_is_said_to_be_none(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadModelFolder, match="is not a folder"):
        check_folder(tmp_path / name)
