/** Running an analysis of the server at once. */

import { ask, type Session, type Text } from "./api";

export interface AnswerTable {
  id: string;
  title: Text;
  columns: { name: string; title: Text; kind: string; unit: string }[];
  rows: Record<string, unknown>[];
  note: string;
}
export interface Answer {
  summary: Record<string, unknown>;
  tables: AnswerTable[];
  geojson: GeoJSON.FeatureCollection;
  sources: { layer: string; title: string; version: number | null; published_at: string | null; note: string }[];
  statement: string;
}

export function analyse(process: string, inputs: Record<string, unknown>, session: Session): Promise<Answer> {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": session.csrf ?? "" };
  return ask(`/processes/${process}/execution`, { method: "POST", headers, body: JSON.stringify({ inputs }) });
}
