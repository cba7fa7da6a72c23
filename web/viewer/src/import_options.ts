/** How an upload is to be imported: layer, mode, coordinate system, encoding, and which field fills which. */

import type { Catalog, Definition, Session } from "./api";
import { ControlPointsForm } from "./control_points";
import { element } from "./dom";
import type { Inspection, StartOptions } from "./import_api";
import { text, word } from "./i18n";

export interface OptionsForm {
  element: HTMLElement;
  chosen(): StartOptions;
}

export function optionsForm(inspection: Inspection, catalog: Catalog, before: Record<string, unknown>, session: Session): OptionsForm {
  if (inspection.layers.length === 1 && inspection.layers[0]?.kind === "model") return modelForm(inspection, before, session);
  const layers = inspection.layers;
  const target = element("input", { list: "import-layers", placeholder: layers.length > 1 ? word("ownName") : layers[0]?.name ?? "", value: textOf(before["layer"]) });
  const offered = element("datalist", { id: "import-layers" }, ...catalog.definitions.map((one) => element("option", { value: one.id }, text(one.title))));
  const mode = choice([["replace", word("modeReplace")], ["upsert", word("modeUpsert")], ["append", word("modeAppend")]], textOf(before["mode"]) || "replace");
  const crs = element("input", { placeholder: layers[0]?.crs ?? "EPSG:4544", value: textOf(before["crs"]) });
  const encoding = element("input", { placeholder: layers[0]?.encoding ?? "", value: textOf(before["encoding"]) });
  const split = element("input", { type: "checkbox", ...(before["split"] ? { checked: "" } : {}) });
  const mapping = element("details", { class: "mapping" });
  const selects = new Map<string, HTMLSelectElement>();
  const offerFields = (): void => {
    const definition = catalog.definitions.find((one) => one.id === target.value.trim());
    selects.clear();
    mapping.hidden = !definition || layers.length !== 1;
    if (!definition || layers.length !== 1) return;
    const earlier = (before["fields"] ?? {}) as Record<string, string>;
    mapping.replaceChildren(
      element("summary", {}, word("mapping")),
      element("table", {}, ...(layers[0]?.fields ?? []).map((field) => {
        const select = fieldChoice(field.name, definition, earlier[field.name]);
        selects.set(field.name, select);
        return element("tr", {}, element("th", { scope: "row" }, field.name, element("small", {}, ` ${field.samples.slice(0, 2).join(" · ")}`)), element("td", {}, select));
      })),
    );
  };
  target.addEventListener("input", offerFields);
  offerFields();
  const form = element(
    "form", { class: "import-options" },
    element("label", {}, word("target"), target), offered,
    element("label", {}, word("mode"), mode),
    element("label", {}, word("crsGiven"), crs),
    element("label", {}, word("encodingGiven"), encoding),
    element("label", { class: "tick" }, split, word("split")),
    mapping,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    element: form,
    chosen: () => ({
      layer: target.value.trim() || null,
      mode: mode.value,
      crs: crs.value.trim() || null,
      encoding: encoding.value.trim() || null,
      split: split.checked,
      fields: Object.fromEntries([...selects].filter(([, one]) => one.value).map(([name, one]) => [name, one.value])),
    }),
  };
}

/** A building model: its id, its building, and where it lies if the file does not say, or says it wrongly. */
function modelForm(inspection: Inspection, before: Record<string, unknown>, session: Session): OptionsForm {
  const layer = inspection.layers[0];
  const target = element("input", { placeholder: word("ownName"), value: textOf(before["layer"]) });
  const code = element("input", { value: textOf(before["building_code"]), placeholder: word("byFootprint") });
  const level = choice([["", "—"], ...[1, 2, 3, 4, 5, 6, 7].map((one): [string, string] => [String(one), `CIM${one}`])], String(before["cim_level"] ?? ""));
  const datum = choice([["", layer?.crs_evidence ? "—" : ""], ["1985", "1985"], ["egm96", "EGM96"], ["ellipsoidal", word("ellipsoidal")], ["local", word("localDatum")]], textOf(before["height_datum"]));
  const points = new ControlPointsForm(session, Boolean(layer?.would_not_load.length));
  const form = element(
    "form", { class: "import-options" },
    element("label", {}, word("target"), target), element("label", {}, word("buildingCode"), code), element("label", {}, word("cimLevel"), level),
    element("label", {}, word("heightDatum"), datum), points.element,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  return {
    element: form,
    chosen: () => ({
      layer: target.value.trim() || null, mode: "replace", crs: null, encoding: null, split: false, fields: {},
      building_code: code.value.trim() || null, cim_level: level.value ? Number(level.value) : null, height_datum: datum.value || null, placement: points.placement,
    }),
  };
}

/** The layer's fields to choose from; what the server would do by name or alias is said in the first entry. */
function fieldChoice(name: string, definition: Definition, before: string | undefined): HTMLSelectElement {
  const folded = name.toLowerCase();
  const own = definition.fields.find((field) => [field.name, ...field.aliases].some((one) => one.toLowerCase() === folded));
  const first: [string, string] = ["", `${word("automatic")}: ${own ? text(own.title) : name}`];
  return choice([first, ...definition.fields.map((field): [string, string] => [field.name, `${text(field.title)} ${field.name}`])], before ?? "");
}

function choice(entries: [string, string][], chosen: string): HTMLSelectElement {
  return element("select", {}, ...entries.map(([value, label]) => element("option", { value, ...(value === chosen ? { selected: "" } : {}) }, label)));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
