"""Outcomes -> one JSON document, from which pages, plots and the gate are made. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..measure.course import Chosen, Outcome

SCHEMA_VERSION = 1
Document = Mapping[str, Any]


def to_document(facts: Mapping[str, object], settings: Mapping[str, object], outcomes: Sequence[Outcome]) -> Document:
    """Everything but the raw latencies; plain values only."""
    return {
        "schema_version": SCHEMA_VERSION,
        "benchmark": "peers",
        **facts,
        "settings": dict(settings),
        "models": {each.model: _model(each) for each in outcomes},
    }


def _model(outcome: Outcome) -> dict[str, object]:
    return {
        "peers": {each.peer.name: _peer(each) for each in outcome.chosen},
        "skipped": dict(outcome.skipped),
        "peaks_gflops": [{name: round(value, 1) for name, value in peaks.items()} for peaks in outcome.peaks],
        "cells": [{name: _short(value) for name, value in asdict(cell).items()} for cell in outcome.cells],
    }


def _peer(chosen: Chosen) -> dict[str, object]:
    return {
        "precision": chosen.peer.precision,
        "setting": str(chosen.setting),
        "tried": dict(chosen.tried),
        "least_cosine": round(chosen.least_cosine, 6),
    }


def _short(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value
