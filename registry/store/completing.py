"""What a fingerprint of an earlier version lacked, written to the model that is there."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from ...ingest.errors import SourceError
from ...ingest.refreshing import Additions
from ...ingest.versions import FINGERPRINT_VERSION
from ...queries.sql import statement
from .arrow import activation_tables
from .models import Model, find_source, next_ids


def complete_model(connection: duckdb.DuckDBPyConnection, model: Model, found: Additions) -> int:
    """Add to the fingerprint of `model` what it lacked; returns its new id. The caller has begun a transaction.

    The id is a new one, as after any other reading: audits compare what has a newer id than they have seen. Raises
    SourceError where the model was removed or read again meanwhile.
    """
    now = find_source(connection, model.uri, model.revision)
    if now is None or now.model_id != model.model_id:
        raise SourceError(f"{model.uri} was removed or read again by another process meanwhile; nothing was added")
    (model_id,) = next_ids(connection, 1)
    connection.execute("SET VARIABLE model_id = ?", [model.model_id])
    connection.execute("SET VARIABLE new_id = ?", [model_id])
    values: dict[str, object] = {"version": FINGERPRINT_VERSION, "bytes": found.bytes_read, "requests": found.requests}
    connection.execute(statement("models/complete"), values | {"now": datetime.now(UTC).replace(tzinfo=None)})
    connection.execute(statement("models/renumber"))
    for table, rows in activation_tables(found.activations, found.tensor_ids, model_id).items():
        if rows.num_rows:
            connection.from_arrow(rows).insert_into(table)
    return model_id
