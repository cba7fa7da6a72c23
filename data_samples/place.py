"""The drawn skeleton of the county: where things lie before anything is computed.

Distances are kilometres east and north of 103.68 E 30.91 N. The outline, rivers and roads are invented; only the
names and codes of the county, its subdistricts and towns, and the name of the river 湔江 are real.
"""

from dataclasses import dataclass

WEST, SOUTH = 103.68, 30.91
COUNTY_CODE, COUNTY_NAME, COUNTY_NAME_EN = "510182", "彭州市", "Pengzhou"
COUNTY_AREA_KM2 = 1421.0
SYNTHETIC = "合成数据 synthetic"

Path = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Town:
    """A subdistrict or town: its published code and name, centre, and what shapes its settlements."""

    code: str
    name: str
    east: float
    north: float
    reach: float
    radius_m: float
    villages: int
    communities: int

    @property
    def is_subdistrict(self) -> bool:
        """Whether it is a 街道 rather than a 镇."""
        return self.code[6] == "0"


TOWNS = (
    Town("510182001", "天彭街道", 26.7, 8.9, 0.72, 2050, 3, 17),
    Town("510182002", "隆丰街道", 22.6, 13.8, 1.0, 620, 10, 6),
    Town("510182003", "濛阳街道", 37.5, 9.4, 1.35, 950, 17, 12),
    Town("510182004", "致和街道", 29.6, 5.0, 0.95, 800, 8, 9),
    Town("510182101", "龙门山镇", 13.9, 37.0, 1.9, 330, 9, 3),
    Town("510182103", "丽春镇", 20.8, 7.2, 1.0, 720, 14, 7),
    Town("510182104", "九尺镇", 32.0, 13.0, 1.0, 650, 12, 5),
    Town("510182106", "通济镇", 19.0, 26.2, 1.0, 430, 10, 5),
    Town("510182107", "丹景山镇", 20.9, 19.3, 0.85, 480, 8, 4),
    Town("510182109", "敖平镇", 33.2, 18.4, 0.9, 600, 10, 5),
    Town("510182111", "桂花镇", 13.6, 17.0, 0.95, 480, 7, 4),
    Town("510182121", "白鹿镇", 25.8, 31.8, 1.25, 360, 5, 3),
    Town("510182123", "葛仙山镇", 30.2, 24.6, 0.9, 450, 6, 3),
)

OUTLINE: Path = (
    (14.2, 9.0),
    (16.5, 5.2),
    (20.0, 4.0),
    (24.6, 1.0),
    (29.8, 1.4),
    (32.6, 3.2),
    (37.6, 3.8),
    (41.5, 5.6),
    (45.6, 8.2),
    (46.2, 11.6),
    (43.6, 15.4),
    (39.6, 18.2),
    (37.2, 22.8),
    (34.0, 27.6),
    (32.4, 33.0),
    (30.4, 39.4),
    (28.2, 45.8),
    (24.6, 51.4),
    (19.4, 56.6),
    (14.2, 54.4),
    (9.6, 49.8),
    (4.4, 45.0),
    (1.2, 39.2),
    (2.8, 33.4),
    (6.2, 27.2),
    (8.0, 21.4),
    (9.6, 15.6),
    (12.0, 12.2),
)
FRONT: Path = ((6.0, 19.0), (36.0, 27.5))
"""The foot of the mountains; plain lies to its south-east."""


@dataclass(frozen=True, slots=True)
class Course:
    """A drawn watercourse from its head downstream; ``kind`` is river or canal, ``width_m`` at head and mouth."""

    name: str
    path: Path
    width_m: tuple[float, float]
    kind: str = "river"
    mountain: bool = False


MAIN_RIVER = "湔江"
COURSES = (
    Course(
        MAIN_RIVER,
        (
            (11.5, 51.0),
            (12.6, 46.0),
            (11.6, 42.0),
            (13.5, 37.4),
            (15.6, 33.0),
            (16.5, 29.2),
            (19.2, 25.4),
            (20.4, 20.6),
        ),
        (8, 70),
        mountain=True,
    ),
    Course(
        "鹿鸣河",
        ((28.6, 42.0), (28.0, 37.0), (26.0, 31.6), (23.0, 28.0), (19.2, 25.4)),
        (5, 26),
        mountain=True,
    ),
    Course("西岭沟", ((3.8, 42.4), (7.0, 39.4), (10.5, 38.6), (13.5, 37.4)), (4, 16), mountain=True),
    Course("雪岭沟", ((20.6, 51.6), (18.0, 46.6), (14.6, 44.2), (11.9, 43.2)), (4, 14), mountain=True),
    Course("云台沟", ((6.2, 33.6), (9.4, 30.6), (13.0, 29.6), (16.5, 29.2)), (4, 14), mountain=True),
    Course(
        "石笋沟",
        ((24.2, 46.0), (22.6, 39.5), (20.4, 34.2), (17.6, 31.2), (16.2, 30.0)),
        (4, 15),
        mountain=True,
    ),
    Course("白沙沟", ((6.4, 48.4), (8.6, 46.4), (12.4, 46.4)), (4, 10), mountain=True),
    Course("桂溪", ((8.8, 25.8), (11.8, 21.4), (13.9, 17.6)), (4, 15), mountain=True),
    Course("仙源河", ((30.8, 33.0), (30.6, 28.0), (30.6, 23.4)), (4, 14), mountain=True),
    Course(
        MAIN_RIVER,
        ((20.4, 20.6), (21.6, 18.4), (23.6, 16.0), (27.4, 13.0), (33.0, 10.9), (39.0, 7.6), (46.4, 7.2)),
        (150, 62),
    ),
    Course("白露河", ((20.4, 20.6), (20.6, 15.0), (23.0, 10.6), (24.4, 6.0), (27.0, 0.4)), (26, 20)),
    Course("青溪河", ((20.4, 20.6), (18.2, 15.4), (16.6, 10.4), (18.4, 3.2)), (24, 20)),
    Course("柳林河", ((23.6, 16.0), (29.6, 15.6), (37.0, 13.4), (46.0, 12.2)), (20, 24)),
    Course("清濛河", ((27.4, 13.0), (29.0, 8.6), (33.4, 5.4), (36.6, 2.4)), (18, 18)),
    Course("桂溪", ((13.9, 17.6), (14.6, 13.0), (14.8, 7.0)), (15, 18)),
    Course("仙源河", ((30.6, 23.4), (32.4, 19.4), (36.2, 16.4), (43.8, 15.6)), (14, 20)),
    Course("东干渠", ((20.9, 19.9), (25.6, 19.4), (30.4, 20.6), (36.8, 21.4)), (14, 10), "canal"),
    Course("西干渠", ((20.1, 19.9), (16.6, 17.9), (12.6, 15.8), (9.4, 16.2)), (12, 9), "canal"),
)


