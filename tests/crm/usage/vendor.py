"""OpenAI's usage report as a server: pages of daily buckets with results by model, for an admin's key."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.telephony.stage import Server, free_port

ADMIN_KEY = "sk-admin-1234"


class Vendor:
    def __init__(self) -> None:
        self.results: list[dict[str, Any]] = []
        self.asked: list[dict[str, list[str]]] = []
        self.fault: Response | None = None
        self.endless = False
        self.url = ""

    def took(self, model: str, requests: int, prompt: int, completion: int) -> None:
        self.results.append(
            {
                "object": "organization.usage.completions.result",
                "input_tokens": prompt,
                "output_tokens": completion,
                "input_cached_tokens": 0,
                "input_audio_tokens": 0,
                "output_audio_tokens": 0,
                "num_model_requests": requests,
                "project_id": None,
                "user_id": None,
                "api_key_id": None,
                "model": model,
                "batch": None,
            }
        )

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/organization/usage/completions")
        async def usage(request: Request) -> Response:
            query = request.query_params
            self.asked.append({name: query.getlist(name) for name in query})
            if request.headers.get("authorization") != f"Bearer {ADMIN_KEY}":
                error = {"message": "Invalid", "type": "invalid_request_error", "code": "invalid_api_key"}
                return JSONResponse({"error": error}, 401)
            if self.fault is not None:
                return self.fault
            # A result a page, so that whoever reads the first page alone comes short.
            at = int(query.get("page", "0"))
            begin = int(query["start_time"])
            bucket = {
                "object": "bucket",
                "start_time": begin,
                "end_time": begin + 86_400,
                "results": self.results[at : at + 1],
            }
            more = self.endless or at + 1 < len(self.results)
            after = str(at + 1) if more else None
            return JSONResponse({"object": "page", "data": [bucket], "has_more": more, "next_page": after})

        return app


@asynccontextmanager
async def serving() -> AsyncGenerator[Vendor]:
    vendor = Vendor()
    port = free_port()
    server = Server(uvicorn.Config(vendor.app(), port=port, log_config=None, lifespan="off"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.01)
        vendor.url = f"http://127.0.0.1:{port}/v1"
        try:
            yield vendor
        finally:
            server.should_exit = True
