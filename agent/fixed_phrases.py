"""Which sentences of a call are the operator's own words and name nobody: a voice may keep their sound. Sans-I/O."""

from collections.abc import Iterator
from typing import Any

import msgspec

from agent.llm.playbook import Playbook
from agent.sentences import SentenceSplitter
from agent.stock_phrases import StockPhrases


def fixed_phrases(playbook: Playbook, stock: StockPhrases) -> frozenset[str]:
    """Return the stock phrases and the playbook's lines, whole and by sentences, but for those with variables."""
    found: set[str] = set()
    for line in (*stock.all, *_texts(msgspec.to_builtins(playbook))):
        splitter = SentenceSplitter()
        sentences = {line, *splitter.push(line), *splitter.flush()}
        found |= {" ".join(sentence.split()) for sentence in sentences if "{" not in sentence}
    return frozenset(found)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for inner in part.values():
            yield from _texts(inner)
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from _texts(inner)
