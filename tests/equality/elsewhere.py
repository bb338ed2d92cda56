"""The page's section on what has no cell in its tables, because another package than transformers is the reference."""

ELSEWHERE = """
## Beside other packages

transformers has no class for zero-shot-token-classification, GLiClass models, and several heads on one encoder. Tests
hold these beside what has one: every score within 1e-5, labels, words, offsets and order equal.

- GLiNER (DeBERTa-v2 and BERT, types read at their token and behind it, windows): the package gliner 0.2.29, whose
  answers are kept in `tests/support/references/gliner_answers.json`. In
  `tests/unit/handler/tasks/test_zero_shot_token_classification.py`; packed in `tests/archive/test_pack_gliner.py`.
- GLiClass (DeBERTa-v2, BERT and ModernBERT, labels before and behind the text): the package gliclass 0.1.21, whose
  answers are kept in `tests/support/references/gliclass_answers.json`. In `tests/unit/handler/tasks/test_gliclass.py`;
  packed in `tests/archive/test_pack_gliclass.py`.
- Several classifiers on one encoder: transformers' pipeline of each one's own checkpoint. Packed in
  `tests/archive/heads/test_pack_heads.py`, served in `tests/server/test_heads.py`. LoRAs: peft's model of base and
  adapter, in `tests/archive/heads/test_pack_loras.py`.
"""
