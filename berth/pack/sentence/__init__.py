"""What sentence-transformers' files say: how token vectors become one text vector, and how a pair gets its score.

Whatever these files set is either served as sentence-transformers 6 serves it or refused: nothing is passed over.
"""
