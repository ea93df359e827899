"""Typed settings, read once where a process starts, from the environment or `.env` (S3).

Everything has a default that works on one machine with nothing configured. Secrets are `SecretStr`: they never
show in logs, errors or `repr`. Code below the process entries gets values as arguments, never this object's source.
"""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_PREFIX: Final = "SALESOS_"
DEFAULT_CRM_PORT: Final = 8700
DEFAULT_VOICE_PORT: Final = 8701
DEFAULT_CARRIER_PORT: Final = 8702
# The carrier in a box knows exactly one account; it is no secret, and refused beside a real carrier.
BOX_ACCOUNT_SID: Final = "AC00000000000000000000000000b0b0b0"
BOX_AUTH_TOKEN: Final = "box-auth-token-for-loopback-only"  # noqa: S105 - a published development value
DEVELOPMENT_SECRET: Final = "development-only-secret-change-me-0000"  # noqa: S105 - refused off loopback
RECORDING_KEY_CHARS_MIN: Final = 32
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class BadSettings(Exception):
    """One or more settings are missing or malformed; `faults` names each, never its value."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_file=".env", extra="ignore", hide_input_in_errors=True)

    # Where things are
    data_dir: Path = Path(".salesos")
    host: str = "127.0.0.1"  # what every port binds to
    crm_port: int = Field(DEFAULT_CRM_PORT, ge=1, le=65535)
    voice_port: int = Field(DEFAULT_VOICE_PORT, ge=1, le=65535)
    carrier_port: int = Field(DEFAULT_CARRIER_PORT, ge=1, le=65535)
    database_url: SecretStr | None = None  # the application's role: neither owner nor superuser
    database_owner_url: SecretStr | None = None  # migrations only
    database_replica_url: SecretStr | None = None  # lists, searches and timelines may be read there
    database_replica_lag_s: float = Field(5.0, ge=0.1, le=300)  # further behind, the primary is read
    redis_url: SecretStr | None = None
    store_url: str = ""  # file:///path, s3://bucket/prefix; empty: data_dir/store
    public_url: str = ""  # where the carrier reaches the voice process; empty: its own loopback address
    crm_url: str = ""  # where the voice process reaches the CRM; empty: its own loopback address
    people_url: str = ""  # where browsers reach the voice process; empty: public_url or its own loopback address
    site_url: str = ""  # where people reach the CRM's pages, for links in letters; empty: crm_url or loopback
    carrier_url: str = ""  # the carrier's API; empty: the carrier in a box

    # Secrets of ours
    secret_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)  # signs sessions and permits
    internal_key: SecretStr = SecretStr(DEVELOPMENT_SECRET)  # voice node to CRM

    # The carrier
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    from_number: str = "+12025550100"
    check_signatures: bool = True  # may be off on loopback only

    # Recordings
    recording_format: Literal["wav", "opus"] = "wav"
    recording_key: SecretStr = SecretStr("")  # wraps the organisations' keys; empty: recordings are not sealed

    # The voice node
    node: str = "voice-1"
    max_calls: int = Field(40, ge=1)
    admit_by_load: bool = True  # refuse calls that would make those in progress suffer, before max_calls is reached
    speculate: bool = False  # begin an answer on a probable end of turn: faster, and some answers are thrown away
    smart_turn: bool = False  # judge ends of turns by their sound too, in a process of its own
    show_listeners: bool = True  # tell reps in a call who listens to it, and what is whispered to the agent
    hold_music: str = ""  # path of a WAV file; empty: our own loop
    people_udp_port: int = Field(0, ge=0, le=65535)  # browsers' sound, of all calls; 0: any free one
    people_addresses: tuple[str, ...] = ()  # IP addresses at which browsers reach it; empty: the machine's own
    ice_servers: SecretStr = SecretStr("")  # JSON list of STUN and TURN servers for browsers; see the guide
    relay_only: bool = False  # browsers send sound through a TURN server only
    drain_s: int = Field(20, ge=0, le=3600)  # told to stop: live calls may go on for so long

    # What the operator's law and purse allow
    allowed_countries: tuple[str, ...] = ("US", "CA", "BR", "GB")
    max_call_s: int = Field(1800, ge=60, le=4 * 3600)
    admins_refund: bool = False  # an organisation's admins may refund its calls; otherwise only the operator

    # Providers: which models hold conversations, and which recognisers hear and voices speak, each in the order in
    # which they are asked; and the operator's keys
    models: tuple[str, ...] = Field(("scripted",), min_length=1, max_length=5)
    recognizers: tuple[str, ...] = Field(("embedded",), min_length=1, max_length=3)
    voices: tuple[str, ...] = Field(("embedded",), min_length=1, max_length=3)
    sentiment_model: str = ""  # judges what prospects say, beside the conversation; empty: our own word lists
    pipecat_services: SecretStr = SecretStr("")  # JSON: name to class, arguments and settings; see the guide
    whisper_model: str = ""  # folder of a Whisper model for faster-whisper; empty: no recogniser of that name
    deepgram_base_url: str = ""  # one that you run yourself; empty: Deepgram
    elevenlabs_base_url: str = ""
    openai_base_url: str = ""  # any server that speaks OpenAI's chat completions; empty: OpenAI
    anthropic_base_url: str = ""
    gemini_base_url: str = ""
    deepgram_api_key: SecretStr | None = None
    elevenlabs_api_key: SecretStr | None = None
    openai_api_key: SecretStr | None = None
    anthropic_api_key: SecretStr | None = None
    gemini_api_key: SecretStr | None = None
    # The vendors' own reports of what they were asked for, compared each night with what we counted
    openai_admin_key: SecretStr | None = None  # may read the organisation's usage; no call is made with it
    usage_reports: str = ""  # folder of report files, for any vendor; empty: none
    usage_difference_max: float = Field(0.05, gt=0, lt=1)  # share of the tokens; more is an alert

    # Mail to the people who use the system, and webhooks
    mail_url: SecretStr = SecretStr("")  # smtp://user:password@host:587 or smtps://; empty: files in data_dir/letters
    mail_from: str = "salesos@localhost"
    webhook_networks: tuple[str, ...] = ()  # private networks that webhooks may reach, such as 10.1.0.0/16

    sign_up: bool = False  # anybody may found an organisation; the operator always may
    sign_in_failures_max: int = Field(8, ge=5, le=10)  # wrong passwords in a row until signing in is locked
    allowed_origins: tuple[str, ...] = ()  # other sites whose pages may use the API in browsers

    # How many requests the CRM serves of whom
    limit_public: str = "100/minute"  # of one address, without signing in or in vain
    limit_organisation: str = "6000/minute"  # of all people of an organisation
    limit_keys: str = "3000/minute"  # of all API keys of an organisation
    limit_key: str = "1000/minute"  # of one API key
    limit_leads: str = "500/hour;100/minute"  # these three: of one person or key
    limit_conversations: str = "300/hour;50/minute"
    limit_models: str = "1000/hour;200/minute"
    unlimited_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")  # nothing is counted of these

    dead_letters_max: int = Field(100, ge=0)  # jobs that failed for good, or events not applied; more is an alert
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator(
        "public_url",
        "people_url",
        "crm_url",
        "site_url",
        "carrier_url",
        "openai_base_url",
        "anthropic_base_url",
        "gemini_base_url",
        "deepgram_base_url",
        "elevenlabs_base_url",
    )
    @classmethod
    def _is_http_url(cls, value: str) -> str:
        if value:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
                raise ValueError("must be an http:// or https:// address without a query")
        return value.rstrip("/")

    @field_validator("sentiment_model")
    @classmethod
    def _is_model(cls, value: str) -> str:
        vendor, colon, model = value.partition(":")
        if value and not (vendor and colon and model):
            raise ValueError("must be PROVIDER:MODEL, such as openai:gpt-4o-mini, or empty for our own word lists")
        return value

    @field_validator("mail_url")
    @classmethod
    def _is_mail_url(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if value.get_secret_value() and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("must be smtp://host:port or smtps://host:port, with user:password@ where it takes one")
        return value

    @field_validator(
        "limit_public",
        "limit_organisation",
        "limit_keys",
        "limit_key",
        "limit_leads",
        "limit_conversations",
        "limit_models",
    )
    @classmethod
    def _is_limit(cls, value: str) -> str:
        try:
            amounts = [item.amount for item in parse_many(value)]
        except ValueError:
            amounts = [0]
        if min(amounts) < 1:
            raise ValueError("must be limits such as 500/hour;100/minute, each of 1 or more")
        return value

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            plain = f"{parts.scheme}://{parts.netloc}"
            if parts.scheme not in ("http", "https") or not parts.hostname or "*" in origin or plain != origin:
                raise ValueError("must be a JSON list of origins, such as https://app.example.com: no path, no pattern")
        return value

    @field_validator("people_addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            try:
                ip_address(name)
            except ValueError:
                raise ValueError("must be a JSON list of IP addresses, such as 203.0.113.7") from None
        return value

    @field_validator("webhook_networks", "unlimited_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            try:
                ip_network(name)
            except ValueError:
                raise ValueError("must be a JSON list of networks, such as 10.1.0.0/16, host bits zero") from None
        return value

    @field_validator("recording_key")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < RECORDING_KEY_CHARS_MIN:
            raise ValueError(f"must have {RECORDING_KEY_CHARS_MIN} random characters or more, or be empty")
        return value

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        off_loopback = self.host not in LOOPBACK_HOSTS
        if off_loopback and DEVELOPMENT_SECRET in (
            self.secret_key.get_secret_value(),
            self.internal_key.get_secret_value(),
        ):
            raise ValueError(
                "SALESOS_SECRET_KEY and SALESOS_INTERNAL_KEY must be set when SALESOS_HOST is not loopback"
            )
        if not self.check_signatures and off_loopback:
            raise ValueError("SALESOS_CHECK_SIGNATURES may be false on a loopback SALESOS_HOST only")
        if self.carrier_url and not (self.twilio_account_sid and self.twilio_auth_token.get_secret_value()):
            raise ValueError(
                "SALESOS_TWILIO_ACCOUNT_SID and SALESOS_TWILIO_AUTH_TOKEN are needed with SALESOS_CARRIER_URL"
            )
        return self

    @property
    def model_keys(self) -> dict[str, str]:
        """The operator's keys by vendor of models: those that are set."""
        keys = {"openai": self.openai_api_key, "anthropic": self.anthropic_api_key, "gemini": self.gemini_api_key}
        return {vendor: key.get_secret_value() for vendor, key in keys.items() if key}

    @property
    def model_base_urls(self) -> dict[str, str]:
        """Where vendors of models are; empty: at their own addresses."""
        return {
            "openai": self.openai_base_url,
            "anthropic": self.anthropic_base_url,
            "gemini": self.gemini_base_url,
        }

    @property
    def speech_base_urls(self) -> dict[str, str]:
        """Where vendors of speech are; empty: at their own addresses."""
        return {"deepgram": self.deepgram_base_url, "elevenlabs": self.elevenlabs_base_url}

    @property
    def uses_box_carrier(self) -> bool:
        return not self.carrier_url

    @property
    def carrier_address(self) -> str:
        return self.carrier_url or f"http://127.0.0.1:{self.carrier_port}"

    @property
    def crm_address(self) -> str:
        return self.crm_url or f"http://127.0.0.1:{self.crm_port}"

    @property
    def site_address(self) -> str:
        return self.site_url or self.crm_address

    @property
    def public_address(self) -> str:
        return self.public_url or f"http://127.0.0.1:{self.voice_port}"

    @property
    def people_address(self) -> str:
        """Of the websocket where people come to this node's calls."""
        return f"ws{(self.people_url or self.public_address).removeprefix('http')}/n/{self.node}/people"

    @property
    def page_origins(self) -> frozenset[str]:
        """The origins of pages that may connect to live calls, as browsers write them."""
        site = urlsplit(self.site_address)
        own = {f"{site.scheme}://{site.netloc}"}
        if site.hostname in LOOPBACK_HOSTS:
            own |= {f"{site.scheme}://{name}:{site.port}" for name in ("127.0.0.1", "localhost")}
        return frozenset({*own, *self.allowed_origins})

    @property
    def account_sid(self) -> str:
        return self.twilio_account_sid or BOX_ACCOUNT_SID

    @property
    def auth_token(self) -> str:
        return self.twilio_auth_token.get_secret_value() or BOX_AUTH_TOKEN

    @property
    def store_address(self) -> str:
        return self.store_url or (self.data_dir.absolute() / "store").as_uri()

    def need(self, name: str) -> str:
        """Return a secret address that this process cannot do without.

        Raises:
            BadSettings: it is not set.
        """
        value = getattr(self, name)
        if value is None:
            raise BadSettings([f"{ENV_PREFIX}{name.upper()}: is needed by this process (salesos up sets it for you)"])
        return str(value.get_secret_value())


def read_settings() -> Settings:
    """Read and check all settings.

    Raises:
        BadSettings: with every fault at once, each by its variable's name, none with its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise BadSettings([_fault(item["loc"], item["msg"]) for item in error.errors(include_input=False)]) from None


def _fault(location: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    # A fault between several settings names them itself.
    return f"{ENV_PREFIX}{str(location[0]).upper()}: {said}" if location else said
