/** The devices of the city as this page knows them: where they are, what they measure, their newest values. */

import { codeLists, deviceStreams, latestDevices, type CodeLists, type DeviceState, type LiveValue, type Named, type ObservedProperty, type Result, type StreamColumns } from "./api";

const FALLBACK_ONLINE_S = 900;

export interface Device {
  code: string;
  lon: number;
  lat: number;
  placement: string | null;
  kind: string;
  state: DeviceState;
}
export interface Stream {
  id: number;
  device: string;
  property: ObservedProperty;
}
export interface Newest {
  at: number;
  result: Result;
  quality: string;
}

export class LiveStore {
  readonly devices = new Map<string, Device>();
  readonly streams = new Map<number, Stream>();
  readonly newest = new Map<number, Newest>();
  readonly placements = new Map<string, Named>();
  readonly kinds = new Map<string, CodeLists["kinds"][number]>();
  properties: ObservedProperty[] = [];
  /** Datastreams that belong to no device. */
  private readonly others = new Set<number>();
  private readonly byDevice = new Map<string, Stream[]>();
  private lists: Promise<void> | null = null;

  /** Ask for all devices anew, and for their datastreams where these are not known or `whole` is asked for; values stay. */
  async load(whole: boolean): Promise<void> {
    this.lists ??= this.readLists();
    const [latest, streams] = await Promise.all([latestDevices(), whole || !this.streams.size ? deviceStreams() : null, this.lists]);
    this.devices.clear();
    (latest.code ?? []).forEach((code, place) => {
      const [lon, lat] = [latest.lon[place], latest.lat[place]];
      if (lon == null || lat == null) return;
      this.devices.set(code, { code, lon, lat, placement: latest.placement[place] ?? null, kind: latest.kind[place] ?? "other", state: latest.state[place] ?? "none" });
    });
    if (streams) this.takeStreams(streams);
  }

  private takeStreams(streams: StreamColumns): void {
    this.properties = streams.properties;
    this.streams.clear();
    this.byDevice.clear();
    streams.datastream.forEach((id, place) => {
      const property = streams.properties[streams.property[place] ?? -1];
      const device = streams.device[place];
      if (!property || device === undefined) return;
      const stream = { id, device, property };
      this.streams.set(id, stream);
      const held = this.byDevice.get(device);
      if (held) held.push(stream);
      else this.byDevice.set(device, [stream]);
    });
    for (const id of this.newest.keys()) if (!this.streams.has(id)) this.others.add(id);
  }

  /** Take newest values in; false where some are of a datastream that is not known yet. */
  take(values: LiveValue[]): boolean {
    let known = true;
    for (const { datastream, at, result, quality } of values) {
      const moment = Date.parse(at);
      this.newest.set(datastream, { at: moment, result, quality });
      const device = this.devices.get(this.streams.get(datastream)?.device ?? "");
      if (!this.streams.has(datastream)) known &&= this.others.has(datastream);
      else if (device && Date.now() - moment < this.onlineFor(device.kind)) device.state = "online";
    }
    return known;
  }

  streamsOf(device: string): Stream[] {
    return this.byDevice.get(device) ?? [];
  }

  property(code: string): ObservedProperty | undefined {
    return this.properties.find((one) => codeOf(one) === code);
  }

  /** The newest number of a device for an indicator, whichever of its datastreams has it. */
  valueOf(device: string, indicator: string): (Newest & { result: number }) | null {
    let found: (Newest & { result: number }) | null = null;
    for (const stream of this.streamsOf(device)) {
      const held = codeOf(stream.property) === indicator ? this.newest.get(stream.id) : undefined;
      if (held && typeof held.result === "number" && (!found || held.at > found.at)) found = { ...held, result: held.result };
    }
    return found;
  }

  private onlineFor(kind: string): number {
    return (this.kinds.get(kind)?.online_after_s ?? FALLBACK_ONLINE_S) * 1000;
  }

  private async readLists(): Promise<void> {
    const { placements, kinds } = await codeLists();
    for (const one of placements) this.placements.set(one.code, one);
    for (const one of kinds) this.kinds.set(one.code, one);
  }
}

/** What the server calls an indicator by: its code, or its name where it has none. */
export function codeOf(property: ObservedProperty): string {
  return property.code ?? property.name;
}
