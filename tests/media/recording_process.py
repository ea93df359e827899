"""A process to be killed: it records one call in real time into a folder and a store, and says how far it is.

Run as `python -m tests.media.recording_process FOLDER STORE META`. A segment is a second here.
"""

import asyncio
import sys
from pathlib import Path

import numpy as np

from media.recording import segments, uploader
from media.recording.recorder import Recorder
from media.recording.spool import Spool, decode_meta
from media.recording.store import open_store
from media.recording.uploader import Uploader
from media.recording.writer import Writer

NODE = "voice-9"
FRAME_MS = 20
FRAME = 160
# No sample is µ-law silence, and no two seconds are alike.
SPEECH = np.random.default_rng(7).integers(0, 120, 60 * 8_000, dtype=np.uint8).tobytes()


async def record(folder: Path, address: str, meta: str) -> None:
    # A minute is too long for a test.
    vars(segments).update(SEGMENT_S=1)
    vars(uploader).update(SEGMENT_S=1, SPOOL_LAG_S=1.0, LOOK_EVERY_S=0.1)
    writer, upload = Writer(), Uploader(open_store(address), address, NODE, None)
    recorder = Recorder(Spool(folder, decode_meta(meta)), muted=False)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.run())
        tasks.create_task(upload.run())
        writer.begin(recorder)
        upload.begin(recorder.spool)
        began = asyncio.get_running_loop().time()
        for number in range(len(SPEECH) // FRAME):
            recorder.heard_from_prospect(number * FRAME_MS, SPEECH[number * FRAME :][:FRAME])
            sys.stdout.write(f"{(number + 1) * FRAME_MS} {upload.segments}\n")
            sys.stdout.flush()
            await asyncio.sleep(began + (number + 1) * FRAME_MS / 1_000 - asyncio.get_running_loop().time())


if __name__ == "__main__":
    asyncio.run(record(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
