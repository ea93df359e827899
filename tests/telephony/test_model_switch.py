"""The switch for all models, read from a real Redis."""

from redis.asyncio import Redis

from events.wire import MODELS_OFF
from telephony.model_switch import ModelSwitch


async def test_it_follows_redis(redis_url: str) -> None:
    redis = Redis.from_url(redis_url.rpartition("/")[0] + "/9")
    switch = ModelSwitch(redis)
    seen = []
    await redis.delete(MODELS_OFF)
    await switch.look()
    seen.append(switch.off)
    await redis.set(MODELS_OFF, "the model says odd things")
    await switch.look()
    seen.append(switch.off)
    await redis.delete(MODELS_OFF)
    await switch.look()
    seen.append(switch.off)
    assert seen == [False, True, False]
    await redis.aclose()


async def test_unreadable_it_stays_as_last_known() -> None:
    nowhere = Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=1)
    switch = ModelSwitch(nowhere)
    seen = []
    for known in (False, True):
        switch.off = known
        await switch.look()
        seen.append(switch.off)
    assert seen == [False, True]
    await nowhere.aclose()
