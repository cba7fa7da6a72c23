"""A list of devices into the register: rows typed, codes given out, bindings checked, all in one transaction."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyproj
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, ImportRefused
from cim.model.access import Grade
from cim.model.device_codes import is_device_code, normal_code
from cim.model.device_codes_other import OWN_LIST, Alias, checked_alias
from cim.model.device_kinds import kind_named, letters_of, placement_named
from cim.model.devices import Device
from cim.store.asset_bindings import bound_devices
from cim.store.assets import Numbering, assets_named, kinds_of, put_devices
from cim.store.staging import claim_run
from importers.sensing.columns import ALIAS_COLUMNS, LEFT_OUT, Reading, device_columns
from importers.sensing.rows import TableRow, table_batches
from importers.sensing.run import SensingJob
from importers.table_points import position_columns

SAME_PLACE_M = 100.0
"""Rows of one device whose places are nearer than this are one row given twice; else one of them is wrong."""
MOST_DEVICES = 200_000
DEFAULT_KIND = "other"
_GEOD = pyproj.Geod(ellps="GRS80")
_GRADES = {"公开": "public", "内部": "internal", "受限": "restricted", "草稿": "draft"}
_PLAIN = ("owner", "maker", "model_name", "building_code", "model", "storey", "space", "element", "region_code")


@dataclass(slots=True)
class Listed:
    """A row of a list as a device; ``given`` is its code in the list, ``device.code`` is set once it is known."""

    row: int
    given: str
    device: Device


async def take_devices(job: SensingJob) -> None:
    """Take in a list: known devices change, new ones get codes of ours and keep the list's as an alias."""
    listed = _read(job)
    async with job.database.writing(job.request.request_id, timeout_ms=0) as connection:
        await claim_run(connection, job.run)
        coded = await _coded(connection, job, listed)
        bound = await _bound(connection, job, coded)
        done = await put_devices(connection, [one.device for one in bound])
        if job.request.dry_run:
            await connection.rollback()
    job.account.loaded = len(bound)
    job.account.changes = len(bound) - list(done.values()).count("unchanged")
    counts = {word: list(done.values()).count(word) for word in ("added", "changed", "unchanged")}
    job.account.message = ", ".join(f"{count} {word}" for word, count in counts.items())


def _read(job: SensingJob) -> list[Listed]:
    account, names = job.account, [field.name for field in job.inspection.fields]
    reading = device_columns(names, job.request.fields)
    if not {"code", *ALIAS_COLUMNS} & set(reading.columns):
        raise ImportRefused(
            "no-code",
            f"no column is the code of a device; there are {', '.join(names)}",
            where=job.inspection.name,
            remedy="name it 设备编码 or code, or give --field COLUMN=code",
        )
    if "kind" not in reading.columns:
        account.find("no-kind", "no column tells the kind of device; new ones are of kind other")
    listed: list[Listed] = []
    first: dict[str, Listed] = {}
    for batch in table_batches(job, located=True):
        for row in batch:
            account.read += 1
            one = _listed(row, reading, job)
            if one is not None and not _is_again(one, first, job):
                listed.append(one)
        job.progress(job.name, account.read, job.inspection.feature_count)
        if len(listed) > MOST_DEVICES:
            raise ImportRefused(
                "too-many", f"the list has more than {MOST_DEVICES} devices", where=job.name, remedy="part it"
            )
    return listed


def _listed(row: TableRow, reading: Reading, job: SensingJob) -> Listed | None:
    texts = {
        field: row.texts[column].strip()
        for field, column in reading.columns.items()
        if row.texts.get(column, "").strip()
    }
    try:
        aliases = tuple(_aliases(texts))
        given = texts.get("code") or (aliases[0].code if aliases else "")
        if given:
            return Listed(row.number, given, _device(row, texts, aliases, _rest(row, reading)))
        job.account.reject(row.number, "it has no code")
    except (BadRequest, ValueError) as error:
        job.account.reject(row.number, error.what if isinstance(error, BadRequest) else str(error))
    return None


