"""SensorThings entities for tests: bodies, and a client that makes and reads them."""

from typing import Any

import httpx

ROOT = "/sensorthings/v1.1"
MEASUREMENT = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
Document = dict[str, Any]


def unit() -> Document:
    return {"name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel"}


def location(name: str = "桥头", lon: float = 103.94, lat: float = 30.98) -> Document:
    return {
        "name": name,
        "description": "where it stands",
        "encodingType": "application/geo+json",
        "location": {"type": "Point", "coordinates": [lon, lat]},
    }


def sensor(name: str = "PT100") -> Document:
    return {
        "name": name,
        "description": "probe",
        "encodingType": "application/pdf",
        "metadata": "http://a.example/s.pdf",
    }


def observed_property(name: str = "水温") -> Document:
    return {"name": name, "definition": "http://a.example/temperature", "description": "of water"}


def datastream(name: str = "水温", observations: list[Document] | None = None, **links: Any) -> Document:
    found = {
        "name": name,
        "description": "hourly",
        "observationType": MEASUREMENT,
        "unitOfMeasurement": unit(),
        "Sensor": sensor(),
        "ObservedProperty": observed_property(),
        **links,
    }
    return found | ({"Observations": observations} if observations is not None else {})


def thing(name: str = "水位站", grade: str | None = "public", **links: Any) -> Document:
    properties = {"properties": {"grade": grade}} if grade else {}
    return {"name": name, "description": "a station", **properties, **links}


def station(name: str = "水位站", observations: list[Document] | None = None, grade: str | None = "public") -> Document:
    """A thing with a place and a datastream."""
    return thing(name, grade, Locations=[location()], Datastreams=[datastream(observations=observations)])


def hour(number: int, result: float | None = None) -> Document:
    at = f"2026-03-{1 + number // 24:02d}T{number % 24:02d}:00:00Z"
    return {"phenomenonTime": at, "result": float(number) if result is None else result}


class Service:
    """The service as one client sees it; addresses are below its root."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, status: int = 200, **options: object) -> Any:
        query = {
            f"${name}": str(value).lower() if isinstance(value, bool) else value for name, value in options.items()
        }
        answer = await self.client.get(f"{ROOT}/{path}".rstrip("/"), params=query or None)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = await self.client.post(f"{ROOT}/{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def make(self, path: str, body: Any) -> Any:
        """The id of a new entity."""
        return (await self.post(path, body))["@iot.id"]

    async def follow(self, address: str) -> Any:
        answer = await self.client.get(address)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, path: str, **options: object) -> list[str]:
        return [one["name"] for one in (await self.get(path, **options))["value"]]

    async def every(self, path: str, **options: object) -> list[Document]:
        """All entities of a set, page by page."""
        page = await self.get(path, **options)
        found = list(page["value"])
        while "@iot.nextLink" in page:
            page = await self.follow(page["@iot.nextLink"])
            found += page["value"]
        return found
