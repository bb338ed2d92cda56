"""What several classifiers on one BERT-base take of memory, beside archives of their own."""
