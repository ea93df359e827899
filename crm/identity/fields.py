"""What routes take about people: the limits and shapes of single fields."""

from typing import Annotated, Final

from pydantic import StringConstraints

from crm.identity.password_rules import CHARS_MAX
from crm.mail.links import TOKEN_CHARS_MAX

# One @, a dot in the domain, plain letters (atext of RFC 5322 §3.2.3): what all mail servers take, and what looks the
# same to everybody. How a database lowers other letters depends on where it runs.
EMAIL_PATTERN: Final = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"
# One line.
_LINE: Final = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"

Email = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=EMAIL_PATTERN, max_length=254)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
OrganisationName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
# Labels of letters, digits and inner dashes (RFC 1123 §2.1), or nothing. Patterns are asked before case is lowered.
Domain = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^((LABEL\.)+LABEL)?$".replace("LABEL", "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"),
        max_length=253,
    ),
]
# Its own rules say what is wrong with a short one; hashing takes any text.
NewPassword = Annotated[str, StringConstraints(min_length=1, max_length=CHARS_MAX)]
LinkToken = Annotated[str, StringConstraints(min_length=1, max_length=TOKEN_CHARS_MAX)]
