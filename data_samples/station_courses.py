"""How the values of the sample county's stations go over the day."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime

from cim.model.sensing import BEIJING


@dataclass(frozen=True, slots=True)
class Course:
    """How a value goes over the day: its mean, how far it swings, and at which hour it is greatest."""

    mean: float
    swing: float
    greatest_hour: float = 14.0


AIR_COURSES = {
    "a34004": Course(42, 18, 8),
    "a34002": Course(68, 25, 8),
    "a21026": Course(9, 3, 10),
    "a21004": Course(34, 14, 20),
    "a21005": Course(0.8, 0.3, 8),
    "a05024": Course(75, 60, 15),
    "a01001": Course(16, 6, 15),
    "a01002": Course(72, 15, 5),
    "a01006": Course(94.6, 0.4, 10),
    "a01007": Course(1.6, 0.9, 16),
}
WATER_COURSES = {
    "w01010": Course(15, 2, 16),
    "w01001": Course(7.8, 0.2, 15),
    "w01009": Course(8.2, 0.9, 15),
    "w01014": Course(420, 25, 12),
    "w01019": Course(2.6, 0.4, 12),
    "w21003": Course(0.32, 0.12, 6),
    "w21011": Course(0.08, 0.02, 6),
    "w21001": Course(2.1, 0.3, 6),
}
GAS_COURSES = {
    "a00000": Course(24, 6, 11),
    "a21026": Course(21, 8, 11),
    "a21002": Course(58, 15, 11),
    "a34013": Course(6, 2, 11),
    "a19001": Course(8.5, 1, 3),
}
SEWAGE_COURSES = {
    "w00000": Course(35, 12, 20),
    "w01001": Course(7.2, 0.2, 12),
    "w01018": Course(28, 7, 20),
    "w21003": Course(1.4, 0.6, 20),
}
HYDROLOGY_COURSES = {
    "39": Course(584.2, 0.15, 4),
    "27": Course(42, 8, 4),
    "20": Course(3, 3, 2),
    "38": Course(12.6, 0.4),
}


def value_of(station: str, code: str, course: Course, at: datetime) -> float:
    """The value of a station at a moment: the same for the same question, and a little other for every station."""
    local = at.astimezone(BEIJING)
    hour = local.hour + local.minute / 60
    own = _share(station, code)
    wobble = _share(station, code, local.strftime("%Y%m%d%H%M")) - 0.5
    wave = math.cos((hour - course.greatest_hour) / 24 * 2 * math.pi)
    return course.mean * (0.9 + 0.2 * own) + course.swing * (wave + 0.1 * wobble)


def _share(*words: str) -> float:
    digest = hashlib.blake2b("|".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
