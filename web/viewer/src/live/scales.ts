/** Colours of values: by official classes where an indicator has them, else by a ramp over what is measured now. */

import { current } from "../i18n";
import type { ObservedProperty, ValueClass } from "./api";
import { plainNumber } from "./words";

/** Steps of values, each with a colour; a higher rank is the worse class, or the higher value of a ramp. */
export interface Scale {
  rank(value: number): number;
  steps: { label: string; colour: string }[];
}

const RAMP = ["#414487", "#2a788e", "#22a884", "#7ad151", "#d8c619", "#f08c1e"];
const NO_COLOUR = "#7a8794";

export function scaleOf(property: ObservedProperty, values: number[]): Scale {
  return property.classes.length ? byClasses(property.classes) : byRamp(values);
}

function byClasses(classes: ValueClass[]): Scale {
  return {
    rank: (value) => classes.findIndex(({ least, most }) => (least === null || value >= least) && (most === null || value <= most)),
    steps: classes.map((one) => ({ label: `${one[current()]} ${bounds(one)}`.trim(), colour: one.colour })),
  };
}

function bounds({ least, most }: ValueClass): string {
  if (most !== null && least === null) return `≤ ${plainNumber(most)}`;
  if (least !== null && most === null) return `≥ ${plainNumber(least)}`;
  return "";
}

function byRamp(values: number[]): Scale {
  const low = Math.min(...values), high = Math.max(...values);
  if (!(high > low)) return { rank: () => 0, steps: [{ label: values.length ? plainNumber(low) : "", colour: RAMP[2] ?? NO_COLOUR }] };
  const step = niceStep((high - low) / RAMP.length);
  const start = Math.floor(low / step) * step;
  const bounds = RAMP.map((_, place) => start + place * step);
  return {
    rank: (value) => Math.max(0, Math.min(RAMP.length - 1, Math.floor((value - start) / step))),
    steps: RAMP.map((colour, place) => ({ label: `${plainNumber(bounds[place] ?? 0)}–${plainNumber((bounds[place] ?? 0) + step)}`, colour })),
  };
}

/** The least of 1, 2, 2.5, 5 times a power of ten that is not below a width. */
function niceStep(width: number): number {
  const power = 10 ** Math.floor(Math.log10(width));
  return ([1, 2, 2.5, 5].find((part) => part * power >= width) ?? 10) * power;
}

/** Black or white, whichever is read better on a colour. */
export function inkOn(colour: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * (red ?? 0) + 0.587 * (green ?? 0) + 0.114 * (blue ?? 0) > 150 ? "#1d2733" : "#ffffff";
}
