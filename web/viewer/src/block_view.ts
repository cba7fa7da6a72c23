/** The figures of a block as a planner reads them: a table of now, plan and scenario, and bars of the uses. */

import type { Answer, AnswerTable } from "./block_api";
import type { Catalog, Text } from "./api";
import { element } from "./dom";
import { text, word } from "./i18n";

interface Row {
  id: string;
  title: Text;
  unit: string;
  digits: number;
}
const ROWS: Row[] = [
  { id: "site_m2", title: { zh: "用地面积", en: "Site area" }, unit: "m²", digits: 0 },
  { id: "floor_area_m2", title: { zh: "地上建筑面积", en: "Floor area" }, unit: "m²", digits: 0 },
  { id: "far", title: { zh: "容积率", en: "FAR" }, unit: "", digits: 2 },
  { id: "footprint_m2", title: { zh: "建筑基底", en: "Footprint" }, unit: "m²", digits: 0 },
  { id: "density_pct", title: { zh: "建筑密度", en: "Density" }, unit: "%", digits: 1 },
  { id: "green_pct", title: { zh: "绿地率 *", en: "Green *" }, unit: "%", digits: 1 },
  { id: "blue_green_pct", title: { zh: "蓝绿占比", en: "Green, water" }, unit: "%", digits: 1 },
  { id: "max_height_m", title: { zh: "最高／限高", en: "Height, limit" }, unit: "m", digits: 1 },
  { id: "mean_height_m", title: { zh: "平均高度", en: "Mean height" }, unit: "m", digits: 1 },
  { id: "buildings", title: { zh: "建筑栋数", en: "Buildings" }, unit: "", digits: 0 },
  { id: "persons", title: { zh: "实有人口", en: "People" }, unit: "", digits: 0 },
  { id: "households", title: { zh: "户数", en: "Households" }, unit: "", digits: 0 },
];

export function blockView(answer: Answer, catalog: Catalog): HTMLElement {
  const [figures, uses] = answer.tables;
  return element(
    "div", {}, figures ? figuresTable(answer, figures) : null, uses ? usesView(uses, catalog) : null, remarks(answer),
  );
}

function figuresTable(answer: Answer, table: AnswerTable): HTMLElement {
  const sides = table.columns.filter((column) => column.name in answer.summary);
  const difference = table.columns.at(-1);
  const [least, more] = (difference ? text(difference.title) : "").replace("）", "").split("（");
  const heads = [...sides.map((side) => element("th", { scope: "col" }, text(side.title))), element("th", { scope: "col" }, least ?? "", more ? element("small", {}, more) : null)];
  const first = sides[0]?.name ?? "now", last = sides.at(-1)?.name ?? "now";
  const rows = ROWS.map((row) => {
    const values = [...sides.map((side) => figure(answer, side.name, row.id))];
    const [from, to] = [figure(answer, first, row.id), figure(answer, last, row.id)];
    const change = from === null || to === null ? null : to - from;
    return element(
      "tr", { "data-row": row.id }, element("th", { scope: "row" }, text(row.title), row.unit ? element("small", {}, ` ${row.unit}`) : null),
      ...values.map((value) => cell(value, row.digits)), cell(change, row.digits, true),
    );
  });
  return element(
    "table", { class: "figures" },
    element("thead", {}, element("tr", {}, element("th", {}), ...heads)),
    element("tbody", {}, ...rows),
  );
}

function figure(answer: Answer, side: string, id: string): number | null {
  const value = (answer.summary[side] as Record<string, unknown> | undefined)?.[id];
  return typeof value === "number" ? value : null;
}

function cell(value: number | null, digits: number, signed = false): HTMLElement {
  if (value === null) return element("td", { class: "unknown", title: word("notKnown") }, "—");
  const shown = value.toLocaleString("zh-CN", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return element("td", {}, signed && value > 0 ? `+${shown}` : shown);
}

function usesView(table: AnswerTable, catalog: Catalog): HTMLElement {
  const names = catalog.layers.find((layer) => layer.id === "buildings")?.fields.find((field) => field.name === "use")?.codes;
  const rows = table.rows.filter((row) => Number(row["now_m2"]) > 0).map((row) => {
    const known = names?.[String(row["code"])];
    const share = Number(row["now_pct"] ?? 0);
    const bar = element("i", { class: "bar" });
    bar.style.width = `${Math.max(1, share)}%`;
    return element(
      "li", {}, element("span", {}, known ? text(known) : String(row["use"])), element("span", { class: "track" }, bar),
      element("span", { class: "share" }, `${share.toFixed(1)}%`),
    );
  });
  if (!rows.length) return element("div", {});
  return element("div", {}, element("h3", {}, text(table.title)), element("ul", { class: "uses" }, ...rows));
}

/** What a reader must know of an answer, and the editions of the data it stands on. */
export function remarks(answer: Answer): HTMLElement {
  const notes = (answer.summary["notes"] as string[] | undefined) ?? [];
  const sources = answer.sources.filter((source) => source.version !== null);
  const editions = sources.map((source) => `${source.title} v${source.version}${source.published_at ? ` (${source.published_at.slice(0, 10)})` : ""}`);
  return element(
    "details", { class: "remarks", open: "" }, element("summary", {}, word("remarks")),
    element("ul", {}, ...notes.map((note) => element("li", {}, note))),
    element("p", { class: "fine" }, `${word("editions")}: ${editions.join("; ")}`), element("p", { class: "fine" }, answer.statement),
  );
}
