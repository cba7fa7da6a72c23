/** What a comparison shows, written in the address so that it can be sent to somebody else. */

import type { Camera } from "./cameras";
import type { ShownState } from "./shown_state";

export type Mode = "two" | "four" | "swipe";
/** The layers of a pane, and the state they are shown in. */
export interface PaneState extends ShownState {
  layers: string[];
}
export interface Comparison {
  mode: Mode;
  panes: PaneState[];
  camera: Camera | null;
}

export const PANES: Record<Mode, number> = { two: 2, four: 4, swipe: 2 };
export const LETTERS = ["a", "b", "c", "d"] as const;

/** The comparison an address stands for; a pane that it does not name is null and gets the default layers. */
export function readAddress(): { mode: Mode; panes: (PaneState | null)[]; camera: Camera | null } {
  const given = new URLSearchParams(location.search);
  const mode = given.get("mode");
  return {
    mode: mode === "four" || mode === "swipe" ? mode : "two",
    panes: LETTERS.map((letter) => {
      const layers = given.get(letter);
      if (layers === null) return null;
      return {
        layers: layers.split(",").filter(Boolean), at: given.get(`${letter}_at`) ?? "", scenario: given.get(`${letter}_scenario`) ?? "",
      };
    }),
    camera: readCamera(),
  };
}

/** Put a comparison into the address without a step in the history. */
export function writeAddress(shown: Comparison): void {
  const query = new URLSearchParams({ mode: shown.mode });
  shown.panes.forEach((pane, number) => {
    const letter = LETTERS[number] ?? "d";
    query.set(letter, pane.layers.join(","));
    if (pane.at) query.set(`${letter}_at`, pane.at);
    if (pane.scenario) query.set(`${letter}_scenario`, pane.scenario);
  });
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  history.replaceState(null, "", `${location.pathname}?${text}${shown.camera ? viewHash(shown.camera) : ""}`);
}

/** The camera as the map page writes it, so that one page opens where the other was. */
export function viewHash({ zoom, lat, lon, bearing, pitch }: Camera): string {
  const turned = bearing || pitch ? `/${bearing.toFixed(1)}/${Math.round(pitch)}` : "";
  return `#view=${zoom.toFixed(2)}/${lat.toFixed(5)}/${lon.toFixed(5)}${turned}`;
}

function readCamera(): Camera | null {
  const text = new URLSearchParams(location.hash.slice(1)).get("view");
  const [zoom, lat, lon, bearing = 0, pitch = 0] = (text ?? "").split("/").map(Number);
  const known = [zoom, lat, lon, bearing, pitch].every((number) => Number.isFinite(number));
  return known && zoom !== undefined && lat !== undefined && lon !== undefined ? { zoom, lat, lon, bearing, pitch } : null;
}
