/** Colouring features by a field: fixed classes of heights, storeys and years, else a colour for each value that is met. */

import type { FieldInfo, LayerStyle } from "../api";
import { className } from "../bim_views";
import { current, text } from "../i18n";
import type { Value } from "./looks";
import { term, type Term } from "./words";

export interface ColourClass {
  key: string;
  label: string;
  colour: string;
}
export interface Colouring {
  field: string;
  classOf(value: Value): string;
  colourOf(key: string): string;
  /** The classes there are, in the order of a legend; of values, those met so far. */
  classes(): ColourClass[];
}

const UNKNOWN = "";
const UNKNOWN_COLOUR = "#b8b8b8";
/** Upper bounds of classes; what is above the last is a class of its own. Heights as fire safety of buildings divides them. */
const BOUNDS: Record<string, number[]> = {
  height_m: [10, 27, 50, 100], height_limit_m: [10, 27, 50, 100], floors: [3, 6, 9, 18, 33], year: [1979, 1989, 1999, 2009, 2019],
  diam_mm: [100, 300, 600, 1000], far: [1, 1.5, 2, 3],
};
const RAMP = ["#fde3a7", "#f5b971", "#e58a5a", "#c8594e", "#93374d", "#5a1f45"];
const VALUES = [
  "#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#edc948", "#b07aa1", "#9c755f", "#86bcb6", "#d37295", "#8cd17d", "#499894", "#d4a6c8", "#a0cbe8", "#ffbe7d", "#b6992d",
];
const TITLES: Record<string, Term> = {
  ifc_class: "byClass", storey_number: "byStorey", use: "byUse", height_m: "byHeight", year: "byAge", floors: "byFloors", surface: "bySurface",
};
/** Fields that say which thing a feature is, not of what sort: nothing to colour by. */
const NAMES = new Set(["fid", "global_id", "building_code", "name", "storey", "space", "object_id", "pipe_id", "parcel_code"]);

export function colourFields(fields: string[]): string[] {
  return fields.filter((field) => !NAMES.has(field));
}

export function fieldTitle(field: string, known: FieldInfo[]): string {
  const title = TITLES[field];
  if (title) return term(title);
  const info = known.find((one) => one.name === field);
  return info ? text(info.title) : field;
}

/** Colours of values are those of the flat map's style where that has any; `met` is told when a value turns up first. */
export function colouringBy(field: string, info: FieldInfo | undefined, style: LayerStyle | undefined, met: () => void): Colouring {
  const bounds = BOUNDS[field];
  return bounds ? graded(field, bounds) : valued(field, info, style ? styleColours(style, field) : new Map(), met);
}

function graded(field: string, bounds: number[]): Colouring {
  const classes = [...bounds, Infinity].map((bound, number): ColourClass => ({
    key: String(number), label: rangeText(field, bounds[number - 1], bound), colour: RAMP[number] ?? UNKNOWN_COLOUR,
  }));
  return {
    field,
    classOf: (value) => (typeof value === "number" ? String(bounds.filter((bound) => value > bound).length) : UNKNOWN),
    colourOf: (key) => classes[Number(key)]?.colour ?? UNKNOWN_COLOUR,
    classes: () => [...classes, { key: UNKNOWN, label: term("unknown"), colour: UNKNOWN_COLOUR }],
  };
}

function valued(field: string, info: FieldInfo | undefined, styled: Map<string, string>, met: () => void): Colouring {
  const colours = new Map<string, string>();
  const colourOf = (key: string): string => {
    if (key === UNKNOWN) return UNKNOWN_COLOUR;
    let colour = colours.get(key);
    if (!colour) {
      colour = styled.get(key) ?? VALUES[colours.size % VALUES.length] ?? UNKNOWN_COLOUR;
      colours.set(key, colour);
      met();
    }
    return colour;
  };
  const label = (key: string): string => {
    const code = info?.codes?.[key];
    return code ? text(code) : field === "ifc_class" ? classWord(key) : key;
  };
  const known = (): ColourClass[] => [...colours].map(([key, colour]) => ({ key, label: label(key), colour })).sort((a, b) => a.label.localeCompare(b.label, current(), { numeric: true }));
  return {
    field,
    classOf: (value) => (value === null ? UNKNOWN : String(value)),
    colourOf,
    classes: () => [...known(), { key: UNKNOWN, label: term("unknown"), colour: UNKNOWN_COLOUR }],
  };
}

/** The word for an IFC class alone, where the page's language has one. */
export function classWord(ifc: string): string {
  return className(ifc).replace(/ Ifc\w+$/, "");
}

function rangeText(field: string, from: number | undefined, to: number): string {
  const unit = field.endsWith("_m") ? " m" : "";
  if (field === "year") return from === undefined ? `≤ ${to}` : to === Infinity ? `≥ ${from + 1}` : `${from + 1}–${to}`;
  if (from === undefined) return `≤ ${to}${unit}`;
  return to === Infinity ? `> ${from}${unit}` : `${from}–${to}${unit}`;
}

/** The colours a style gives to values of a field: what its `match` on that field says. */
function styleColours(style: LayerStyle, field: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (part: unknown): void => {
    if (part !== null && typeof part === "object" && !Array.isArray(part)) Object.values(part).forEach(visit);
    if (!Array.isArray(part)) return;
    if (part[0] === "match" && JSON.stringify(part[1]) === JSON.stringify(["get", field])) {
      for (let at = 2; at + 1 < part.length; at += 2) {
        const [values, colour] = [part[at], part[at + 1]] as unknown[];
        if (typeof colour === "string" && colour.startsWith("#")) for (const value of [values].flat()) found.set(String(value), colour);
      }
    }
    part.forEach(visit);
  };
  style.layers.forEach((layer) => visit(layer["paint"]));
  return found;
}
