"""`python -m bench [PERSONA] [COUNT] [AT_ONCE]`: calls through the running system (`make run` in another terminal)."""

import sys
from typing import Final

from bench.calls import place_calls, report

DEFAULTS: Final = ("eager", "10", "2")


def main(words: list[str]) -> int:
    """Print the report; the exit status is 1 when a call has no summary."""
    persona, count, at_once = (*words, *DEFAULTS[len(words) :])
    summaries = place_calls(persona, int(count), int(at_once))
    sys.stdout.write(report(summaries) + "\n")
    failures = [summary["error"]["message"] for summary in summaries if "error" in summary]
    sys.stdout.writelines(f"failed: {message}\n" for message in failures)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
