/** What a query found: a table that is paged and sorted, and figures by a field with bars. */

import type { FieldInfo, LayerInfo } from "./api";
import { button, element } from "./dom";
import { meaning } from "./identify";
import { text, word } from "./i18n";
import { PAGE, type Page, type Statistics } from "./query_api";

const MOST_BARS = 40;

export interface TableActions {
  sort(sortby: string): void;
  turn(forward: boolean): void;
  look(feature: GeoJSON.Feature): void;
}

export function resultTable(page: Page, layer: LayerInfo, number: number, sortby: string, actions: TableActions): HTMLElement {
  const head = layer.fields.map((field) => {
    const mark = sortby === field.name ? " ▲" : sortby === `-${field.name}` ? " ▼" : "";
    const sort = button(text(field.title) + mark, "link", () => actions.sort(sortby === field.name ? `-${field.name}` : field.name));
    const direction = mark === " ▲" ? "ascending" : mark ? "descending" : "none";
    return element("th", { scope: "col", "aria-sort": direction }, sort, field.unit ? element("small", {}, field.unit) : null);
  });
  const rows = page.features.map((feature) => {
    const row = element("tr", { tabindex: "0" }, ...layer.fields.map((field) => cell(feature.properties?.[field.name], field)));
    row.addEventListener("click", () => actions.look(feature));
    row.addEventListener("keydown", (event) => {
      if (event.key === "Enter") actions.look(feature);
    });
    return row;
  });
  const first = number * PAGE;
  const last = first + page.features.length;
  const back = button("‹", "turn", () => actions.turn(false));
  const on = button("›", "turn", () => actions.turn(true));
  back.disabled = number === 0;
  on.disabled = last >= page.numberMatched;
  back.setAttribute("aria-label", word("before"));
  on.setAttribute("aria-label", word("next"));
  return element(
    "div", { class: "query-table" },
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows))),
    element("div", { class: "pager" }, back, `${page.numberMatched ? first + 1 : 0} – ${last} / ${page.numberMatched.toLocaleString()}`, on),
  );
}

function cell(value: unknown, field: FieldInfo): HTMLElement {
  const empty = value === null || value === undefined || value === "";
  return element("td", typeof value === "number" && !field.codes ? { class: "number" } : {}, empty ? "" : meaning(value, field));
}

/** Groups as bars, the largest first; the length is the share of the largest. */
export function statisticsView(found: Statistics): HTMLElement {
  const figure = found.figures[0];
  const size = (group: Statistics["groups"][number]): number => (figure ? Number(group[figure.name] ?? 0) : group.count);
  const groups = [...found.groups].sort((a, b) => size(b) - size(a));
  const most = Math.max(...groups.map(size), 0) || 1;
  const rows = groups.slice(0, MOST_BARS).map((group) => {
    const bar = element("i", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${Math.max(0, (size(group) / most) * 100)}%`;
    return element(
      "tr", {}, element("th", { scope: "row" }, label(group)), element("td", { class: "number" }, group.count.toLocaleString()),
      figure ? element("td", { class: "number" }, size(group).toLocaleString(undefined, { maximumFractionDigits: 2 })) : null,
      element("td", { class: "bars" }, bar),
    );
  });
  const unit = figure?.unit ? `（${figure.unit}）` : "";
  return element(
    "table", { class: "figures" },
    element("thead", {}, element("tr", {}, element("th", {}), element("th", { class: "number" }, word("count")), figure ? element("th", { class: "number" }, text(figure.title) + unit) : null, element("th", {}))),
    element("tbody", {}, ...rows),
    ...(groups.length > MOST_BARS ? [element("caption", {}, `${MOST_BARS} / ${groups.length.toLocaleString()}`)] : []),
  );
}

function label(group: Statistics["groups"][number]): string {
  const [value, name] = [group.values[0], group.names[0]];
  if (value === null || value === undefined) return word("noValue");
  return name ? `${text(name)} ${String(value)}` : String(value);
}
