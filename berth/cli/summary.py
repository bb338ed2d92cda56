"""What an archive is, or was made of, as lines for people or as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from handler.config import Task
from handler.precision import Precision

from ..inspection.difference import Difference, Version
from ..inspection.facts import Facts
from ..inspection.inspect import Inspection, inspect_archive
from ..machine.quantities import format_bytes
from ..pack.pack import Packed
from ..pack.precision.bounds import describe, with_kept

SHOWN_LABELS = 8
SHORT_COMMIT, SHORT_DIGEST = 10, 12
ENGINES = {
    "packed": "packed: texts share a forward pass without padding",
    "padded": "padded: this architecture brings its own attention, so texts are padded to the longest beside them",
    "static": "static: rows of a table and their mean, no transformer",
}
PRECISIONS = {
    "auto": "auto: bf16 on a GPU, fp32 on a CPU",
    "fastest": "fastest: bf16 on a GPU; on a CPU, where it is fast in it, {proven}fp32",
}


def render_inspection(inspection: Inspection, *, as_json: bool) -> str:
    """Everything that is known, as lines or as one JSON object."""
    if as_json:
        return json.dumps(asdict(inspection), ensure_ascii=False)
    return _lines(_rows(inspection))


def render_difference(difference: Difference, *, as_json: bool) -> str:
    """What differs between two archives as one JSON object, or as a sentence and a table."""
    if as_json:
        return json.dumps({"same": difference.is_same, **asdict(difference)}, ensure_ascii=False)
    if difference.is_same:
        return f"same content: {difference.contents[0]}"
    from rich.table import Column, Table  # noqa: PLC0415 - `--help` answers at once
    from rich.text import Text  # noqa: PLC0415

    from .tables import draw  # noqa: PLC0415

    table = Table(
        "",
        Column("what", overflow="fold"),
        *(Column(Text(archive), overflow="fold") for archive in difference.archives),
    )
    for row in _difference_rows(difference):
        table.add_row(*(Text(cell) for cell in row))
    return f"different contents: {' and '.join(difference.contents)}\n{draw(table)}"


def _difference_rows(difference: Difference) -> Iterator[tuple[str, str, str, str]]:
    """Each fact and each member that differs: its kind, its name, and how either archive has it."""
    for fact, (old, new) in difference.facts.items():
        yield "fact", fact.replace("_", " "), _value(old), _value(new)
    for name, version in difference.removed.items():
        yield "removed", name, _version(version), ""
    for name, version in difference.added.items():
        yield "added", name, "", _version(version)
    for name, (before, after) in difference.changed.items():
        yield "changed", name, _version(before), _version(after)


def _version(version: Version) -> str:
    return f"{version.sha256[:SHORT_DIGEST]} {version.size_bytes:,} bytes"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def render_packed(packed: Packed) -> str:
    """What was packed, from what and how, and the command to go on with."""
    inspection, prepared = inspect_archive(packed.archive), packed.prepared
    facts = _rows(inspection)
    rows = {
        "source": _source(prepared.source.address, prepared.source.revision),
        **facts,
        "task": _task(inspection.facts.task, prepared.task_reason, prepared.other_tasks),
        "engine": ENGINES[packed.engine],
        **_notes(prepared.notes),
        **({"signature": str(packed.signature)} if packed.signature else {}),
        "next": f"berth serve {packed.archive}",
    }
    return f"packed in {packed.seconds:.1f} s\n{_lines(rows)}"


def _rows(inspection: Inspection) -> dict[str, str]:
    """The facts by their headings, without those that the archive does not have."""
    facts = inspection.facts
    rows = {
        "model": f"{facts.name} {facts.version}",
        "source": _source(facts.source, facts.revision) if facts.source else "",
        "task": _task(facts.task, inspection.task_reason, inspection.other_tasks),
        "architecture": f"{facts.architecture}, {_millions(facts.num_parameters)} parameters",
        **_label_rows(facts),
        "vector": _vector(facts.vector) if facts.vector else "",
        "entities": _spans(facts.spans) if facts.spans else "",
        "candidates": _candidates(facts.candidates) if facts.candidates else "",
        "precision": _precision(facts),
        "token limit": f"{facts.max_tokens} of a text",
        "size": format_bytes(facts.content_bytes),
        "memory": _memory(inspection.server_bytes) if inspection.server_bytes else "",
        **_notes(inspection.notes),
    }
    return {heading: value for heading, value in rows.items() if value}


def _notes(notes: Sequence[str]) -> dict[str, str]:
    return {f"note {number}": note for number, note in enumerate(notes, 1)}


def _precision(facts: Facts) -> str:
    """The precision, and of `fastest` what packing has proven and what it has refused."""
    kept = {str(Precision.INT8): with_kept(facts.int8_kept)}
    proven = "".join(
        f"{each} ({describe(Task(facts.task), value)}{kept.get(each, '')}), "
        for each, value in facts.cpu_precisions.items()
    )
    said = PRECISIONS.get(facts.precision, facts.precision).format(proven=f"{proven}else " if proven else "")
    return ", ".join((said, *(f"never {each} ({why})" for each, why in facts.cpu_refused.items())))


def _source(address: str, revision: str | None) -> str:
    return f"{address} at {revision[:SHORT_COMMIT]}" if revision else address


def _task(task: str, reason: str | None, others: Sequence[Task]) -> str:
    """The task, and of a checkpoint what told it and what it could be as well."""
    could_be = f"; --task could be {' or '.join(others)}" if others else ""
    return f"{task} ({reason}{could_be})" if reason else task


def _millions(number: int) -> str:
    return f"{number / 1e6:.1f} M" if number >= 100_000 else f"{number:,}"


def _label_rows(facts: Facts) -> dict[str, str]:
    """The labels, of several heads by their names."""
    if not facts.heads:
        return {"labels": _labels(facts.labels)}
    return {f"head {name}": _labels(labels) for name, labels in facts.heads.items()}


def _labels(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:SHOWN_LABELS])
    return f"{len(labels)}: {shown}{', ...' * (len(labels) > SHOWN_LABELS)}" if labels else ""


def _spans(spans: Mapping[str, Any]) -> str:
    """What a GLiNER model reads and finds."""
    return (
        f"of types that a request names, of {spans['max_width']} words at most; windows of {spans['max_words']} words"
    )


def _candidates(candidates: Mapping[str, Any]) -> str:
    """How a GLiClass model reads labels, and what scores them."""
    side = "before" if candidates["labels_first"] else "behind"
    return f"labels that a request names, all read {side} the text; scorer {candidates['scorer']}"


def _vector(vector: Mapping[str, Any]) -> str:
    """How the tokens' vectors, or words' weights, become one."""
    steps = {
        f"{vector['size']} numbers": True,
        " and ".join(vector["kinds"]): vector["kinds"] != ["dense"],
        f"pooled by {' and '.join(vector['pooling'])}": vector["pooling"],
        f"{vector['dense']} modules behind": vector["dense"],
        "of length 1": vector["normalized"],
        f"cut to {vector['truncate_dim']}": vector["truncate_dim"],
        f"prompts {', '.join(vector['prompts'])}": vector["prompts"],
    }
    return ", ".join(step for step, is_there in steps.items() if is_there)


def _memory(server_bytes: int) -> str:
    return f"{format_bytes(server_bytes)} at the most, for a server with one worker on this machine"


def _lines(rows: Mapping[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"  {heading.ljust(width)}  {value}" for heading, value in rows.items())
