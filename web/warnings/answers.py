"""Warnings as answers in the reader's language."""

from typing import Any

from cim.model.warning_course import HeldWarning
from cim.model.warning_documents import warning_document
from web.phrases import Language, told


def warning_told(warning: HeldWarning, language: Language) -> dict[str, Any]:
    """A warning; what the server found is told in the language, what people wrote stays."""
    document = warning_document(warning)
    return {**document, "findings": [told(text, language) for text in warning.findings]}
