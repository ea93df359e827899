"""Wires the carrier in a box: `create_app` for tests and load in this process, `run` for a process of its own."""

import signal
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI

import config
from config.logs import die
from config.settings import Settings
from telephony.carrier.box import box_routes
from telephony.carrier.errors import Refused
from telephony.carrier.exchange import DEFAULT_PERSONA, Account, Exchange
from telephony.carrier.persona import BadPersona, load_folder
from telephony.carrier.rest import refused, rest_routes

PERSONAS_DIR: Final = Path(config.__file__).parent / "personas"
SHUTDOWN_S: Final = 3

log = structlog.get_logger()


def create_app(settings: Settings, personas_dir: Path = PERSONAS_DIR) -> FastAPI:
    """Return the carrier as an application; its state lives from start-up to shut-down.

    Raises:
        BadPersona: a persona's file cannot be used.
    """
    personas = load_folder(personas_dir)
    if DEFAULT_PERSONA not in personas:
        raise BadPersona([f"{personas_dir}: {DEFAULT_PERSONA}.yaml is missing; it answers numbers that nobody has"])
    asked_at = f"{settings.public_address}/n/{settings.node}/twilio/inbound"
    account = Account(settings.account_sid, settings.auth_token, settings.from_number, asked_at)
    exchange = Exchange(account, personas, personas_dir, settings.data_dir / "carrier")

    def lifespan(_app: FastAPI) -> AbstractAsyncContextManager[Any]:
        return exchange

    app = FastAPI(title="Sales OS carrier in a box", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.exchange = exchange
    app.add_exception_handler(Refused, refused)
    app.include_router(rest_routes(exchange))
    app.include_router(box_routes(exchange))

    @app.get("/health/live")
    @app.get("/health/ready")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "live_calls": exchange.live_calls}

    return app


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; live calls end with the process."""
    try:
        app = create_app(settings)
    except BadPersona as error:
        die("carrier", "bad_persona", faults=error.faults)
    # uvicorn raises the signal that stopped it once more when it is done; the process is to end well all the same.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    log.info("carrier.listening", host=settings.host, port=settings.carrier_port)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.carrier_port,
        loop="uvloop",
        ws="websockets-sansio",
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    log.info("carrier.stopped")
