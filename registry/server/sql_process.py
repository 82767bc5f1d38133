"""One SQL statement in a process of its own, its rows as JSON: `python -m forebear.registry.server.sql_process`.

Arguments: the registry, how many rows, how many megabytes DuckDB may use. The statement comes by stdin.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ...ingest.errors import ForebearError
from ..reports.numbers import plain
from ..store.sql import rows_of, run_sql


def main() -> int:
    """Run the statement; 0, or 1 with what is wrong with it on stderr."""
    place, rows, megabytes = sys.argv[1:]
    try:
        found = run_sql(Path(place), sys.stdin.buffer.read().decode(), rows=int(rows), megabytes=int(megabytes))
        listed = plain(rows_of(found))
    except ForebearError as error:
        print(error, file=sys.stderr)
        return 1
    types = [str(column.type) for column in found.schema]
    print(json.dumps({"names": found.column_names, "types": types, "rows": listed}, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
