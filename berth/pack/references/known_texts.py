"""The texts that every model is asked, chosen to show mistakes."""

HARBOUR = (
    "A berth is the place where a ship lies when she is in harbour: deep enough for her keel, long enough "
    "for her hull, with bollards to hold her and cranes to unload her. The harbour master gives it to her "
    "before she arrives, by her length and her draught, and not by her flag. When the tide turns she leaves "
    "it clean for the next one, and nobody on the quay needs to know her by name."
)
TEXTS = (
    "hello world",
    "",
    "A",
    "Größe, naïveté, 東京タワー, Привет мир, שלום 🚢⚓️👩‍🔬",
    "The quick brown fox jumps over the lazy dog; 12,345.67 % of readers have seen it do so before!",
    HARBOUR,
    " ".join([HARBOUR] * 8),  # longer than most models take: proves where they cut, windows, and any sliding window
)
QUESTION = "How deep is the harbour?"
