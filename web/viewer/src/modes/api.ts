/** Duty modes as the server tells them: scenes of layers, base map and panels (layers/modes.toml). */

import { ask, type Text } from "../api";

export type PanelName = "alarms" | "cameras" | "devices" | "incidents" | "search" | "tasks" | "timeline" | "warnings";
/** A layer of a mode that is not to be seen: its grade is not open to the user, or the server has none for them. */
export interface Missing {
  layer: string;
  title: Text;
  why: "no-right" | "no-data";
}
export interface Mode {
  id: string;
  title: Text;
  description: Text;
  basemap: string;
  layers: string[];
  missing: Missing[];
  panels: PanelName[];
  months: number[];
}

export async function dutyModes(): Promise<Mode[]> {
  return (await ask<{ modes: Mode[] }>("/modes")).modes;
}
