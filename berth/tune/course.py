"""The course of `berth tune`: what fits is tried once, the best and `serve`'s own split once more, the last first."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from .. import __version__
from ..archive.served_model import read_model
from ..archive.signature import unpack_signed
from ..archive.unpack import cache_folder
from ..archive.verify import content_id
from ..errors import BerthError, Refused, UsageError
from ..machine.machine import read_machine
from ..machine.traits import read_traits
from ..memory.model_size import ModelSize
from ..memory.plan import plan_memory
from ..memory.split import Split
from ..memory.workers import choose_workers
from ..settings import Settings, find_config
from .outcome import NUM_FINALISTS, Outcome, Result
from .search import Step
from .splits import plan_splits
from .texts import make_bodies
from .trial import TRIAL_S, try_split
from .tuning import Tuning, require_writable, tuning_file, write_tuning

LOOK_S = 1.0
QUIET_PERCENT = 10.0


def why_noisy(busy_percent: float) -> str | None:
    """What to say of processors that others use before anything is served; None where that is little."""
    if busy_percent <= QUIET_PERCENT:
        return None
    return (
        f"other programs keep {busy_percent:.0f} % of this machine's processors busy: they will be in the figures too"
    )


class Course:
    """One tuning of one archive on this machine; nothing is served or written before `run`."""

    def __init__(
        self,
        archive: Path,
        p99_ms: float,
        texts: Path | None,
        environ: Mapping[str, str],
        signed_by: Path | None = None,
    ) -> None:
        """Check all that can be checked first: the folder, the archive, the texts. Refused or UsageError.

        `signed_by`: the public key of whom the archive must be signed by.
        """
        self._file = tuning_file(archive)
        require_writable(self._file)
        self._archive, self._p99_ms = archive, p99_ms
        self._settings = Settings.load(find_config(None), environ)
        self._model = read_model(unpack_signed(archive, signed_by, cache_folder()).absolute())
        self._bodies = make_bodies(self._model, texts)
        self._machine = read_machine(environ, None)
        self._id, self._traits = content_id(archive), read_traits(self._machine)
        self.planned = self._plan()

    @property
    def num_trials(self) -> int:
        """How many servers will be started, at the most."""
        fitting = sum(not result.why_not for result in self.planned)
        return fitting + min(fitting, NUM_FINALISTS + 1)

    @property
    def about_s(self) -> float:
        """How long that will take, about."""
        return self.num_trials * TRIAL_S

    def run(self, report: Callable[[str], object]) -> Outcome:
        """Try all splits; `report` is told of each as it ends, and how long the others will take."""
        results = {result.split: result for result in self.planned}
        if noise := why_noisy(psutil.cpu_percent(LOOK_S)):
            report(noise)
        began_s = time.monotonic()
        for done, split in enumerate(self._order(results), 1):
            results[split] = self._try(results[split])
            left_s = (time.monotonic() - began_s) / done * (self.num_trials - done)
            report(f"{done} of {self.num_trials}: {self._describe(results[split])}; {left_s / 60:.1f} minutes left")
        return self._outcome(results)

    def keep(self, outcome: Outcome) -> Path:
        """Write the winner where `berth serve` reads it, and return that file; BerthError where there is none."""
        if not outcome.winner:
            best = outcome.best_p99_ms
            reached = f"the best p99 was {best:.1f} ms" if best else outcome.results[0].why_not or "none was answered"
            raise BerthError(
                f"no split met the p99 of {self._p99_ms:g} ms: {reached}; nothing is written: ask for a longer --p99, "
                "or pack with a faster --precision"
            )
        write_tuning(self._file, self._tuning(outcome.winner.split, outcome.winner.peak(self._p99_ms)))
        return self._file

    def _plan(self) -> tuple[Result, ...]:
        """Count the memory of every split; those that do not fit say why not."""
        size = ModelSize.read(self._model.folder)
        if size.config is None:
            raise Refused(f"{self._archive} has a handler that is not berth's, which no split can be told")
        own = choose_workers(self._machine, 1).number
        return tuple(
            self._count(split) for split in plan_splits(self._machine, size.config, own, self._settings.default_workers)
        )

    def _count(self, split: Split) -> Result:
        plan = plan_memory([self._model.folder], self._settings, self._machine, split.workers, split)
        why_not = (plan.refusal or "").partition("; most of it")[0]
        return Result(split=split, memory_bytes=plan.least.total_bytes, why_not=why_not)

    def _order(self, results: Mapping[Split, Result]) -> Iterator[Split]:
        """Every split that fits, and then, of what `results` show by then, the finalists in the opposite order."""
        yield from (result.split for result in self.planned if not result.why_not)
        finalists = self._outcome(results).finalists()
        yield from sorted(finalists, key=list(results).index, reverse=True)

    def _outcome(self, results: Mapping[Split, Result]) -> Outcome:
        return Outcome(p99_ms=self._p99_ms, results=tuple(results.values()))

    def _try(self, result: Result) -> Result:
        tuning = self._tuning(result.split, None)
        path = f"/predictions/{self._model.name}"
        try:
            steps = try_split(self._archive, self._settings.config, self._bodies, tuning, path)
        except UsageError:
            raise
        except BerthError as error:
            return replace(result, why_not=str(error))
        return replace(result, trials=(*result.trials, tuple(steps)))

    def _tuning(self, split: Split, peak: Step | None) -> Tuning:
        return Tuning(
            archive=self._id,
            machine=self._traits,
            berth=__version__,
            split=split,
            target_p99_ms=self._p99_ms,
            peak=peak,
        )

    def _describe(self, result: Result) -> str:
        """One split's result so far, for a sentence."""
        if result.why_not:
            return f"{result.split}: {result.why_not}"
        peak = result.peak(self._p99_ms)
        reached = f"{peak.rate:.0f} requests/s" if peak else "no rate"
        return f"{result.split}: {reached} within {self._p99_ms:g} ms"
