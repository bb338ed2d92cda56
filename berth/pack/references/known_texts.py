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
# What a faster precision is held to, of many kinds. None of them chooses anything (berth/pack/precision).
GOLDEN_TEXTS = (
    "The parcel arrived two days late and the box was torn, but nothing inside was broken.",
    "I would not recommend this hotel to anybody: the room was cold and the staff did not care.",
    "What a wonderful concert! We stood for three hours and never looked at the clock once.",
    "My card was charged twice for the same order, please refund one of the payments.",
    "How do I reset the password of my account when I no longer have the phone number?",
    "Marie Curie was born in Warsaw in 1867 and won the Nobel Prize twice, in Paris and in Stockholm.",
    "The central bank left its main rate at 3.25 percent on Thursday, as most analysts had expected.",
    "Heavy rain closed the road between Bergen and Voss; trains ran with delays of up to an hour.",
    "Mix the flour with warm water, let the dough rest for an hour, then bake it at 230 degrees.",
    "The patient reports mild headaches in the morning and no fever; blood pressure is 128 over 82.",
    "def mean(values): return sum(values) / len(values)  # raises ZeroDivisionError for an empty list",
    "Section 4.2: the tenant shall give notice in writing at least thirty days before moving out.",
    "lol ok cu later @ the station, dont be late again pls",
    "Photosynthesis turns carbon dioxide and water into glucose and oxygen with the help of light.",
    "Der Zug nach Hamburg fährt heute ausnahmsweise von Gleis sieben ab.",
    "El museo cierra los lunes y abre de martes a domingo a partir de las diez de la mañana.",
    "not good",
    "The second half belonged to the visitors, who scored three times in eleven minutes and won 4-2.",
    "If the light on the router blinks red, unplug it, wait ten seconds, and plug it in again.",
    "She read the letter twice, folded it carefully, and put it back where she had found it.",
)
