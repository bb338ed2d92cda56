"""Texts with the marker and the fillers of late interaction around them."""

from dataclasses import replace

import numpy as np

from .encoded import NOTHING, Frame, Framed, Tokens
from .passages import Marks


def frame_marked(text: Tokens, frame: Frame, marks: Marks, truncation_side: str) -> Framed:
    """Cut a text, and put what stands around it in place: `frame`, the marker behind its first token, the fillers."""
    if marks.marker is not None:
        frame = replace(frame, before=np.insert(frame.before, 1, marks.marker))
    kept = text.keep(min(len(text.ids), max(0, marks.max_tokens - frame.num_special)), truncation_side)
    num_uncut, missing = text.count + frame.num_special, marks.max_tokens - frame.num_special - len(kept.ids)
    if marks.filler is not None and missing > 0:
        fillers = np.full(missing, marks.filler, frame.after.dtype)
        hidden = missing if marks.hides_filler else 0
        frame = replace(frame, after=np.concatenate([frame.after, fillers]), num_hidden=hidden)
    return Framed(frame=frame, first=kept, second=NOTHING, num_tokens_uncut=num_uncut)
