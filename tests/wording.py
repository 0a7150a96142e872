"""What the texts of the pages that a browser shows must be like."""

import re

from train_easyocr.evaluation.wording import LANGUAGES

VALUES = re.compile(r"\{\w+(?::\w+)?\}")


def is_in_both_languages(texts):
    """Tell whether a text is there in both languages, with the same values, and in Korean where it holds words."""
    english, korean = (sorted(VALUES.findall(texts[language])) for language in LANGUAGES)
    words = VALUES.sub("", texts["ko"]).replace("CLEval", "")
    return (
        tuple(texts) == LANGUAGES
        and all(text.strip() for text in texts.values())
        and english == korean
        and bool(re.search("[가-힣]", words) or not re.search("[a-z]{3}", words))
    )
