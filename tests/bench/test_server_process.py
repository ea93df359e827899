"""Starting a measured server, and reading its lag."""

import sys

import pytest

from bench.server_process import Server, ServerFailed, our_command, read_lag, running


async def test_a_server_that_ends_at_once_is_told() -> None:
    with pytest.raises(ServerFailed, match="before it was ready"):
        async with running([sys.executable, "-c", "pass"]):
            pytest.fail("there is no server")


async def test_a_server_says_where_it_is_and_is_ended() -> None:
    line = """import os, json, time; print(json.dumps({"pid": os.getpid(), "stream_url": "ws://x"}), flush=True)"""
    async with running([sys.executable, "-c", f"{line}; time.sleep(60)"], ours=False) as server:
        assert server.stream_url == "ws://x"
        assert (server.tells_lag, server.closes_streams) == (False, False)
        assert await read_lag(server) is None


async def test_a_server_that_is_not_there_tells_no_lag() -> None:
    assert await read_lag(Server(1, "ws://127.0.0.1:1/stream")) is None


def test_our_server_gets_its_core_and_its_limit() -> None:
    words = ["bench", "serve", "--core", "1", "--max-calls", "20"]
    assert our_command(20, 1)[-7:] == [*words, "--no-by-load"]
    assert our_command(20, 1, by_load=True)[-7:] == [*words, "--by-load"]
