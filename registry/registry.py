"""The registry as a Python object; the command line is a thin layer over it.

Methods import what they need: opening, listing, showing and removing need DuckDB alone, and neither numpy nor scipy,
which take longer to load than those questions take.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import duckdb

from ..ingest.errors import RegistryError, SourceError
from ..ingest.sources import CONNECTIONS, Source
from .jobs.specs import is_path, opened_spec, path_of
from .store.database import PATIENCE, Place, beside, open_database, registry_place
from .store.details import ModelDetails, RootClaim, model_details, root_claims
from .store.models import Model, find_model, find_source, list_models, outdated_models, remove_model, similar_names
from .store.progress import unheard
from .store.sketch_index import SketchIndex
from .store.transactions import committed

if TYPE_CHECKING:
    from ..ingest.model import ModelFingerprint
    from ..queries.answers.ancestors import Answering
    from ..queries.comparison.records.comparison import Comparison
    from .audit.report import AuditChanges, AuditReport
    from .audit.run import AuditOptions
    from .exchange.pulling import Pulled
    from .exchange.pushing import Pushed
    from .jobs.engines import Engine
    from .jobs.ingesting import Batch, Reading
    from .jobs.outcome import Outcome, Outcomes
    from .reports.ancestors import AncestorsReport
    from .reports.listed import Models
    from .reports.parts import PartsReport
    from .reports.recipes import RecipeReport
    from .reports.trees import TreeReport
    from .store.parquet import Exported, Imported

T = TypeVar("T")
TOGETHER = 4
"""Models that overlap: while one waits for the headers of its shards, others read their ranges."""


class Registry:
    """A registry of fingerprints in one DuckDB file. Use it as a context manager, or call `close`.

    `place` is a file, or `ducklake:CATALOGUE[?data=FOLDER]`; without one `$FOREBEAR_REGISTRY`, or registry.duckdb in
    the user's data folder. A file is created where it is missing, unless `read_only` or with `create=False`. Many
    processes may read it at a time, or one may write. Raises RegistryError when it is missing, when another process
    holds it for longer than `wait` seconds, when it is none of ours, or is of an unknown version.
    """

    def __init__(
        self, place: str | Path | None = None, *, read_only: bool = False, create: bool = True, wait: float = 0.0
    ) -> None:
        self.place: Place = registry_place(place)
        if not create and isinstance(self.place, Path) and not self.place.exists():
            raise RegistryError(f"{self.place}: no registry there; name one with --registry")
        self._read_only = read_only
        self._scan = SketchIndex(self.place).scan
        self._open: duckdb.DuckDBPyConnection | None = open_database(self.place, read_only=read_only, wait=wait)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open file, for SQL of your own. One that was let go of is opened again.

        Raises RegistryError when another process holds it for longer than PATIENCE seconds.
        """
        if self._open is None:
            self._open = open_database(self.place, read_only=self._read_only, wait=PATIENCE)
        return self._open

    def release(self) -> None:
        """Let other processes at the file until it is used again; connections that were handed out are closed."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def reader(self) -> Registry:
        """Another Registry on the same open file, for another thread; it closes what is its own alone."""
        found = object.__new__(type(self))
        found.place, found._read_only, found._scan = self.place, self._read_only, self._scan
        found._open = beside(self.connection)
        return found

    def __repr__(self) -> str:
        return f"Registry({str(self.place)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was reported as ingested is in it."""
        self.release()

    def ingest(
        self, *specs: str | Path, connections: int | None = None, budget: int | None = None, together: int = TOGETHER
    ) -> Outcomes:
        """Fingerprint and keep the models at `specs`; one outcome each, in order. Bad input never ends the batch.

        A spec is a folder, a file of weights, or `org/name[@revision]` of the Hub. What is unchanged is not read again.
        An outcome is Ingested, Unchanged, Skipped or Failed, the last two with a reason. Options: see `ingesting`.
        """
        from .jobs.outcome import Outcomes

        batch = self._batch(len(specs), connections, budget, together, False)
        return Outcomes(outcome for _, outcome in sorted(batch.outcomes([str(s) for s in specs]), key=lambda f: f[0]))

    def ingesting(
        self,
        specs: Iterable[str | Path],
        *,
        connections: int | None = None,
        budget: int | None = None,
        together: int = TOGETHER,
        sharing: bool = False,
        engine: Engine | None = None,
    ) -> Generator[Outcome, None, None]:
        """As `ingest`, one outcome at a time: a model is in the registry before its outcome is handed out.

        With `sharing`, the file is let go of while models are read, so that other processes get in between; connections
        that were handed out before are closed then.

        With repositories of the Hub among `specs`, `together` models overlap and outcomes come as models finish; they
        share `connections` ranges in flight (default 16). At most `budget` bytes of weights are read of each model.
        With an `engine` (such as `RayCluster`) models are read where it runs them, and outcomes come in order.
        """
        listed = [str(spec) for spec in specs]
        batch = self._batch(len(listed), connections, budget, together, sharing, engine)
        for _, outcome in batch.outcomes(listed):
            yield outcome

    def refreshing(
        self,
        *names: str | Path,
        connections: int | None = None,
        together: int = TOGETHER,
        sharing: bool = False,
        engine: Engine | None = None,
    ) -> Generator[Outcome, None, None]:
        """Read what the fingerprints of registered models lack, as an earlier version made them; of all without names.

        Only missing ranges are read, and a model that lacks nothing is not opened. What is kept stays where the source
        is gone, or is not as it was. Outcomes are Refreshed, Unchanged, or Failed with what to do; a name that nothing
        or too much has is Failed too. Options as of `ingesting`.
        """
        from .jobs.refreshing import named_models, rereading

        chosen, unknown = named_models(names, self.model) if names else (self.outdated(), [])
        yield from unknown
        reading = rereading(self.connection, chosen)
        batch = self._batch(len(chosen), connections, None, together, sharing, engine, reading)
        for _, outcome in batch.outcomes(list(reading.models)):
            yield outcome

    def _batch(
        self,
        count: int,
        connections: int | None,
        budget: int | None,
        together: int,
        sharing: bool,
        engine: Engine | None = None,
        reading: Reading | None = None,
    ) -> Batch:
        from .jobs.ingesting import Batch

        at_once = max(1, min(count, together))
        opener = partial(opened_spec, connections=max(1, (connections or CONNECTIONS) // at_once))
        return Batch(self, opener, budget=budget, together=at_once, sharing=sharing, engine=engine, reading=reading)

    def _unchanged(self, source: Source) -> Model | None:
        from ..ingest.model import is_current

        known = find_source(self.connection, source.uri, source.revision)
        return known if known and is_current(known.state, source.state, budget=0) else None

    def models(self, pattern: str = "") -> Models:
        """All models, oldest first; with a `pattern` those that pass it: a ModelFilter, and ValueError as there."""
        from ..queries.search.model_filter import parse_filter
        from .reports.listed import Models

        return Models(list_models(self.connection, parse_filter(pattern).parameters if pattern else None))

    def outdated(self) -> list[Model]:
        """The models whose fingerprints lack what this version keeps, such as activations: `refreshing` reads it."""
        return outdated_models(self.connection)

    def find(self, name: str | Path) -> Model | None:
        """The model that a name, a source or a path means, None when none does; RegistryError when several do."""
        if not is_path(name):
            return find_model(self.connection, str(name))
        return find_model(self.connection, Path(os.path.abspath(path_of(name))).as_uri())

    def model(self, name: str | Path) -> Model:
        """The model that a name, a source or a path means; RegistryError when none or several do."""
        if found := self.find(name):
            return found
        raise RegistryError(f"{str(name)!r} is not in {self.place}; {self._shown_instead(name)}")

    def _shown_instead(self, name: str | Path) -> str:
        """What to do about a name that no model has: similar names, or where to find them all."""
        similar = similar_names(self.connection, Path(name).name if is_path(name) else str(name))
        return f"did you mean {' or '.join(map(repr, similar))}?" if similar else "`forebear list` shows what is"

    def details(self, name: str | Path) -> ModelDetails:
        """What the registry holds of a model; RegistryError when there is no such model."""
        return model_details(self.connection, self.model(name))

    def remove(self, name: str | Path) -> Model:
        """Remove a model and return what it was; RegistryError when there is no such model."""
        found = self.model(name)
        remove_model(self.connection, found)
        return found

    def export(self, folder: str | Path) -> Exported:
        """Write the registry as Parquet files below a new `folder`, 256 models a part, for `import_` and other engines.

        Raises RegistryError when the folder is not empty.
        """
        from .store.parquet import export_registry

        return export_registry(self.connection, Path(folder))

    def import_(self, folder: str | Path) -> Imported:
        """Add the models of an export, all of it or nothing; those of the same source and revision stay as they are.

        Raises RegistryError or FormatError when it does not fit.
        """
        from .store.parquet import import_registry

        return import_registry(self.connection, Path(folder))

    def push(
        self, place: str | Path, *, prune: bool = False, advance: Callable[[int, int], None] | None = None
    ) -> Pushed:
        """Publish the registry at a folder, a dataset of the Hub, or an address of fsspec; see `exchange.pushing`."""
        from .exchange.opening import open_place
        from .exchange.pushing import push_registry

        return push_registry(self.connection, open_place(place, to_push=True), prune=prune, advance=advance)

    def pull(
        self, place: str | Path, *, sketches: bool = False, advance: Callable[[int, int], None] | None = None
    ) -> Pulled:
        """Add models of a published registry; with `sketches` 2.5 kB of each, and the rest as answers need it."""
        from .exchange.opening import open_place
        from .exchange.pulling import pull_registry

        return pull_registry(self.connection, open_place(place), sketches=sketches, advance=advance)

    def _whole(self, question: Callable[[int], T]) -> T:
        """The answer, after what it needs of models that are here by their sketches alone was fetched."""
        from .exchange.answering import answered

        return answered(self, question, read_only=self._read_only)

    def fingerprint(self, spec: str | Path) -> ModelFingerprint:
        """The fingerprint of a source, without keeping it: a folder, a file of weights, or `org/name[@revision]`.

        Raises SourceError for a source that cannot be reached or holds nothing to read, FormatError for a broken one.
        """
        from ..ingest.model import fingerprint_model

        source = opened_spec(spec)
        try:
            return fingerprint_model(source)
        finally:
            source.close()

    def ancestors(self, model: str | Path | Model, *, k: int = 10, assume_newest: bool = False) -> AncestorsReport:
        """The ranked ancestors of a registered model, or of a source that is fingerprinted now and not kept.

        `model` is a Model, a name, `name@revision`, a URI, a path, or `org/name` of the Hub; a registered, unchanged
        source is not read again. A component has at least `k` rows where the registry holds as many models, unrelated
        ones included. With `assume_newest` nothing registered counts as made after the model: an assumption, which the
        answer names. Raises RegistryError for a name that nothing or too much has, ValueError for a `k` below 1, and as
        `fingerprint` does.
        """
        return self._ranked(model, k, None, assume_newest)

    def descendants(self, model: str | Path | Model, *, k: int = 10) -> AncestorsReport:
        """The ranked descendants of a model: the question of `ancestors` the other way, from the same evidence.

        `direction_probability` of a row is that of being a descendant, and `verdict` is `derived` where one is told. A
        direction that nothing tells is `unknown`. Arguments and errors as of `ancestors`.
        """
        from ..queries.answers.descendants import descending

        return self._ranked(model, k, descending, False)

    def _ranked(self, model: str | Path | Model, k: int, answering: Answering | None, newest: bool) -> AncestorsReport:
        from .reports.asking import ask

        if k < 1:
            raise ValueError(f"k is {k}; at least one row must be asked for")
        asked = model if isinstance(model, Model) else self._asked(model)
        return self._whole(
            lambda left: ask(self.connection, asked, k, answering, self._scan, newest=newest, within=left)
        )

    def parts(self, model: str | Path | Model, *, keep: bool = False) -> PartsReport:
        """Where every part of a model comes from: block by block the registered model that explains it best.

        As few models are named as explain what is significant; see `queries.answers.parts`. What is nearest is named,
        which says nothing of who came first. With `keep` the answer is kept, for `FROM parts` in SQL; RegistryError
        then where the model is not registered. Arguments and other errors as of `ancestors`.
        """
        from .reports.parts import part_rows, parts_report
        from .store.recipes import keep_parts, registered

        asked = model if isinstance(model, Model) else self._asked(model)
        kept = registered(asked) if keep else None
        report = self._whole(lambda _: parts_report(self.connection, asked, self._scan))
        if kept:
            rows = part_rows(report)
            committed(self.connection, lambda: keep_parts(self.connection, kept.model_id, rows))
        return report

    def recipe(
        self,
        model: str | Path | Model,
        *,
        parents: Sequence[str | Path | Model] = (),
        base: str | Path | Model | None = None,
        keep: bool = False,
    ) -> RecipeReport:
        """What a model was merged from: parents, method and coefficients of every component that is a merge.

        `model` is named as for `ancestors`. Parents are found among its relatives in the registry (with changes of
        `base`, where one is named), or are the registered models `parents`, two or more. A recipe is told where it
        gives the sampled values bit for bit; a model that is no merge has none. Recipes of the model's own files are
        held against that (`declared`, `checks`). With `keep` the answer is kept, for `FROM recipes` in SQL. Raises as
        `ancestors` does, RegistryError for a base that does not fit, ValueError for one parent alone.
        """
        from .reports.recipes import ask_recipe
        from .store.recipes import keep_recipes, registered

        given = [parent if isinstance(parent, Model) else self.model(parent) for parent in parents]
        ground = base if isinstance(base, Model) or base is None else self.model(base)
        asked = model if isinstance(model, Model) else self._asked(model)
        kept = registered(asked) if keep else None
        report = self._whole(lambda _: ask_recipe(self.connection, asked, given, ground))
        if kept:
            found = report.components, report.recipes, report.checks
            committed(self.connection, lambda: keep_recipes(self.connection, kept.model_id, *found))
        return report

    def mark_root(self, model: str | Path | Model, *, source: str) -> Model:
        """Note the word of `source` (a URL, a paper, a person) that a registered model was trained from scratch.

        What is related to a root descends from it, or from something between: answers that rest on this say that it is
        a claim, and whose. It takes the place of an earlier one, and outlasts the model being read again. Raises
        RegistryError for a name that nothing or too much has, ValueError for a source that says nothing.
        """
        from .store.models import mark_root

        if not source.strip():
            raise ValueError("a claim needs somebody who makes it: its source is empty")
        found = model if isinstance(model, Model) else self.model(model)
        mark_root(self.connection, found, source)
        return found

    def unmark_root(self, model: str | Path | Model) -> Model:
        """Take back what `mark_root` noted; what the list of published base models says of a model stays.

        Raises RegistryError for a name that nothing or too much has.
        """
        from .store.models import unmark_root

        found = model if isinstance(model, Model) else self.model(model)
        unmark_root(self.connection, found)
        return found

    def root_claims(self, model: str | Path | Model) -> tuple[RootClaim, ...]:
        """Who says that a registered model was trained from scratch; RegistryError when there is no such model."""
        return root_claims(self.connection, model if isinstance(model, Model) else self.model(model))

    def audit(
        self,
        options: AuditOptions | None = None,
        *,
        accept: str | Path | None = None,
        advance: Callable[[str, int, int], None] | None = None,
    ) -> AuditReport:
        """Every model against all others; what was found is kept as a run. `advance` hears (stage, done, of how many).

        A run takes over what still holds of earlier ones, and goes on with one that was ended. The report's `table` has
        a row a finding, columns as in the view `audit_findings`, and `accepted`: why the file of waivers `accept` takes
        it (see `audit.waivers`), else NULL. Raises RegistryError where no model passes a filter, and where another
        process went on with the run; FormatError for a file of waivers that cannot be read.
        """
        from .audit.run import AuditOptions, run_audit
        from .audit.waivers import read_waivers

        if accept is not None:
            read_waivers(Path(accept))  # what cannot be read is told before the work
        run_id = run_audit(self, options or AuditOptions(), advance or (lambda stage, done, total: None))
        return self.audit_report(run_id, accept=accept)

    def audit_report(self, run_id: int, *, accept: str | Path | None = None) -> AuditReport:
        """The findings of an earlier run; RegistryError when there is none of that number that finished."""
        from .audit.report import audit_report
        from .audit.waivers import accepted, read_waivers

        waivers = read_waivers(Path(accept)) if accept is not None else ()
        return accepted(audit_report(self.connection, run_id), waivers)

    def audit_changes(self, earlier: int, later: int) -> AuditChanges:
        """What changed between two runs; RegistryError when one of them is not there or did not finish."""
        from .audit.report import audit_changes

        return audit_changes(self.connection, earlier, later)

    def tree(self, models: str = "") -> TreeReport:
        """The family trees of the registry, from the pairs of its newest whole audit; `models` is a filter in words.

        Families that hold a model which passes are shown whole. Directed edges are those that the audit tells; see
        `queries.answers.family_trees` for which pairs are drawn. Raises RegistryError where no audit has finished or no
        model passes, ValueError for a filter that cannot be read.
        """
        from .reports.trees import tree_report

        return tree_report(self.connection, models)

    def compare(
        self,
        a: str | Path | Model,
        b: str | Path | Model,
        *,
        controls: Sequence[str | Path | Model] | None = None,
        full: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Comparison:
        """Two models side by side, with controls; each is named as for `ancestors`, and none is kept.

        The Comparison has a `verdict` with its `sentence`, whether the controls let it be `trusted`, and every table.
        Without `controls` the registry supplies two: the nearest unrelated models of the same shape. Leading rows are
        read from the sources; of a registered model whose source cannot be had, the values in the registry serve.
        With `full` all weights of both are read too, and `progress` is told the bytes done and the bytes of all.
        Raises as `ancestors` does.
        """
        from .jobs.comparing import compare

        with ExitStack() as stack:

            def opened(model: str | Path | Model) -> Model | Source:
                found = model if isinstance(model, Model) else self._found(model)
                if not isinstance(found, Model):
                    stack.callback(found.close)
                return found

            given = None if controls is None else [opened(control) for control in controls]
            return compare(
                self.connection, opened(a), opened(b), given, opened_spec, whole=progress or unheard if full else None
            )

    def _asked(self, model: str | Path) -> Model | ModelFingerprint:
        found = self._found(model)
        if isinstance(found, Model):
            return found
        try:
            from ..ingest.model import fingerprint_model

            return fingerprint_model(found)
        finally:
            found.close()

    def _found(self, model: str | Path) -> Model | Source:
        """The registered model, or the open source of one that is not registered as it is now."""
        place = path_of(model)
        if not (is_path(model) and place.exists()) and (found := self.find(model)):
            return found
        source = self._source(model)
        if known := self._unchanged(source):
            source.close()
            return known
        return source

    def _source(self, model: str | Path) -> Source:
        """The source that is not registered; where there is none either, the error says both."""
        try:
            return opened_spec(model)
        except SourceError as error:
            raise RegistryError(
                f"{str(model)!r} is not in {self.place} ({self._shown_instead(model)}), and no source: {error}"
            ) from error
