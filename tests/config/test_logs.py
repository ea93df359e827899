"""What a process writes on standard error."""

import json
import subprocess
import sys

# In a process of its own: loggers keep what they were set up with when they first spoke.
PROGRAM = """
import structlog
from config.logs import configure_logs
configure_logs("crm", "info")
log = structlog.get_logger()
try:
    raise RuntimeError("no room for ana@example.com, +5511999990000, 529.982.247-25 and 4111 1111 1111 1111")
except RuntimeError:
    log.exception("request.failed", entry_id="1795464608615-4", fields=[{"value": "ana@example.com"}])
log.info("told", to="+5511999990000", count=5511999990000, **{"pii.words": "secret"})
"""


def test_lines_are_json_and_hold_nothing_personal() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    failed, told = [json.loads(line) for line in done.stderr.splitlines()]
    assert "RuntimeError: no room for [email], [phone], [cpf] and [card]" in failed["exception"]
    assert failed["exception"].startswith("Traceback")
    assert (failed["entry_id"], failed["fields"]) == ("1795464608615-4", [{"value": "[email]"}])
    assert (told["to"], told["process"], told["level"]) == ("[phone]", "crm", "info")
    assert "pii.words" not in told
