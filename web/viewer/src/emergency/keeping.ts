/** What of an analysis's answer goes into the timeline of an incident: figures, findings in short, tables, areas. */

import type { Answer, Inputs } from "../analysis_api";
import { PICTURE } from "./area_shapes";

const MOST_FINDINGS = 30;
const MOST_TABLES = 8;
const MOST_ROWS = 60;
const MOST_COLUMNS = 30;
const MOST_AREAS = 40;
const MOST_POINTS = 15_000;

export interface KeptAnalysis {
  process: string;
  inputs: Inputs;
  summary: Record<string, unknown>;
  tables: Record<string, unknown>[];
  areas: GeoJSON.FeatureCollection;
}

export function keptAnalysis(process: string, inputs: Inputs, answer: Answer): KeptAnalysis {
  const summary = { ...figuresOf(answer.summary), ...findingsOf(answer) };
  return {
    process, inputs, summary: Object.keys(summary).length ? summary : { statement: answer.statement },
    tables: tablesOf(answer), areas: { type: "FeatureCollection", features: areasOf(answer.geojson.features.filter((one) => process !== PICTURE || one.properties?.["kind"] === "ring")) },
  };
}

function figuresOf(summary: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(summary).filter(([, value]) => (Array.isArray(value) ? value.every((one) => typeof one === "number") && value.length > 0 : typeof value !== "object" && value !== "")));
}

function findingsOf(answer: Answer): Record<string, string> {
  return Object.fromEntries(answer.findings.slice(0, MOST_FINDINGS).map((one) => [one.title.zh, one.message || String(one.measured ?? "—")]));
}

function tablesOf(answer: Answer): Record<string, unknown>[] {
  return answer.tables.filter((one) => one.rows.length && one.columns.length <= MOST_COLUMNS).slice(0, MOST_TABLES).map((one) => {
    const more = one.rows.length - MOST_ROWS;
    return { ...one, rows: one.rows.slice(0, MOST_ROWS), note: more > 0 ? `${one.note}（另有 ${more} 行未列）` : one.note };
  });
}

/** Areas and lines; points are in the tables, and would hide the map. */
function areasOf(features: GeoJSON.Feature[]): GeoJSON.Feature[] {
  let points = 0;
  const kept: GeoJSON.Feature[] = [];
  for (const { geometry, properties } of features) {
    if (!geometry || geometry.type === "GeometryCollection" || geometry.type.endsWith("Point")) continue;
    points += JSON.stringify(geometry.coordinates).split("],[").length;
    if (kept.length === MOST_AREAS || points > MOST_POINTS) break;
    const { kind, title, name } = (properties ?? {}) as Record<string, unknown>;
    kept.push({ type: "Feature", geometry, properties: { kind, title: title ?? name } });
  }
  return kept;
}
