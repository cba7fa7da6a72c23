/** A chart of a datastream: mean and the band from least to greatest over time; gaps stay gaps, limits of alarms are lines. */

import { element } from "../dom";
import { label, plain, svg, ticks } from "../profile_chart";
import type { SeriesColumns } from "./api";
import { moment, plainNumber, term } from "./words";

/** A limit of an alarm rule. */
export interface Limit {
  value: number;
  name: string;
  colour: string;
}
export interface ChartPoint {
  at: number;
  mean: number;
  least: number;
  greatest: number;
}

const WIDTH = 420, HEIGHT = 190, LEFT = 46, RIGHT = 8, TOP = 14, BOTTOM = 24;
const DAY_MS = 86_400_000;

export function seriesChart(series: SeriesColumns, limits: Limit[], unit: string): HTMLElement {
  const told = element("p", { class: "profile-told" }, " ");
  const runs = runsOf(series), points = runs.flat();
  if (!points.length) return element("p", { class: "none" }, term("noSeries"));
  const since = Date.parse(series.from), until = Math.max(Date.parse(series.to), (points.at(-1)?.at ?? 0) + 1);
  const [low, high] = rangeOf(points, limits);
  const x = (at: number): number => LEFT + ((at - since) / (until - since)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "profile series", role: "img", "aria-label": term("chart") });
  for (const gap of gapsOf(series)) {
    chart.append(svg("rect", { x: x(gap[0]), width: Math.max(0, x(Math.min(gap[1], until)) - x(gap[0])), y: TOP, height: HEIGHT - TOP - BOTTOM, class: "gap" }));
  }
  for (const tick of ticks(low, high, 4)) {
    chart.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }), label(LEFT - 5, y(tick) + 4, plain(tick), "end"));
  }
  for (const at of timeTicks(since, until)) chart.append(label(x(at), HEIGHT - 8, timeLabel(at, until - since), "middle"));
  for (const run of runs) chart.append(...drawn(run, x, y));
  for (const limit of limits.filter((one) => one.value >= low && one.value <= high)) {
    const line = svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(limit.value), y2: y(limit.value), class: "limit", stroke: limit.colour });
    line.append(Object.assign(svg("title", {}), { textContent: `${limit.name} ${limit.value}` }));
    chart.append(line, label(WIDTH - RIGHT - 2, y(limit.value) - 3, `${term("threshold")} ${plainNumber(limit.value)}`, "end"));
  }
  if (unit) chart.append(label(LEFT - 5, TOP - 4, unit, "end"));
  follow(chart, points, told, unit, x);
  const made = element("div", {}, told);
  made.prepend(chart);
  return made;
}

/** Stretches of buckets with values: a bucket without any ends one. */
function runsOf(series: SeriesColumns): ChartPoint[][] {
  const found: ChartPoint[][] = [[]];
  series.start.forEach((start, place) => {
    const mean = series.mean[place];
    if (mean == null) found.push([]);
    else found.at(-1)?.push({ at: Date.parse(start), mean, least: series.least[place] ?? mean, greatest: series.greatest[place] ?? mean });
  });
  return found.filter((run) => run.length);
}

/** From when to when nothing was heard. */
function gapsOf(series: SeriesColumns): [number, number][] {
  const starts = series.start.map((one) => Date.parse(one));
  const width = (starts[1] ?? 0) - (starts[0] ?? 0);
  const found: [number, number][] = [];
  series.gap.forEach((gap, place) => {
    const start = starts[place] ?? 0, last = found.at(-1);
    if (!gap) return;
    if (last && last[1] === start) last[1] = start + width;
    else found.push([start, start + width]);
  });
  return found;
}

function rangeOf(points: ChartPoint[], limits: Limit[]): [number, number] {
  let low = Infinity, high = -Infinity;
  for (const point of points) {
    low = Math.min(low, point.least);
    high = Math.max(high, point.greatest);
  }
  for (const { value } of limits) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const more = Math.max((high - low) * 0.08, Math.abs(high) * 0.01, 1e-9);
  return [low >= 0 ? Math.max(0, low - more) : low - more, high + more];
}

function drawn(run: ChartPoint[], x: (at: number) => number, y: (value: number) => number): SVGElement[] {
  const [only] = run;
  if (run.length === 1 && only) return [svg("line", { x1: x(only.at), x2: x(only.at), y1: y(only.least), y2: y(only.greatest), class: "mean" }), svg("circle", { cx: x(only.at), cy: y(only.mean), r: 2, class: "alone" })];
  const at = (value: (point: ChartPoint) => number) => (point: ChartPoint): string => `${x(point.at).toFixed(1)},${y(value(point)).toFixed(1)}`;
  const above = run.map(at((one) => one.greatest)), below = [...run].reverse().map(at((one) => one.least));
  return [svg("polygon", { points: [...above, ...below].join(" "), class: "band" }), svg("polyline", { points: run.map(at((one) => one.mean)).join(" "), class: "mean" })];
}

/** Four or so moments at even hours, days or months of Beijing time. */
function timeTicks(since: number, until: number): number[] {
  const span = until - since, hour = 3_600_000;
  const step = [3 * hour, 6 * hour, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 61 * DAY_MS, 92 * DAY_MS].find((one) => span / one <= 6) ?? 92 * DAY_MS;
  const shift = 8 * hour;
  const found: number[] = [];
  for (let at = Math.ceil((since + shift) / step) * step - shift; at < until; at += step) found.push(at);
  return found.filter((one) => one > since + span * 0.03 && one < until - span * 0.03);
}

function timeLabel(at: number, span: number): string {
  const date = new Date(at), zone = { timeZone: "Asia/Shanghai" } as const;
  if (span <= 2 * DAY_MS) return date.toLocaleTimeString("sv-SE", { ...zone, hour: "2-digit", minute: "2-digit" });
  return date.toLocaleDateString("sv-SE", zone).slice(span > 200 * DAY_MS ? 2 : 5, span > 200 * DAY_MS ? 7 : 10);
}

function follow(chart: SVGElement, points: ChartPoint[], told: HTMLElement, unit: string, x: (at: number) => number): void {
  const mark = svg("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "mark", visibility: "hidden" });
  chart.append(mark);
  chart.addEventListener("pointermove", (event) => {
    const { left, width } = chart.getBoundingClientRect();
    const place = ((event.clientX - left) / width) * WIDTH;
    const near = points.reduce((best, one) => (Math.abs(x(one.at) - place) < Math.abs(x(best.at) - place) ? one : best));
    for (const name of ["x1", "x2"]) mark.setAttribute(name, String(x(near.at)));
    mark.setAttribute("visibility", "visible");
    told.textContent = `${moment(new Date(near.at))} · ${term("mean")} ${plainNumber(near.mean)} ${unit} (${plainNumber(near.least)}–${plainNumber(near.greatest)})`;
  });
  chart.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    told.textContent = " ";
  });
}
