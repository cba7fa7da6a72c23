"""What a feature is linked to."""

from fastapi import APIRouter

router = APIRouter(tags=["features"])
