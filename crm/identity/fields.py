"""What routes take about people: the limits and shapes of single fields."""

from typing import Annotated, Final

from pydantic import StringConstraints

from crm.identity.password_rules import CHARS_MAX
from crm.mail.links import TOKEN_CHARS_MAX

# One @, something before it, a dot in the domain, no blanks or control characters: what mail servers agree on.
EMAIL_PATTERN: Final = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)+$"
# One line.
_LINE: Final = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"

Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=EMAIL_PATTERN, max_length=254)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
OrganisationName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
# Its own rules say what is wrong with a short one; hashing takes any text.
NewPassword = Annotated[str, StringConstraints(min_length=1, max_length=CHARS_MAX)]
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_CHARS_MAX)]
