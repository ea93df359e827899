"""What passwords are made of when nobody thinks: words, names and rows of keys that every guesser tries first.

Ours, in lower case, Portuguese words without accents. Years, repeats and letters written as digits are told by rule
(see password_rules), so that one word here stands for many passwords.
"""

from pathlib import Path
from typing import Final

WORDS: Final = frozenset(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())

# As they lie on keyboards, and the alphabet.
ROWS: Final = (
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "abcdefghijklmnopqrstuvwxyz",
)
