"""What a CRM process holds for its whole life: the pool, Redis, the store, the operator's tables.

Made from settings once, where the process starts; everything below gets these values.
"""

from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from obstore.store import ObjectStore
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

import config
from config.settings import Settings
from crm.billing.conditions import Tariff
from crm.billing.plans import read_plans
from crm.billing.prices import read_prices
from crm.bus import open_redis
from crm.calls.dial import Dialler
from crm.calls.nodes import VoiceNodes
from crm.calls.recordings import open_store
from crm.calls.terms import Terms
from crm.compliance.rules import Rules, read_rules
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.standings import Standings, ask_database
from crm.limits.counts import Counts
from crm.limits.gate import Gate
from crm.limits.rules import Rules as Limits
from crm.phone_numbers.incoming import Reception
from crm.prompts.book import PromptBook
from crm.providers.key_check import VendorKeyCheck
from crm.replica import Replica
from events.sealed_audio import MasterKey

CONFIG_FOLDER: Final = Path(str(config.__path__[0]))


@dataclass(frozen=True, slots=True)
class Resources:
    engine: AsyncEngine
    sessions: Sessions
    redis: Redis
    store: ObjectStore
    nodes: VoiceNodes
    dialler: Dialler
    reception: Reception  # of calls that come in
    prompts: PromptBook
    recording_master: MasterKey | None  # None: recordings are not sealed
    key_check: VendorKeyCheck
    playbooks: Path
    rules: Rules
    tariff: Tariff
    max_call_s: int
    secret_key: str
    internal_key: str
    gate: Gate  # how many requests are served of whom
    standings: Standings
    sign_in_failures_max: int
    sign_up_open: bool
    site_url: str = ""  # of the pages, for links
    replica: Replica | None = None  # what lists, searches and timelines may be read from
    admins_refund: bool = False  # whether an organisation may refund its own calls

    async def aclose(self) -> None:
        await self.gate.counts.aclose()
        await self.redis.aclose()
        if self.replica is not None:
            await self.replica.aclose()
        await self.engine.dispose()


def open_resources(settings: Settings, config_folder: Path | None = None) -> Resources:
    """Make them; nothing is connected yet.

    Raises:
        BadSettings, BadPrices, BadPlans, BadRules, BadStore
    """
    folder = config_folder or CONFIG_FOLDER
    recording_key = settings.recording_key.get_secret_value()
    terms = Terms(
        secret_key=settings.secret_key.get_secret_value(),
        from_number=settings.from_number,
        max_call_s=settings.max_call_s,
        tariff=Tariff(read_prices(folder / "prices.yaml"), read_plans(folder / "plans.yaml")),
        rules=read_rules(folder / "compliance.yaml", settings.allowed_countries),
        playbooks=folder / "playbooks",
        recording_master=MasterKey(recording_key) if recording_key else None,
        models=settings.models,
        recognizers=settings.recognizers,
        voices=settings.voices,
        sentiment=settings.sentiment_model,
    )
    store = open_store(settings.store_address)
    engine = open_engine(settings.need("database_url"))
    redis = open_redis(settings.need("redis_url"))
    sessions = open_sessions(engine)
    nodes = VoiceNodes(redis)
    prompts = PromptBook(sessions)
    return Resources(
        engine=engine,
        sessions=sessions,
        redis=redis,
        store=store,
        nodes=nodes,
        dialler=Dialler(sessions, nodes, terms, prompts),
        reception=Reception(sessions, terms, prompts),
        prompts=prompts,
        recording_master=terms.recording_master,
        key_check=VendorKeyCheck(settings.model_base_urls, settings.speech_base_urls),
        playbooks=terms.playbooks,
        rules=terms.rules,
        tariff=terms.tariff,
        max_call_s=terms.max_call_s,
        secret_key=terms.secret_key,
        internal_key=settings.internal_key.get_secret_value(),
        gate=Gate(
            Counts(settings.need("redis_url")),
            Limits(
                public=settings.limit_public,
                organisation=settings.limit_organisation,
                keys=settings.limit_keys,
                key=settings.limit_key,
                leads=settings.limit_leads,
                conversations=settings.limit_conversations,
                models=settings.limit_models,
            ),
            tuple(ip_network(name) for name in settings.unlimited_networks),
        ),
        standings=Standings(partial(ask_database, sessions), redis),
        sign_in_failures_max=settings.sign_in_failures_max,
        sign_up_open=settings.sign_up,
        site_url=settings.site_address,
        replica=open_replica(settings, engine),
        admins_refund=settings.admins_refund,
    )


def open_replica(settings: Settings, primary: AsyncEngine) -> Replica | None:
    """Return what is read from beside the primary, when the operator has one."""
    url = settings.database_replica_url
    if url is None:
        return None
    return Replica(url.get_secret_value(), primary, settings.database_replica_lag_s)
