"""Parts of building models as files."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from cim.store import audits
from web.model_files import FileParameters, glb_of, ifc_of
from web.state import Caller, caller

router = APIRouter(tags=["models"])
Who = Annotated[Caller, Depends(caller)]
Asked = Annotated[FileParameters, Query()]


@router.get("/models/{model}/elements.glb", summary="Elements as GLB", response_class=Response)
async def glb(model: str, who: Who, asked: Asked) -> Response:
    """The elements that meet the conditions as one GLB: a node for each, meshes shared, y up.

    The extras of the first node say where its origin lies on the map, those of the others which element each is.
    """
    return _file(await glb_of(who, model, asked), f"{model}.glb", "model/gltf-binary")


@router.get("/models/{model}/export.ifc", summary="Elements as IFC", response_class=Response)
async def ifc(model: str, who: Who, asked: Asked) -> Response:
    """The elements that meet the conditions with their sets, materials and shapes, below their spatial structure."""
    body = await ifc_of(who, model, asked)
    async with who.state.database.writing(who.request_id) as connection:
        await audits.record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="export",
            subject=model,
            detail={"format": "ifc", "bytes": len(body)},
            request_id=who.request_id,
        )
    return _file(body, f"{model}.ifc", "application/x-step")


def _file(body: bytes, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-cache"}
    return Response(body, media_type=kind, headers=headers)
