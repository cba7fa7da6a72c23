/** What was found in a file, and how an import ended, for reading. */

import { button, element } from "./dom";
import { isModel, type InspectedLayer, type Inspection, type Run } from "./import_api";
import { current, word, type Word } from "./i18n";

const MOST_ROWS = 8;

interface RunActions {
  faults(): void;
  changes(): void;
  undo(): void;
}

export function inspectionView(inspection: Inspection, open: boolean): HTMLElement {
  const layers = inspection.layers.map((layer) => inspectedLayer(layer, open && inspection.layers.length === 1));
  return element(
    "details", { class: "inspection", ...(open ? { open: "" } : {}) },
    element("summary", {}, `${word("found")}: ${inspection.driver} · ${inspection.layers.length} ${word("layers")}`), ...layers,
  );
}

function inspectedLayer(layer: InspectedLayer, open: boolean): HTMLElement {
  const facts: [string, string][] = [
    [word("crs"), `${layer.crs ?? "—"} · ${layer.crs_evidence}`],
    [word("encoding"), layer.encoding || "—"],
    [word("extent"), layer.bbox ? layer.bbox.map((one) => Number(one.toFixed(5))).join(", ") : "—"],
  ];
  const loads = layer.would_not_load.length === 0;
  return element(
    "details", { class: "inspected", ...(open || !loads ? { open: "" } : {}) },
    element("summary", {}, element("b", {}, layer.name), ` ${layer.feature_count.toLocaleString()} × ${layer.geometry_type}`,
      loads ? null : element("span", { class: "grade restricted" }, word("cannotLoad"))),
    element("table", {}, ...facts.map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)))),
    ...layer.problems.map((one) => element("p", { class: layer.would_not_load.includes(one.message) ? "problem" : "caution" }, one.message)),
    element(
      "details", { class: "fields" }, element("summary", {}, `${word("fields")} ${layer.fields.length}`),
      element("table", {}, ...layer.fields.map((field) => element(
        "tr", {}, element("th", { scope: "row" }, field.name, element("small", {}, ` ${field.type}`)),
        element("td", {}, field.samples.join(" · "), field.nulls ? element("small", {}, ` ${word("nulls")} ${field.nulls}`) : null),
      ))),
    ),
  );
}

export function runView(run: Run, title: string, open: boolean, actions: RunActions): HTMLElement {
  const counts: [Word, number][] = [
    ["read", run.read], ["loaded", run.loaded], ["rejected", run.rejected.length], ["repaired", run.repaired.length], ["skipped", run.skipped],
  ];
  const published = run.version !== null;
  const checks = run.checks.filter((check) => check.count > 0);
  return element(
    "details", { class: "run", ...(open ? { open: "" } : {}) },
    element("summary", {}, element("span", { class: `state ${run.status}` }, word(run.status as Word)), element("b", {}, title),
      element("small", {}, ` ${run.source_name} · ${new Date(run.started_at).toLocaleString()}`)),
    element("p", { class: run.status === "refused" ? "problem" : "" }, run.message),
    element("p", { class: "counts" }, counts.map(([name, count]) => `${word(name)} ${count.toLocaleString()}`).join("   ")),
    checks.length ? element("table", {}, ...checks.map((check) => element("tr", {}, element("th", { scope: "row" }, checkName(check.rule)),
      element("td", {}, `${check.count.toLocaleString()} / ${check.examined.toLocaleString()}  ${check.note}`)))) : null,
    rowsView(run.rejected, word("rejected")), rowsView(run.repaired, word("repaired")),
    ...run.findings.filter((one) => one.severity === "warn").map((one) => element("p", { class: "caution" }, one.message)),
    element(
      "div", { class: "buttons" },
      element("a", { href: `/imports/${run.id}/report.html?lang=${current()}`, target: "_blank", rel: "noopener" }, `${word("report")} HTML`),
      element("a", { href: `/imports/${run.id}/report.xlsx?lang=${current()}` }, "XLSX"),
      run.checks.length ? button(word("faultsOnMap"), "quiet", actions.faults) : null,
      published && !isModel(run) ? button(word("changesOnMap"), "quiet", actions.changes) : null,
      published ? button(word("undo"), "quiet undo", actions.undo) : null,
    ),
  );
}

const CHECKS: Record<string, string> = {
  codes: "代码值", "code-name": "代码与名称", range: "值域", pattern: "格式", unique: "唯一性", "declared-area": "面积一致性",
  duplicates: "重复图形", slivers: "碎面", overlaps: "重叠", gaps: "缝隙", inside: "范围", completeness: "完整性",
};

/** The rule's name in the reader's language, with the field it looks at. */
function checkName(rule: string): string {
  const [check = "", ...field] = rule.split(" ");
  const known = current() === "zh" ? CHECKS[check] : undefined;
  return [known ?? check, ...field].join(" ");
}

function rowsView(rows: [number, string][], title: string): HTMLElement | null {
  if (!rows.length) return null;
  const more = rows.length > MOST_ROWS ? [element("li", {}, `… ${rows.length.toLocaleString()}`)] : [];
  return element("ul", { class: "plain", "aria-label": title }, ...rows.slice(0, MOST_ROWS).map(([row, reason]) => element("li", {}, `${title} #${row}: ${reason}`)), ...more);
}
