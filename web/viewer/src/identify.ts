/** What is at a place: one card a feature, its fields with titles, units and the meaning of codes. */

import type { Catalog, FieldInfo, HeightHere, Identified } from "./api";
import { button, element } from "./dom";
import { text, word } from "./i18n";
import { linkedButton } from "./linked";

export function identifyPanel(
  features: Identified[], heights: HeightHere[], catalog: Catalog, look: (feature: Identified) => void, close: () => void,
): HTMLElement {
  const head = element(
    "div", { class: "results-head" }, element("h2", {}, `${word("results")} · ${features.length}`),
    button("×", "quiet close", close),
  );
  head.querySelector(".close")?.setAttribute("aria-label", word("close"));
  const heightLines = heights.map((one) => element("p", { class: "height" }, heightText(one)));
  if (!features.length) return element("div", {}, head, ...heightLines, element("p", { class: "none" }, word("nothing")));
  return element("div", {}, head, ...heightLines, ...features.map((feature, number) => card(feature, catalog, look, number === 0)));
}

const DATUMS: Record<string, string> = { "EPSG:5737": "1985", "EPSG:5736": "1956", "EPSG:5773": "EGM96", "EPSG:3855": "EGM2008" };

/** 此处高程 612.4 m (1985). */
function heightText(here: HeightHere): string {
  const datum = here.height_datum ? ` (${DATUMS[here.height_datum] ?? here.height_datum})` : "";
  return `${word("heightHere")} ${here.height_m.toFixed(1)} m${datum}`;
}

function card(feature: Identified, catalog: Catalog, look: (feature: Identified) => void, open: boolean): HTMLElement {
  const layer = catalog.layers.find((one) => one.id === feature.layer);
  const made = element(
    "details", open ? { open: "" } : {},
    element("summary", {}, element("b", {}, feature.title), element("span", { class: "kind" }, layer ? text(layer.title) : feature.layer)),
    element("table", {}, ...fieldRows(feature, layer?.fields ?? [])),
    linkedButton(feature, catalog, look),
  );
  made.addEventListener("toggle", () => {
    if (made.open) look(feature);
  });
  return made;
}

export function fieldRows(feature: Identified, fields: FieldInfo[]): HTMLElement[] {
  const known = new Map(fields.map((field) => [field.name, field]));
  return Object.entries(feature.properties)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => {
      const field = known.get(name);
      const unit = field?.unit ? ` ${field.unit}` : "";
      return element(
        "tr", {}, element("th", { scope: "row" }, field ? text(field.title) : name), element("td", {}, meaning(value, field) + unit),
      );
    });
}

export function meaning(value: unknown, field: FieldInfo | undefined): string {
  const plain = typeof value === "number" && !Number.isInteger(value) ? String(Math.round(value * 1000) / 1000) : String(value);
  const code = field?.codes?.[plain];
  return code ? `${text(code)} (${plain})` : plain;
}
