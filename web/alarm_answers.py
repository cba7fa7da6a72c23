"""Alarms and their history as answers in the reader's language."""

from typing import Any

from cim.model.alarm_documents import alarm_document, step_document
from cim.model.alarms import Alarm, Step
from cim.sensors.alarm_watch import TASK
from web.phrases import Language, told

_BY_ITSELF = ("rule:", TASK)


def step_told(step: Step, language: Language) -> dict[str, Any]:
    """One entry of a history; what the server itself noted is told in the language, what people wrote stays."""
    document = step_document(step)
    if step.actor.startswith(_BY_ITSELF):
        document["note"] = told(step.note, language)
    return document


def news(step: Step, alarm: Alarm, language: Language) -> dict[str, Any]:
    """What happened to an alarm, and the alarm as it is now."""
    return {"step": step_told(step, language), "alarm": alarm_document(alarm)}
