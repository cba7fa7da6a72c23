/** How each device is shown, the same on the map, in 3D and in the table: colour, sign and the text beside it. */

import type { ObservedProperty } from "./api";
import { inkOn, scaleOf, type Scale } from "./scales";
import { codeOf, type Device, type LiveStore } from "./store";
import { plainNumber } from "./words";

export const STATE_COLOURS = { online: "#0a8f3c", offline: "#98a2ad", none: "#5b7fa6" } as const;
/** One character for each kind, written on its symbol. */
const SIGNS: Record<string, string> = {
  air: "气", dust: "尘", noise: "噪", water: "水", hydrology: "汛", rain: "雨", groundwater: "井", weather: "象", geohazard: "灾", gas: "燃",
  smoke: "烟", level: "位", light: "灯", traffic: "车", climate: "温", meter: "表", camera: "摄", pole: "杆", manhole: "盖", cabinet: "箱",
};

export interface Look {
  colour: string;
  ink: string;
  sign: string;
  /** The value with its unit; empty where there is none. */
  label: string;
  /** Of the scale; -1 for no value. */
  rank: number;
  faded: boolean;
}

/** Past means by device, of one hour or day. */
export interface PastValues {
  indicator: string;
  means: Map<string, number>;
}

export class Looks {
  indicator: ObservedProperty | null = null;
  scale: Scale | null = null;
  past: PastValues | null = null;
  readonly hidden = new Set<string>();

  constructor(private readonly store: LiveStore) {}

  /** Colour by an indicator, or by state; `values` are all that the colours have to tell apart. */
  choose(indicator: ObservedProperty | null, values?: number[]): void {
    this.indicator = indicator;
    this.scale = indicator && scaleOf(indicator, values ?? this.valuesNow(codeOf(indicator)));
  }

  /** How a device is shown; null where it is not. */
  of(device: Device): Look | null {
    if (this.hidden.has(device.placement ?? "")) return null;
    const sign = SIGNS[device.kind] ?? "·";
    if (!this.indicator || !this.scale) {
      const colour = STATE_COLOURS[device.state];
      return { colour, ink: inkOn(colour), sign, label: "", rank: device.state === "offline" ? 0 : 1, faded: device.state !== "online" };
    }
    return this.measured(device, codeOf(this.indicator), this.scale, sign);
  }

  private measured(device: Device, indicator: string, scale: Scale, sign: string): Look | null {
    if (!this.store.streamsOf(device.code).some((one) => codeOf(one.property) === indicator)) return null;
    const now = this.store.valueOf(device.code, indicator);
    const value = this.past ? this.past.means.get(device.code) : now?.result;
    const grey = { colour: STATE_COLOURS.offline, ink: "#ffffff", sign, rank: -1, faded: true };
    if (value === undefined) return { ...grey, label: "–" };
    const label = plainNumber(value);
    if (!this.past && (device.state !== "online" || now?.quality !== "N")) return { ...grey, label: `(${label})` };
    const rank = scale.rank(value), colour = scale.steps[rank]?.colour ?? STATE_COLOURS.none;
    return { colour, ink: inkOn(colour), sign, label, rank, faded: false };
  }

  private valuesNow(indicator: string): number[] {
    return [...this.store.devices.keys()].flatMap((code) => {
      const held = this.store.valueOf(code, indicator);
      return held ? [held.result] : [];
    });
  }
}
