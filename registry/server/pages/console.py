"""SQL from visitors: the statement of `forebear sql`, in a process of its own that ends with its time.

What `forebear sql` refuses is refused here too: anything that is not one SELECT, other files, other databases. Beside
that a query has a time, memory and a number of rows. DuckDB 1.5 cannot end a query by itself and 2.0 loses interrupts,
so the process is killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from ...reports.numbers import counted
from ..parameters import Asked, Parameter
from ..site import PageTable, Site, page_tables
from ..view import HTML, Answer, Unusable, View, json_answer

SECONDS = 10.0
"""Of a query, the start of its process (0.4 s) included."""
ROWS = 1_000
MEGABYTES = 1_000
_LONGEST = 10_000
_ABOUT = "One SELECT, FROM, WITH, SHOW or DESCRIBE."
PARAMETERS = (Parameter("q", _ABOUT, default="", most=_LONGEST),)
REQUIRED = (Parameter("q", _ABOUT, most=_LONGEST),)
_BYTES = 16 << 20


def console_page(site: Site, view: View, asked: Asked) -> Answer:
    """The console, and the rows of the statement where there is one."""
    text = asked.text("q")
    if not text.strip():
        return _shown(site, text, [])
    try:
        names, types, rows, more = _run(view, text)
    except Unusable as error:
        return _shown(site, text, [], trouble=str(error))
    said = f"the first {counted(len(rows), 'row')} of more" if more else counted(len(rows), "row")
    return _shown(site, text, page_tables(site.forms.sql(names, types, rows, None)), said=said)


def _shown(site: Site, text: str, tables: list[PageTable], *, said: str = "", trouble: str = "") -> Answer:
    code = 400 if trouble else 200
    values = {"query": text, "seconds": SECONDS, "rows": ROWS, "tables": tables, "said": said, "trouble": trouble}
    return site.page("console.html", HTML, code, **values)


def console_answer(site: Site, view: View, asked: Asked) -> Answer:
    """What `forebear sql --format json` prints, at most ROWS rows; `more` says whether there are others."""
    names, types, rows, more = _run(view, asked.text("q"))
    return json_answer({**site.forms.sql(names, types, rows, None).document, "more": more})


def _run(view: View, text: str) -> tuple[list[str], list[str], Sequence[dict[str, object]], bool]:
    """Names and types of the columns, at most ROWS rows, whether there are more.

    Raises Unusable with what DuckDB or a limit says.
    """
    module, limits = "forebear.registry.server.sql_process", (str(ROWS + 1), str(MEGABYTES))
    command = [sys.executable, "-m", module, str(view.path), *limits]
    try:
        ran = subprocess.run(command, input=text.encode(), capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unusable(f"the query took longer than {SECONDS:.0f} s; ask for less, or use `forebear sql`") from error
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").replace(str(view.path), str(view.registry.place))
        raise Unusable(said.strip() or f"the query needs more than {MEGABYTES} MB; ask for less, or use `forebear sql`")
    if len(ran.stdout) > _BYTES:
        raise Unusable(f"the rows have more than {_BYTES >> 20} MB as text; ask for less")
    found = json.loads(ran.stdout)
    return found["names"], found["types"], found["rows"][:ROWS], len(found["rows"]) > ROWS
