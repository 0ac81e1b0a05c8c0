"""What a language model is asked, and what is believed of its answer.

Pure: texts in, questions and verdicts out; who sends them is somebody else's business.
``question.py`` has the shape of every question; ``diagnosis.py``, ``wording.py`` and ``names.py``
are the three things that are asked; ``verdict.py`` decides what of a diagnosis holds.
"""
