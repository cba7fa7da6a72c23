"""Errors as the OGC services of the first generation tell them."""

from typing import Literal

from lxml import etree

from cim.errors import BadRequest, CimError, NotAllowed, NotFound, NotIdentified, StoreUnavailable, TooLarge

OWS_20 = "http://www.opengis.net/ows/2.0"
OWS_11 = "http://www.opengis.net/ows/1.1"
OGC = "http://www.opengis.net/ogc"


class OgcFault(BadRequest):
    """A value that cannot be used, with the standard's own word for what is wrong with it."""

    def __init__(self, code: str, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.code = code


def code_of(error: CimError) -> str:
    """The standard's word for an error."""
    if isinstance(error, OgcFault):
        return error.code
    if isinstance(error, NotFound):
        return "LayerNotDefined" if error.where == "layer" else "NotFound"
    if isinstance(error, TooLarge | BadRequest):
        return "InvalidParameterValue"
    if isinstance(error, NotIdentified | NotAllowed):
        return "AuthorizationFailed"
    return "ServerBusy" if isinstance(error, StoreUnavailable) else "NoApplicableCode"


def message_of(error: CimError) -> str:
    """What was wrong and what to do, in one text."""
    return f"{error.what}{f' - {error.remedy}' if error.remedy else ''}"


def wms_report(error: CimError, version: Literal["1.3.0", "1.1.1"] = "1.3.0") -> bytes:
    """A WMS ServiceExceptionReport."""
    name = etree.QName(OGC, "ServiceExceptionReport") if version == "1.3.0" else "ServiceExceptionReport"
    root = etree.Element(name, {"version": version}, nsmap={None: OGC} if version == "1.3.0" else None)
    fault = etree.SubElement(root, etree.QName(OGC, "ServiceException") if version == "1.3.0" else "ServiceException")
    fault.set("code", code_of(error))
    if error.where:
        fault.set("locator", legal(error.where))
    fault.text = legal(message_of(error))
    return document(root)


def ows_report(error: CimError, namespace: str, version: str) -> bytes:
    """An OWS ExceptionReport: of OWS 1.1 for WMTS and WFS."""
    root = etree.Element(etree.QName(namespace, "ExceptionReport"), {"version": version}, nsmap={"ows": namespace})
    code = "InvalidParameterValue" if code_of(error) == "LayerNotDefined" else code_of(error)
    fault = etree.SubElement(root, etree.QName(namespace, "Exception"), {"exceptionCode": code})
    if error.where:
        fault.set("locator", legal(error.where))
    etree.SubElement(fault, etree.QName(namespace, "ExceptionText")).text = legal(message_of(error))
    return document(root)


def document(root: etree._Element) -> bytes:
    """The bytes of an XML document."""
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def legal(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )
