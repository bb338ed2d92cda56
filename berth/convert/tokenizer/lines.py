"""1,000 lines of many scripts, the same every time, on which two tokenizers are compared.

They are words of many languages, and what breaks tokenizers, put together at random from a seed.
"""

# ruff: noqa: RUF001 - letters that look alike are what it is about

import random
import re
import string
from collections.abc import Iterator, Sequence

LETTERS = string.ascii_letters + string.digits
NUM_LINES = 1_000
SEED = 20
MOST_PARTS = 9
SPECIAL_SHARE = 0.15
SCRIPTS = (
    "the quick brown fox don't can't WE'LL O'Neil state-of-the-art e.g. U.S.A. unaffable Internationalization",
    "Äpfel Straße naïve façade señor Ærø łódź žluťoučký kůň İstanbul ığdır crème brûlée ação œuvre Việt Nam",
    "корабль стоит в гавани до прилива съезд ёлка їжак Ђурђевак объявление",
    "το πλοίο μένει στο λιμάνι ΆΘΛΟΣ σοφός Ὀδυσσεύς",
    "船停在港口里等候潮水 人工智能 臺灣 㐀 𠀀 豈",
    "船はみなとにいます カタカナ ｶﾀｶﾅ がぎぐ 東京タワー ー々〆",
    "배가 항구에 있다 안녕하세요 한국어",
    "เรืออยู่ที่ท่า ภาษาไทย ລາວ မြန်မာ ភាសា",
    "السفينة في الميناء مَرْحَبًا العربية کتاب",
    "הספינה עומדת בנמל שָׁלוֹם",
    "जहाज बंदरगाह में है हिन्दी क्षत्रिय বাংলা தமிழ் తెలుగు ಕನ್ನಡ",
    "Հայերեն ქართული አማርኛ ᏣᎳᎩ བོད་སྐད",
)
NUMBERS = "0 7 42 1984 12,345.67 1,024 3.14 1e-5 -273.15 $9.99 50% ½ ² ① Ⅳ ٣٤٥ 二〇二六 1, (89%) 10:30 v2.0.1"
SIGNS = "! ? . , ; : … — – - _ / \\ | ~ ` `` '' \" « » „ “ ” ‘ ’ ( ) [ ] { } < > @ # $ % ^ & * + = § © ™ € £ ° × ¿ ¡"
EMOJI = "😀 👍🏽 👩‍👩‍👧 🇩🇪 ❤️ ☃ 1️⃣ :-) ♥ 。 、 ！ ？ ｡"
WIDE = "ﬁn Ａｂｃ １２３ ㎏ ℡ ﷺ ⅓ ǅ ß ẞ ﬀ ª ſ Å K"
SPACES = (" ", "  ", "   ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", " \n\n ", "\u2028", "\u200b", "")
CONTROLS = ("\0", "\x01", "\x07", "\x1b", "\x7f", "\x85", "\ufeff", "\u200d", "\u200e", "\u00ad", "\ufffd", "\ue000")
MARKS = ("e\u0301", "A\u030a", "o\u0308", "n\u0303", "q\u0307\u0323", "\u0301", "i\u0307")
LONG = (99, 101, 300)  # characters: WordPiece knows no word of over 100
ALONE = ("", " ", "   ", "\n", "\t \n", "\u00a0", "\u3000", ".", "a", "é", "船", "\0", "\u0301", "😀", "▁", "##ing")


def comparison_lines(special_tokens: Sequence[str]) -> tuple[str, ...]:
    """NUM_LINES lines; some have the `special_tokens` inside, which tokenizers cut out first."""
    return (*ALONE, *special_tokens, *_lines(NUM_LINES - len(ALONE) - len(special_tokens), special_tokens))


def _lines(number: int, special_tokens: Sequence[str]) -> Iterator[str]:
    draw = random.Random(SEED)  # noqa: S311 - the same every time
    words = [text.split() for text in (*SCRIPTS, NUMBERS, SIGNS, EMOJI, WIDE)]
    rare = [CONTROLS, MARKS, _long_words(draw)]
    for _ in range(number):
        groups = [draw.choice(words), draw.choice(words), draw.choice(words), draw.choice(rare)]
        parts = [draw.choice(draw.choice(groups)) for _ in range(draw.randint(1, MOST_PARTS))]
        if special_tokens and draw.random() < SPECIAL_SHARE:
            parts.insert(draw.randint(0, len(parts)), draw.choice(special_tokens))
        yield "".join(part + draw.choice(SPACES if draw.random() < 0.3 else " ") for part in parts)


def _long_words(draw: random.Random) -> Sequence[str]:
    """No character twice in a row: of aaa, a and aa are as good as aa and a, and which is taken is rounding."""
    words = ["".join(draw.choices(LETTERS, k=length)) for length in LONG]
    return [*(re.sub(r"(.)\1+", r"\1", word) for word in words), "https://a.org/b?c=d&e=f#g"]
