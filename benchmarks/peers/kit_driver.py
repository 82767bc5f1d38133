"""Runs `provenancekit compare --json` over many pairs in one process of the kit's own environment.

    python kit_driver.py CACHE < pairs.tsv > results.jsonl

It calls the entry point of the kit's command with the arguments that the shell would give, so that its libraries are
loaded once and not once a pair; features are kept in CACHE by the kit itself. Nothing of the kit is changed.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time

from provenancekit import cli  # type: ignore[import-not-found]


def compare(first: str, second: str, cache: str) -> dict[str, object]:
    """What the command prints for one pair, or how it failed."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["provenancekit", "compare", "--json", "--cache-dir", cache, first, second]
    started = time.process_time()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    text = out.getvalue()
    found: dict[str, object] = {"first": first, "second": second, "seconds": time.process_time() - started}
    if code or "{" not in text:
        return found | {"error": err.getvalue()[-300:]}
    content = json.loads(text[text.index("{") :])
    return found | {"scores": content["scores"], "signals": content["signals"]}


def main(cache: str) -> None:
    """One line of JSON a pair, then one with the peak memory."""
    for line in sys.stdin:
        first, second = line.rstrip("\n").split("\t")
        print(json.dumps(compare(first, second, cache)), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak_megabytes": peak}))


if __name__ == "__main__":
    main(sys.argv[1])
