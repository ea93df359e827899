"""Which pipecat services an operator offers, from the setting's JSON. Imports no pipecat.

A plan names one of these and nothing else: a class's path from outside would run whatever code it leads to.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

SETTING: Final = "SALESOS_PIPECAT_SERVICES"


class BadServices(ValueError):
    """The setting cannot be read; the message names it, the service and the field."""


class BridgedService(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One service: what to import, and what to give it."""

    service: str = ""  # module and class, with dots; empty: the name is it
    arguments: dict[str, Any] = {}  # of its constructor: keys, addresses
    settings: dict[str, Any] = {}  # fields of its Settings: model, voice, language
    ulaw: bool = False  # its arguments say that it takes, or gives, µ-law at 8 kHz rather than PCM
    name: str = ""

    @property
    def fingerprint(self) -> str:
        """What changes with anything that it is given."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"BridgedService({self.name!r}, {self.service!r})"  # its arguments hold keys


_DECODER: Final = msgspec.json.Decoder(dict[str, BridgedService])


def read_services(text: str) -> Mapping[str, BridgedService]:
    """Return the services by name; none for an empty text.

    Raises:
        BadServices: not JSON of this form, or a path that is none.
    """
    if not text.strip():
        return {}
    try:
        found = _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise BadServices(
            f'{SETTING}: {error}; it is JSON such as {{"NAME": {{"service": "MODULE.CLASS", "arguments": {{}}}}}}'
        ) from None
    services = {}
    for name, service in found.items():
        path = service.service or name
        module, dot, cls = path.rpartition(".")
        if not (dot and cls.isidentifier() and all(part.isidentifier() for part in module.split("."))):
            raise BadServices(f"{SETTING}: {name}: {path!r} is not a module and a class, with dots between")
        services[name] = msgspec.structs.replace(service, service=path, name=name)
    return services
