"""Telephone numbers that belong to nobody: +1 area code 555 0100 to 0199, reserved for fiction. Sans-I/O."""

from collections.abc import Container
from random import Random
from typing import Final

# Geographic codes of the United States, several for each time zone; none is toll-free or personal.
AREA_CODES: Final = (
    *(201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231),
    *(234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304, 305, 307),
    *(308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330, 334, 336, 337, 339, 347, 351),
    *(352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 425, 432),
    *(434, 435, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507, 508, 509, 510, 512, 513, 515, 516),
)
LINES: Final = range(100)


class NumbersExhausted(Exception):
    """Every fictional number has been used."""


def pick(used: Container[str], random: Random) -> str:
    """Return a fictional number (E.164) that is not in `used`.

    Raises:
        NumbersExhausted: there is none.
    """
    free = [number for code in AREA_CODES for line in LINES if (number := spell(code, line)) not in used]
    if not free:
        raise NumbersExhausted("every fictional number has been used: start again with `salesos up --fresh`")
    return random.choice(free)


def spell(area_code: int, line: int) -> str:
    """Return the number in E.164."""
    return f"+1{area_code}55501{line:02d}"