def _aliases(texts: Mapping[str, str]) -> Iterable[Alias]:
    for scheme in ALIAS_COLUMNS:
        if scheme in texts:
            yield checked_alias(scheme, texts[scheme])
    for part in texts.get("aliases", "").split(";"):
        scheme, colon, code = part.partition(":")
        if part.strip():
            yield checked_alias(scheme, code if colon else "")


def _device(row: TableRow, texts: Mapping[str, str], aliases: tuple[Alias, ...], rest: Mapping[str, Any]) -> Device:
    code = texts.get("code", "")
    grade = texts.get("grade")
    lon, lat = row.place or (None, None)
    return Device(
        code=normal_code(code) if is_device_code(normal_code(code)) else "",
        kind=kind_named(texts["kind"]) if "kind" in texts else "",
        name=texts.get("name", ""),
        grade=Grade(_GRADES.get(grade, grade.lower())) if grade else None,
        parent=texts.get("parent"),
        placement=placement_named(texts["placement"]) if "placement" in texts else None,
        installed_on=_day(texts.get("installed_on")),
        storey_number=_number(texts, "storey_number", whole=True),
        height_m=_number(texts, "height_m"),
        online_after_s=_number(texts, "online_after_s", whole=True),
        lon=lon,
        lat=lat,
        aliases=aliases,
        properties=rest,
        **{name: texts.get(name) for name in _PLAIN},
    )


def _rest(row: TableRow, reading: Reading) -> dict[str, Any]:
    known = {*reading.columns.values(), *position_columns(list(row.texts))}
    return {
        name: value
        for name, value in row.texts.items()
        if name not in known and name.casefold() not in LEFT_OUT and not name.startswith("__") and value.strip()
    }


