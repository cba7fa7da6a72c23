/** True solar time of a place: what a sundial shows, by which sunshine of dwellings is judged (GB 50180). */

const DAY_MS = 86_400_000;
const J2000_MS = Date.UTC(2000, 0, 1, 12);
const BEIJING_H = 8;
const MINUTES_A_DEGREE = 4;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const turned = (degrees: number): number => ((((degrees + 180) % 360) + 360) % 360) - 180;

/** Mean and true longitude of the sun, and what the ecliptic is tilted by, degrees; good to 0.01 degree for this century. */
function sunAt(utc_ms: number): { mean: number; longitude: number; tilt: number } {
  const days = (utc_ms - J2000_MS) / DAY_MS;
  const anomaly = radians(357.529 + 0.985_600_28 * days);
  const mean = 280.459 + 0.985_647_36 * days;
  return { mean, longitude: mean + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly), tilt: 23.439 - 0.000_000_36 * days };
}

/** How far true solar time is ahead of mean solar time, minutes. */
export function equationOfTime(utc_ms: number): number {
  const { mean, longitude, tilt } = sunAt(utc_ms);
  const along = radians(longitude);
  const ascension = (Math.atan2(Math.cos(radians(tilt)) * Math.sin(along), Math.cos(along)) * 180) / Math.PI;
  return turned(mean - ascension) * MINUTES_A_DEGREE;
}

/** The instant at which a sundial at a longitude shows `hours` of a day, given as YYYY-MM-DD. */
export function instantOf(day: string, hours: number, lon: number): number {
  const mean = Date.parse(`${day}T00:00:00Z`) + hours * 3_600_000 - lon * MINUTES_A_DEGREE * 60_000;
  return mean - equationOfTime(mean) * 60_000;
}

/** Hours of true solar time at an instant, from 0 to 24. */
export function solarHours(utc_ms: number, lon: number): number {
  const minutes = utc_ms / 60_000 + lon * MINUTES_A_DEGREE + equationOfTime(utc_ms);
  return (((minutes / 60) % 24) + 24) % 24;
}

/** The day (in Beijing) of a year on which the sun reaches a longitude: 300 is 大寒, 270 冬至, 90 夏至. */
export function dayOfTerm(year: number, longitude: number): string {
  for (let day = 0; day < 366; day += 1) {
    const begin = Date.UTC(year, 0, 1 + day) - BEIJING_H * 3_600_000;
    const [before, after] = [begin, begin + DAY_MS].map((instant) => turned(sunAt(instant).longitude - longitude));
    if ((before ?? 0) <= 0 && (after ?? 0) > 0) return new Date(begin + BEIJING_H * 3_600_000).toISOString().slice(0, 10);
  }
  return `${year}-01-20`;
}

/** 08:35, of hours. */
export function clockText(hours: number): string {
  const minutes = Math.round(hours * 60);
  return `${String(Math.floor(minutes / 60) % 24).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

/** Beijing time of an instant, as 2026-01-20 08:35. */
export function beijingText(utc_ms: number): string {
  return new Date(utc_ms + BEIJING_H * 3_600_000).toISOString().slice(0, 16).replace("T", " ");
}
