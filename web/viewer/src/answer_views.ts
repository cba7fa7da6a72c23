/** What an analysis found, for reading: the verdict, the findings, the tables, the editions they stand on. */

import type { Answer, Column, Finding, Table, Verdict } from "./analysis_api";
import { button, element } from "./dom";
import { digitsOf, figure, measure, unitName } from "./figures";
import { current, text } from "./i18n";
import type { Group } from "./work_map";
import { term, termFor, type Term } from "./work_words";

const WORST_FIRST: Verdict[] = ["not", "partly", "not-assessed", "information", "conforms"];
const PALETTE = ["#d0021b", "#f08c00", "#7b3fb5", "#0b7fab", "#b5651d", "#c2185b", "#00796b", "#5d6d7e", "#9e9d24", "#3949ab"];
const ADVICE = "。建议：";
/** The tables that are looked at first, where an answer has one of them. */
const FIRST = new Set(["land_status", "people"]);
const MOST_ROWS = 500;

/** Chip with the verdict as a word; what was not assessed never looks like a pass. */
export function chip(verdict: string): HTMLElement {
  return element("span", { class: `verdict ${verdict}` }, termFor(verdict));
}

/** The whole in one look: the verdict in words, and how many findings of each kind. */
export function verdictView(verdict: string, findings: Finding[]): HTMLElement {
  const counts = WORST_FIRST.map((one) => [one, findings.filter((found) => found.verdict === one).length] as const).filter(([, count]) => count);
  const missing = verdict !== "not-assessed" && findings.some((one) => one.verdict === "not-assessed");
  const said = `says${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}`;
  return element(
    "div", { class: `overall ${verdict}`, role: "status" },
    element("strong", {}, termFor(verdict)),
    element("div", {}, element("p", {}, termFor(said), missing ? term("missingToo") : ""),
      element("p", { class: "tally" }, ...counts.map(([one, count]) => element("span", { class: `verdict ${one}` }, `${termFor(one)} ${count}`)))),
  );
}

/** The findings, worst first. A rule with pieces on the map has their colour and leads there. */
export function findingsView(findings: Finding[], groups: Map<string, Group>, zoomTo: (rule: string) => void): HTMLElement {
  const sorted = [...findings].sort((a, b) => WORST_FIRST.indexOf(a.verdict) - WORST_FIRST.indexOf(b.verdict));
  const judged = findings.some((one) => one.verdict === "conforms" || one.verdict === "not");
  const heads: Term[] = ["verdict", judged ? "item" : "matter", "measured", "limit", "basis"];
  return element(
    "div", { class: "scroll" }, element("table", { class: "findings-table" },
      element("thead", {}, element("tr", {}, ...heads.map((one) => element("th", { scope: "col", class: one === "measured" || one === "limit" ? "number" : "" }, term(one))))),
      element("tbody", {}, ...sorted.map((one) => findingRow(one, groups.get(one.rule), zoomTo)))),
  );
}

function findingRow(one: Finding, group: Group | undefined, zoomTo: (rule: string) => void): HTMLElement {
  const [message = "", ...advice] = one.message.split(ADVICE);
  const title: (Node | string)[] = [text(one.title)];
  if (group) {
    const patch = element("span", { class: "patch", "aria-hidden": "true" });
    patch.style.background = group.colour;
    const way = button("", "link", () => zoomTo(one.rule));
    way.title = term("zoomTo");
    way.append(patch, text(one.title));
    title[0] = way;
  }
  const edition = one.edition && one.edition !== message ? element("small", { class: "edition" }, one.edition) : null;
  return element(
    "tr", { class: `finding ${one.verdict}`, "data-rule": one.rule }, element("td", {}, chip(one.verdict)),
    element("td", { class: "item" }, element("b", {}, ...title), element("p", {}, message), advice.length ? element("p", { class: "advice" }, `${term("advice")}：${advice.join(ADVICE)}`) : null),
    element("td", { class: typeof one.measured === "string" ? "words" : "number" }, measure(one.measured, one.unit, current())),
    element("td", { class: typeof one.limit === "string" ? "words" : "number" }, measure(one.limit, one.unit, current())),
    element("td", { class: "basis" }, one.clause, edition),
  );
}

/** Rules with pieces among the shapes of an answer, each with a colour of its own. */
export function groupsOf(answer: Answer): Group[] {
  const titles = new Map(answer.findings.map((one) => [one.rule, text(one.title)]));
  const ids = [...new Set(answer.geojson.features.filter((one) => one.properties?.["kind"] !== "parcel").map(groupOf))];
  return ids.map((id, place) => ({ id, title: titles.get(id) ?? kindName(answer, id), colour: PALETTE[place % PALETTE.length] as string }));
}

function kindName({ kinds = {} }: Answer, kind: string): string {
  const known = kinds[kind];
  return known ? text(known) : termFor(kind);
}

