"""Read services as a QGIS desktop does and say what it found; run by the Python QGIS is installed for.

Reads a list of jobs as JSON from standard input and writes a list of answers as JSON to standard output.
A job names a provider of QGIS and its source. With a `target` the answer is a picture of `bounds` in `crs` in that
file, else the features.
"""

import json
import sys
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIDE_PIXELS = 200


def opened(job: dict[str, Any]) -> Any:
    if job["provider"] == "wms":
        layer = QgsRasterLayer(job["source"], "layer", "wms")
    elif job["provider"] == "vectortile":
        layer = QgsVectorTileLayer(job["source"], "layer")
    else:
        layer = QgsVectorLayer(job["source"], "layer", job["provider"])
    if not layer.isValid():
        raise SystemExit(f"QGIS cannot open {job['source']}: {layer.error().summary() if layer.error() else ''}")
    return layer


def drawn(layer: Any, job: dict[str, Any]) -> dict[str, Any]:
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(SIDE_PIXELS, SIDE_PIXELS))
    settings.setOutputDpi(96)
    settings.setBackgroundColor(QColor(255, 255, 255))
    settings.setFlag(QgsMapSettings.Antialiasing, False)
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(job["crs"]))
    settings.setExtent(QgsRectangle(*job["bounds"]))
    work = QgsMapRendererParallelJob(settings)
    work.start()
    work.waitForFinished()
    work.renderedImage().save(job["target"])
    return {"errors": [error.message for error in work.errors()], "crs": layer.crs().authid()}


def told(layer: Any) -> dict[str, Any]:
    features = [
        {
            "fields": {field.name(): feature[field.name()] for field in feature.fields()},
            "bounds": corners(feature.geometry().boundingBox()),
        }
        for feature in layer.getFeatures()
    ]
    return {"features": features, "crs": layer.crs().authid()}


def corners(box: QgsRectangle) -> list[float]:
    return [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()]


def done(job: dict[str, Any]) -> dict[str, Any]:
    layer = opened(job)
    return drawn(layer, job) if "target" in job else told(layer)


def main() -> None:
    application = QgsApplication([], False)
    application.initQgis()
    answers = [done(job) for job in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(answers, ensure_ascii=False, default=str))
    application.exitQgis()


main()