@dataclass(frozen=True, slots=True)
class MainRoad:
    """A drawn road; ``follows`` names the watercourse whose valley it keeps to."""

    name: str
    kind: str
    path: Path
    follows: str = ""


MAIN_ROADS = (
    MainRoad("丰濛大道", "primary", ((26.7, 8.9), (29.6, 9.0), (33.0, 9.0), (37.5, 9.4), (46.4, 9.7))),
    MainRoad("彭西大道", "primary", ((26.7, 8.9), (24.0, 8.2), (20.8, 7.2), (13.5, 6.6))),
    MainRoad("彭南大道", "primary", ((26.7, 8.9), (28.0, 7.0), (29.6, 5.0), (30.6, 1.0))),
    MainRoad("彭山公路", "primary", ((26.7, 8.9), (24.8, 11.4), (22.6, 13.8), (21.7, 16.6), (20.9, 19.3))),
    MainRoad(
        "湔江谷公路",
        "secondary",
        ((20.9, 19.3), (20.4, 20.6), (19.2, 25.4), (16.5, 29.2), (13.5, 37.4), (11.6, 42.0)),
        MAIN_RIVER,
    ),
    MainRoad("白鹿公路", "secondary", ((19.2, 25.4), (23.0, 28.0), (26.0, 31.6), (28.0, 37.0)), "鹿鸣河"),
    MainRoad(
        "九尺公路",
        "secondary",
        ((26.7, 8.9), (29.2, 11.0), (32.0, 13.0), (33.2, 18.4), (31.0, 22.0), (30.2, 24.6)),
    ),
    MainRoad(
        "山前公路",
        "secondary",
        ((9.0, 18.2), (13.6, 17.0), (17.6, 18.0), (20.9, 19.3), (25.4, 21.0), (30.2, 24.6), (34.6, 26.6)),
    ),
    MainRoad(
        "桂隆公路",
        "secondary",
        ((13.6, 17.0), (18.0, 15.2), (22.6, 13.8), (27.2, 14.2), (32.0, 13.0), (38.0, 14.6), (44.6, 14.0)),
    ),
    MainRoad("丽桂公路", "tertiary", ((20.8, 7.2), (17.6, 11.0), (13.6, 17.0))),
    MainRoad("濛敖公路", "secondary", ((36.8, 3.2), (37.5, 9.4), (36.4, 13.0), (33.2, 18.4))),
    MainRoad("致濛公路", "tertiary", ((29.6, 5.0), (33.6, 6.4), (37.5, 9.4))),
    MainRoad("丽致公路", "tertiary", ((20.8, 7.2), (24.4, 5.2), (29.6, 5.0))),
    MainRoad("敖丹公路", "tertiary", ((33.2, 18.4), (27.0, 17.6), (20.9, 19.3))),
    MainRoad("云台路", "tertiary", ((16.5, 29.2), (13.0, 29.6), (9.4, 30.6)), "云台沟"),
    MainRoad("西岭路", "tertiary", ((13.5, 37.4), (10.5, 38.6), (7.0, 39.4)), "西岭沟"),
    MainRoad("石笋路", "tertiary", ((16.2, 30.0), (17.6, 31.2), (20.4, 34.2), (22.6, 39.5)), "石笋沟"),
    MainRoad("桂溪路", "tertiary", ((13.9, 17.6), (11.8, 21.4), (8.8, 25.8)), "桂溪"),
    MainRoad("仙源路", "tertiary", ((30.6, 23.4), (30.6, 28.0), (30.8, 33.0)), "仙源河"),
    MainRoad("雪岭路", "tertiary", ((11.9, 43.2), (14.6, 44.2), (18.0, 46.6)), "雪岭沟"),
)
MOTORWAY = MainRoad(
    "天濛高速", "motorway", ((12.8, 8.9), (20.2, 5.4), (25.4, 4.0), (32.4, 7.6), (38.4, 11.2), (46.6, 13.6))
)
INTERCHANGES: Path = ((21.2, 7.2), (29.4, 5.2), (37.2, 10.0))
