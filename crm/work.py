"""What a worker process holds for its loops and its jobs. Made from settings once, where the process starts."""

from dataclasses import dataclass

from obstore.store import ObjectStore
from redis.asyncio import Redis

from crm.database import Sessions
from crm.mail.post import Post
from crm.understanding.after_call import NoteDesk
from crm.usage.reconcile import Sources
from crm.webhooks.sending import Sender


@dataclass(frozen=True, slots=True)
class Work:
    sessions: Sessions
    database_url: str  # for connections that are not the pool's
    redis: Redis
    store: ObjectStore
    notes: NoteDesk
    usage: Sources
    post: Post
    webhooks: Sender
    secret_key: str
    site_url: str = "http://127.0.0.1:8700"  # of the pages, for links in letters
    dead_letters_max: int = 100  # of jobs, and of events; more is an alert