/** The shapes that findings are about, and the parcels that were asked for. */
export function shapesOf(answer: Answer): { pieces: GeoJSON.FeatureCollection; parcels: GeoJSON.FeatureCollection } {
  const parcel = (one: GeoJSON.Feature): boolean => one.properties?.["kind"] === "parcel";
  const all = answer.geojson.features;
  return {
    pieces: { type: "FeatureCollection", features: all.filter((one) => !parcel(one)) },
    parcels: { type: "FeatureCollection", features: all.filter(parcel) },
  };
}

export function groupOf(one: GeoJSON.Feature): string {
  return String(one.properties?.["rule"] ?? one.properties?.["kind"] ?? "");
}

/** Tables behind tabs; printed one below the other. `colours` are those of codes, where a layer's style has some. */
export function tablesView(tables: Table[], colours: Map<string, string>): HTMLElement | null {
  if (!tables.length) return null;
  const panes = tables.map((one) => tableView(one, colours));
  const tabs = tables.map((one, place) => {
    const tab = button(text(one.title), "tab", () => choose(place));
    tab.setAttribute("role", "tab");
    tab.append(element("span", { class: "count" }, String(one.rows.length)));
    return tab;
  });
  const choose = (chosen: number): void => {
    panes.forEach((pane, place) => pane.classList.toggle("away", place !== chosen));
    tabs.forEach((tab, place) => tab.setAttribute("aria-selected", String(place === chosen)));
  };
  choose(Math.max(0, tables.findIndex((one) => FIRST.has(one.id))));
  return element("div", { class: "tables" }, element("div", { class: "tabs", role: "tablist" }, ...tabs), ...panes);
}

export function tableView(table: Table, colours: Map<string, string>): HTMLElement {
  const rows = table.rows.slice(0, MOST_ROWS);
  const more = table.rows.length - rows.length;
  return element(
    "section", { class: "table", "data-table": table.id, "aria-label": text(table.title) }, element("h3", {}, text(table.title)),
    rows.length ? element("div", { class: "scroll" }, element("table", { class: "rows" },
      element("thead", {}, element("tr", {}, ...table.columns.map(headCell))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...table.columns.map((column) => cell(row[column.name], column, colours))))))) : element("p", { class: "none" }, term("noRows")),
    more > 0 ? element("p", { class: "caution" }, `${more} ${term("rowsMore")}`) : null,
    table.note ? element("p", { class: "hint" }, table.note) : null,
  );
}

function headCell(column: Column): HTMLElement {
  const unit = unitName(column.unit, current());
  return element("th", { scope: "col", class: column.kind === "text" ? "" : "number" }, text(column.title), unit ? element("small", {}, ` ${unit}`) : null);
}

function cell(value: unknown, column: Column, colours: Map<string, string>): HTMLElement {
  if (value === null || value === undefined) return element("td", { class: column.kind === "text" ? "" : "number" }, "—");
  if (column.kind === "count") return element("td", { class: "number" }, figure(Number(value), 0));
  if (column.kind === "number") return element("td", { class: "number" }, figure(Number(value), digitsOf(column.unit, column.digits)));
  const colour = column.name === "code" ? colours.get(String(value)) : undefined;
  if (colour === undefined) return element("td", {}, typeof value === "number" ? String(value) : textOf(value));
  const patch = element("span", { class: "patch", "aria-hidden": "true" });
  patch.style.background = colour;
  return element("td", { class: "coded" }, patch, String(value));
}

function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Colours by code out of a style's fill: a `match` of codes; none where it is drawn otherwise. */
export function coloursOf(layers: Record<string, unknown>[] | undefined): Map<string, string> {
  const fill = layers?.find((one) => one["type"] === "fill");
  const colour = (fill?.["paint"] as Record<string, unknown> | undefined)?.["fill-color"];
  const found = new Map<string, string>();
  if (!Array.isArray(colour) || colour[0] !== "match") return found;
  for (let place = 2; place + 1 < colour.length; place += 2) {
    for (const code of [colour[place]].flat()) found.set(String(code), String(colour[place + 1]));
  }
  return found;
}

/** On which editions of data and rules an answer stands. */
export function sourcesView(answer: Answer): HTMLElement {
  const rules = answer.rules;
  const number = rules["number"] === 0 ? term("shippedEdition") : `#${String(rules["number"])}`;
  const told = rules["name"] ? `${term("ruleEdition")}：${String(rules["edition"] ?? rules["name"])}（${number}）` : "";
  const heads: Term[] = ["layer", "edition", "publishedAt", "note"];
  return element(
    "details", { class: "sources" }, element("summary", {}, `${term("sources")} ${answer.sources.length}`),
    told ? element("p", {}, told) : null, rules["source"] ? element("p", { class: "hint" }, String(rules["source"])) : null,
    element("div", { class: "scroll" }, element("table", { class: "rows" },
      element("thead", {}, element("tr", {}, ...heads.map((one) => element("th", { scope: "col" }, term(one))))),
      element("tbody", {}, ...answer.sources.map((one) => element(
        "tr", {}, element("td", {}, one.title), element("td", { class: "number" }, one.version === null ? "—" : String(one.version)),
        element("td", {}, one.published_at ? new Date(one.published_at).toLocaleString() : "—"), element("td", {}, one.note),
      ))))),
  );
}
