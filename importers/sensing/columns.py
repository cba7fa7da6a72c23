"""Which columns of a table are what of a device or of a series, by their Chinese and English names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

DEVICES, OBSERVATIONS = "devices", "observations"
"""Names of what ``--layer`` sends a table to that is no layer of features."""
Form = Literal["devices", "long", "wide"]

DEVICE_NAMES: dict[str, tuple[str, ...]] = {
    "code": (
        "code", "设备编码", "设备编号", "编码", "编号", "站点编码", "站点编号", "站号", "测站编码", "device_code",
        "device_id", "device", "station_code", "station_id", "station", "location", "id",
    ),
    "name": ("name", "设备名称", "名称", "站点名称", "站名", "点位名称", "device_name", "station_name"),
    "kind": ("kind", "设备类型", "设备类别", "类型", "类别", "device_type", "type"),
    "placement": ("placement", "布设场景", "布设类别", "应用场景", "场景", "所属领域", "领域", "scene"),
    "owner": ("owner", "权属单位", "所属单位", "管理单位", "责任单位", "产权单位"),
    "maker": ("maker", "manufacturer", "厂商", "厂家", "生产厂家", "制造商", "vendor"),
    "model_name": ("model_name", "设备型号", "型号", "规格型号"),
    "installed_on": ("installed_on", "安装日期", "安装时间", "建设日期", "投用日期", "install_date", "installed"),
    "parent": ("parent", "上级编码", "父设备编码", "父设备", "所属杆件", "杆件编码", "所在杆", "pole", "parent_code"),
    "building_code": ("building_code", "建筑编码", "楼栋编码", "建筑物编码", "建筑代码"),
    "model": ("model", "bim模型", "模型", "bim_model", "模型编号"),
    "storey": ("storey", "楼层标识", "storey_id", "storey_globalid"),
    "storey_number": ("storey_number", "楼层", "层号", "所在楼层", "floor"),
    "space": ("space", "房间", "空间", "空间标识", "space_globalid"),
    "element": ("element", "构件", "构件编码", "构件标识", "globalid", "element_globalid"),
    "height_m": ("height_m", "安装高度", "离地高度", "安装高度(m)", "安装高度(米)"),
    "online_after_s": ("online_after_s", "离线时限", "离线判定秒数"),
    "grade": ("grade", "数据等级", "密级"),
    "region_code": ("region_code", "行政区划代码", "区划代码", "村级代码"),
    "aliases": ("aliases", "别名", "其他编码"),
    "gb28181": ("gb28181", "国标编码", "视频国标编码", "gb_code", "gb编码"),
    "oid": ("oid",),
    "ecode": ("ecode",),
    "hj212": ("mn", "mn号", "mn编码", "hj212", "hj212-mn"),
    "sl651": ("sl651", "测站地址", "遥测站地址"),
}  # fmt: skip
ALIAS_COLUMNS = ("gb28181", "oid", "ecode", "hj212", "sl651")
LEFT_OUT = frozenset({"state", "newest_at", "lon", "lat"})
"""Columns of our own lists that are not read back."""

SERIES_NAMES: dict[str, tuple[str, ...]] = {
    "time": (
        "time", "datetime", "date.utc", "date", "timestamp", "phenomenontime",
        "时间", "监测时间", "采集时间", "数据时间", "观测时间", "日期",
    ),
    "station": (*(name for name in DEVICE_NAMES["code"] if name != "id"), "站点", "测站", "设备", "mn"),
    "property": (
        "parameter", "property", "indicator", "指标", "监测项", "监测项目", "监测指标", "因子", "监测因子", "参数",
    ),
    "value": ("value", "result", "值", "监测值", "数值", "观测值", "浓度"),
    "unit": ("unit", "units", "单位", "计量单位"),
    "quality": ("quality", "flag", "标记", "数据标记", "质量标记", "resultquality"),
    "datastream": ("datastream", "datastream_id", "数据流", "datastream/@iot.id"),
}  # fmt: skip
IGNORED_IN_WIDE = frozenset(
    {"city", "country", "region", "lon", "lat", "longitude", "latitude", "经度", "纬度", "fault"}
)
_HEADING = re.compile(
    r"^(?:(?P<station>[^/:]+)[/:])?\s*(?P<property>[^()（）\[\]]+?)\s*(?:[(（\[](?P<unit>[^)）\]]*)[)）\]])?$"
)


@dataclass(frozen=True, slots=True)
class WideColumn:
    """A column of a wide table: of which station (None: that of the row), which property, in which unit."""

    column: str
    station: str | None
    property: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read: as a list of devices or a series, and which of its columns is what."""

    form: Form
    columns: Mapping[str, str]
    wide: tuple[WideColumn, ...] = ()

    def document(self) -> dict[str, Any]:
        """What a preview says."""
        layer = DEVICES if self.form == "devices" else OBSERVATIONS
        found: dict[str, Any] = {"layer": layer, "form": self.form, "columns": dict(self.columns)}
        if self.wide:
            found["wide"] = [
                {"column": one.column, "station": one.station, "property": one.property, "unit": one.unit}
                for one in self.wide
            ]
        return found


def device_columns(names: Sequence[str], chosen: Mapping[str, str] | None = None) -> Reading:
    """Which column of a list is what of a device; ``chosen`` (column to field) goes before the names."""
    return Reading("devices", _matched(names, DEVICE_NAMES, chosen or {}))


def series_columns(names: Sequence[str], chosen: Mapping[str, str] | None = None) -> Reading | None:
    """Which column of a table is what of a series; None where it is no series."""
    found = _matched(names, SERIES_NAMES, chosen or {})
    if "time" not in found:
        return None
    if "value" in found and ("datastream" in found or {"station", "property"} <= set(found)):
        return Reading("long", found)
    rest = [name for name in names if name not in found.values() and name.strip().casefold() not in IGNORED_IN_WIDE]
    wide = tuple(column for name in rest if (column := _wide_column(name)))
    if not wide or ("station" not in found and any(column.station is None for column in wide)):
        return None
    return Reading("wide", found, wide)


def reads_as(names: Iterable[str]) -> Reading | None:
    """What a table could be sent to, for a preview; None where it looks like neither."""
    listed = list(names)
    series = series_columns(listed)
    if series is not None and series.form == "long":
        return series
    devices = device_columns(listed)
    telling = {"kind", "placement", "parent", "maker", "model_name", "installed_on", *ALIAS_COLUMNS}
    if "code" in devices.columns and telling & set(devices.columns):
        return devices
    return series


def _matched(names: Sequence[str], known: Mapping[str, Sequence[str]], chosen: Mapping[str, str]) -> dict[str, str]:
    by_fold = {name.strip().casefold(): name for name in names}
    found = {field: by_fold[column.casefold()] for column, field in chosen.items() if column.casefold() in by_fold}
    for field, words in known.items():
        if field in found:
            continue
        column = next(
            (by_fold[word] for word in words if word in by_fold and by_fold[word] not in found.values()), None
        )
        if column is not None:
            found[field] = column
    return found


def _wide_column(name: str) -> WideColumn | None:
    match = _HEADING.match(name.strip())
    if match is None:
        return None
    station = match["station"]
    return WideColumn(name, station.strip() if station else None, match["property"].strip(), match["unit"])
