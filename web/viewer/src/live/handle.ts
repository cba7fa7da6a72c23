/** `window.onemapLive`: what tests and embedding pages may rely on (docs/live-map.md). */

import type { Map as GlMap } from "maplibre-gl";
import type { Live } from "./live";

export interface LiveHandle {
  /** What is drawn of a device on the flat map: colour, label, sign; null where nothing is. */
  drawn(code: string): Record<string, unknown> | null;
  /** Where on the flat map a device is, in pixels of its canvas; null where it is not known. */
  project(code: string): { x: number; y: number } | null;
  /** Where on the picture of the 3D view a device is; null where it is not drawn. */
  projectScene(code: string): { x: number; y: number } | null;
  /** How many devices, datastreams and open alarms the page knows. */
  readonly counts: { devices: number; streams: number; alarms: number };
}

declare global {
  interface Window {
    onemapLive?: LiveHandle;
  }
}

export function offerHandle(live: Live, gl: GlMap, projectScene: LiveHandle["projectScene"]): void {
  window.onemapLive = {
    drawn: (code) => live.drawn(code),
    project: (code) => {
      const device = live.store.devices.get(code);
      if (!device) return null;
      const { x, y } = gl.project([device.lon, device.lat]);
      return { x, y };
    },
    projectScene,
    get counts() {
      return { devices: live.store.devices.size, streams: live.store.streams.size, alarms: live.alarms.open.size };
    },
  };
}
