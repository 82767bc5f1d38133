"""What every command shows, for the server: it puts the commands' own tables on its pages."""

from __future__ import annotations

from functools import partial

from ..server.forms import Forms
from .commands.ancestors import ancestors_result
from .commands.audit import audit_result
from .commands.compare import compare_result
from .commands.list_ import list_result
from .commands.parts import parts_result
from .commands.recipe import recipe_result
from .commands.show import show_result
from .commands.sql import sql_result
from .commands.tree import tree_result


def forms() -> Forms:
    """The forms of all commands that read."""
    return Forms(
        models=list_result,
        model=show_result,
        ancestors=ancestors_result,
        descendants=partial(ancestors_result, noun="descendant"),
        parts=parts_result,
        recipe=recipe_result,
        compare=compare_result,
        tree=tree_result,
        audit=audit_result,
        sql=sql_result,
    )
