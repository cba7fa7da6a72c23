/** A profile of the ground as plain SVG: heights over the distance along a line, with a mark that follows the pointer. */

import { element } from "./dom";
import { word } from "./i18n";

export interface ProfilePoint {
  distance_m: number;
  height_m: number | null;
  lon: number;
  lat: number;
}

const WIDTH = 420, HEIGHT = 190, LEFT = 44, RIGHT = 10, TOP = 12, BOTTOM = 28;
const SVG = "http://www.w3.org/2000/svg";

export function profileChart(points: ProfilePoint[], at: (point: ProfilePoint | null) => void): HTMLElement {
  const told = element("p", { class: "profile-told" }, " ");
  const heights = points.flatMap((point) => (point.height_m === null ? [] : [point.height_m]));
  const length = points.at(-1)?.distance_m ?? 0;
  if (!heights.length || !length) return told;
  const [low, high] = padded(Math.min(...heights), Math.max(...heights));
  const x = (distance: number): number => LEFT + (distance / length) * (WIDTH - LEFT - RIGHT);
  const y = (height: number): number => TOP + ((high - height) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "profile", role: "img", "aria-label": word("profile") });
  for (const tick of ticks(low, high, 5)) {
    chart.append(svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(tick), y2: y(tick), class: "grid" }), label(LEFT - 5, y(tick) + 4, `${plain(tick)}`, "end"));
  }
  for (const tick of ticks(0, length, 5)) chart.append(label(x(tick), HEIGHT - 12, length > 3000 ? `${plain(tick / 1000)} km` : `${plain(tick)} m`, "middle"));
  for (const run of runs(points)) {
    const line = run.map((point) => `${x(point.distance_m).toFixed(1)},${y(point.height_m ?? 0).toFixed(1)}`);
    const [first, last] = [run[0], run.at(-1)];
    if (!first || !last) continue;
    const floor = `${x(last.distance_m)},${y(low)} ${x(first.distance_m)},${y(low)}`;
    chart.append(svg("polygon", { points: `${line.join(" ")} ${floor}`, class: "ground" }), svg("polyline", { points: line.join(" "), class: "surface" }));
  }
  chart.append(label(LEFT - 5, TOP - 2, "m", "end"));
  const mark = svg("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "mark", visibility: "hidden" });
  chart.append(mark);
  chart.addEventListener("pointermove", (event) => {
    const { left, width } = chart.getBoundingClientRect();
    const distance = (((event.clientX - left) / width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT) * length;
    const near = points.reduce((best, one) => (Math.abs(one.distance_m - distance) < Math.abs(best.distance_m - distance) ? one : best));
    for (const name of ["x1", "x2"]) mark.setAttribute(name, String(x(near.distance_m)));
    mark.setAttribute("visibility", "visible");
    const height = near.height_m === null ? word("notKnown") : `${near.height_m.toFixed(1)} m`;
    told.textContent = `${word("distance")} ${near.distance_m.toFixed(0)} m · ${word("elevation")} ${height}`;
    at(near);
  });
  chart.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    told.textContent = " ";
    at(null);
  });
  const box = element("div", {}, told);
  box.prepend(chart);
  return box;
}

/** Stretches of known heights: a gap in the data is a gap in the line. */
function runs(points: ProfilePoint[]): ProfilePoint[][] {
  const found: ProfilePoint[][] = [[]];
  for (const point of points) {
    if (point.height_m === null) found.push([]);
    else found.at(-1)?.push(point);
  }
  return found.filter((run) => run.length > 1);
}

function padded(low: number, high: number): [number, number] {
  const more = Math.max(1, (high - low) * 0.1);
  return [low - more, high + more];
}

export function ticks(low: number, high: number, about: number): number[] {
  const rough = (high - low) / about, power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((part) => part * power >= rough) ?? 10) * power;
  const found: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step) found.push(tick);
  return found;
}

export function plain(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

export function label(x: number, y: number, words: string, anchor: string): SVGElement {
  const made = svg("text", { x, y, "text-anchor": anchor });
  made.textContent = words;
  return made;
}
