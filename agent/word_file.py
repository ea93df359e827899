"""A file of words as an operator edits it: YAML into a declared form, or a fault that says where. Sans-I/O."""

from typing import Any, TypeVar

import msgspec
import yaml

T = TypeVar("T")


def parse_words(text: str, name: str, form: type[T], fault: type[Exception]) -> T:
    """Return the file's content; `name` is how errors call it.

    Raises:
        fault: not YAML, or a field missing, unknown or of the wrong type.
    """
    try:
        content: Any = yaml.safe_load(text)
        return msgspec.convert(content, form)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise fault(f"{name}: not YAML{place}: check indentation and quotes there") from None
    except msgspec.ValidationError as error:
        # YAML takes a bare `no` for false.
        raise fault(f"{name}: {error}; correct it (words such as no and yes need quotes)") from None