def _number(texts: Mapping[str, str], name: str, *, whole: bool = False) -> Any:
    text = texts.get(name)
    if text is None:
        return None
    try:
        number = float(text.removesuffix("层").removesuffix("楼").removesuffix("F"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (whole and number != int(number)) or abs(number) > 1e9:
        raise BadRequest(f"{name} is {text[:40]!r}, which is no {'whole ' if whole else ''}number")
    return int(number) if whole else number


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    parts = text.replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-").replace(".", "-")
    try:
        year, month, day = (int(part) for part in parts[:10].split(" ")[0].split("T")[0].split("-"))
        return date(year, month, day)
    except ValueError:
        raise BadRequest(f"installed_on is {text[:40]!r}, which is no day") from None


def _is_again(one: Listed, first: dict[str, Listed], job: SensingJob) -> bool:
    """Whether a row is of a device that a row before it was of; the first one counts."""
    keys = [one.given, *(f"{alias.scheme}:{alias.code}" for alias in one.device.aliases)]
    before = next((first[key] for key in keys if key in first), None)
    if before is None:
        first.update(dict.fromkeys(keys, one))
        return False
    apart_m = _apart_m(before.device, one.device)
    if apart_m is not None and apart_m > SAME_PLACE_M:
        job.account.reject(one.row, f"{one.given} is given in row {before.row} already, {apart_m:.0f} m away")
        return True
    told = "" if apart_m is None else f", {apart_m:.1f} m apart"
    job.account.skip(one.row, f"{one.given} is given in row {before.row} already{told}; the first counts")
    if apart_m:
        job.account.find("positions-differ", "devices are given twice at places some metres apart; the first counts")
    return True


def _apart_m(one: Device, other: Device) -> float | None:
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return None
    return float(_GEOD.inv(one.lon, one.lat, other.lon, other.lat)[2])


async def _coded(connection: AsyncConnection, job: SensingJob, listed: list[Listed]) -> list[Listed]:
    """The rows whose device is clear, with codes of ours; new devices get one."""
    numbering = await Numbering.begun(connection)
    wanted = {code for one in listed for code in _codes(one)}
    named = await assets_named(connection, wanted | {one.device.parent for one in listed if one.device.parent})
    kinds = await kinds_of(connection, (code for codes in named.values() for code in codes))
    coded: list[Listed] = []
    ours: dict[str, str] = {}
    for one in listed:
        try:
            device = _with_code(one, _held(one, named, kinds), numbering)
        except BadRequest as error:
            job.account.reject(one.row, error.what)
            continue
        ours[one.given] = device.code
        coded.append(replace(one, device=device))
    return [done for one in coded if (done := _with_parent(one, ours, named, job))]


def _held(one: Listed, named: Mapping[str, set[str]], kinds: Mapping[str, str]) -> str | None:
    """The code of the device that a row is of, None for a new one; BadRequest where that is not clear."""
    found = set().union(*(named.get(code, set()) for code in _codes(one)))
    if len(found) > 1:
        raise BadRequest(f"its codes are those of several devices: {', '.join(sorted(found))}")
    held = next(iter(found), None)
    if held is not None and one.device.kind not in ("", kinds[held]):
        raise BadRequest(f"{one.given} is the code of {held}, which is of kind {kinds[held]}; a kind does not change")
    return held


def _with_code(one: Listed, held: str | None, numbering: Numbering) -> Device:
    """The device with its code; a new one without a kind is of kind other, one without a name is named by its code."""
    device = one.device
    kind = device.kind or (DEFAULT_KIND if held is None else "")
    code = held or device.code or numbering.next(letters_of(kind))
    aliases = device.aliases
    if one.given != code and normal_code(one.given) != code and one.given not in {alias.code for alias in aliases}:
        aliases = (*aliases, checked_alias(OWN_LIST, one.given))
    name = device.name or (one.given if held is None else "")
    return replace(device, code=code, kind=kind, name=name, aliases=aliases)


def _codes(one: Listed) -> set[str]:
    return {one.given, *([one.device.code] if one.device.code else []), *(alias.code for alias in one.device.aliases)}


def _with_parent(one: Listed, ours: Mapping[str, str], named: Mapping[str, set[str]], job: SensingJob) -> Listed | None:
    parent = one.device.parent
    if parent is None:
        return one
    held = named.get(parent, set())
    code = ours.get(parent) or (next(iter(held)) if len(held) == 1 else None)
    if code is None:
        job.account.reject(one.row, f"there is no device {parent}, which it should hang on")
        return None
    return replace(one, device=replace(one.device, parent=code))


async def _bound(connection: AsyncConnection, job: SensingJob, coded: list[Listed]) -> list[Listed]:
    """The rows whose binding holds and that are somewhere; parents that the list itself brings count as places."""
    places = {
        one.device.code: (one.device.lon, one.device.lat)
        for one in coded
        if one.device.lon is not None and one.device.lat is not None
    }
    mentioned = [code for one in coded for code in (one.device.code, one.device.parent) if code]
    known = set(await assets_named(connection, mentioned))
    found = await bound_devices(connection, [one.device for one in coded], places)
    kept = []
    for place, (one, device) in enumerate(zip(coded, found.devices, strict=True)):
        fault = found.faults.get(place)
        if fault is None and device.lon is None and device.code not in known:
            fault = "it has no position, and is bound to nothing that has one"
        if fault:
            job.account.reject(one.row, fault)
        else:
            kept.append(replace(one, device=device))
    return _with_parents(kept, known, job)


def _with_parents(kept: list[Listed], known: set[str], job: SensingJob) -> list[Listed]:
    """The devices whose parent is known or comes too; one whose parent was rejected is rejected with it."""
    while True:
        coming = known | {one.device.code for one in kept}
        orphans = [one for one in kept if one.device.parent is not None and one.device.parent not in coming]
        if not orphans:
            return kept
        for one in orphans:
            job.account.reject(one.row, "the device it hangs on was rejected")
        kept = [one for one in kept if one not in orphans]
