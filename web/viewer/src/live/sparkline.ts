/** The last hours of a device as a small line; hours without a value are gaps. */

import { svg } from "../profile_chart";

const WIDTH = 110, HEIGHT = 24, EDGE = 2;

export function sparkline(means: (number | null)[]): SVGElement {
  const known = means.filter((one): one is number => one !== null);
  const made = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, class: "sparkline", "aria-hidden": "true" });
  if (!known.length) return made;
  const low = Math.min(...known), range = Math.max(...known) - low || 1;
  const x = (place: number): number => EDGE + (place / Math.max(1, means.length - 1)) * (WIDTH - 2 * EDGE);
  const y = (value: number): number => HEIGHT - EDGE - ((value - low) / range) * (HEIGHT - 2 * EDGE);
  let run: string[] = [];
  const end = (): void => {
    if (run.length > 1) made.append(svg("polyline", { points: run.join(" ") }));
    else if (run[0]) {
      const [cx, cy] = run[0].split(",");
      made.append(svg("circle", { cx: cx ?? 0, cy: cy ?? 0, r: 1.4 }));
    }
    run = [];
  };
  means.forEach((value, place) => (value === null ? end() : run.push(`${x(place).toFixed(1)},${y(value).toFixed(1)}`)));
  end();
  return made;
}
