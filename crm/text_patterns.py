"""Which characters a text of a request may hold, as patterns for its fields: what is bound to no one feature."""

from typing import Final

# Postgres keeps no NUL in a text.
NO_NUL: Final = r"^[^\x00]*$"
# A line break would end the head of a letter.
ONE_LINE: Final = r"^[^\x00\r\n]*$"
# For names, which lists and headers show.
NO_CONTROL: Final = r"^[^\x00-\x1f\x7f]*$"
