"""What is refused about imports, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "import_not_found": Kind(404, "There is no such import"),
    "import_not_ready": Kind(409, "The import is not in a state for this"),
    "file_too_large": Kind(413, "The file is too large: split it"),
    "file_unreadable": Kind(422, "The file is no table of text that can be read"),
    "upload_broken": Kind(400, "The upload ended early, or came too slowly: send the file again"),
}
