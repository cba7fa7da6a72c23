/** Devices and alarms on the flat map: clusters far away, symbols with their values near by, alarms over all. */

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GlMap, PointLike } from "maplibre-gl";
import { NOTHING } from "../overlays";
import type { Alarm } from "./api";
import { alarmIcon, SEVERITY_ORDER } from "./icons";
import { STATE_COLOURS, type Look, type Looks } from "./looks";
import { inkOn } from "./scales";
import type { Device, LiveStore } from "./store";

const DEVICES = "live-devices";
const ALARMS = "live-alarms";
const CLUSTER_TO_ZOOM = 12;
const PICKED_PX = 6;
const CLUSTERED: ExpressionSpecification = ["has", "point_count"];
const SINGLE: ExpressionSpecification = ["!", ["has", "point_count"]];

/** What is at a point of the map. */
export type LivePick = { what: "device"; code: string; codes: string[] } | { what: "alarm"; code: string } | { what: "cluster"; id: number; at: [number, number] };

const pickedIs = (code: string): ExpressionSpecification => ["==", ["get", "code"], code];

function layers(): LayerSpecification[] {
  const halo = { "text-halo-color": "#ffffff", "text-halo-width": 1.6 };
  return [
    {
      id: `${DEVICES}-cluster`, type: "circle", source: DEVICES, filter: CLUSTERED,
      paint: {
        "circle-radius": ["step", ["get", "point_count"], 13, 20, 17, 200, 22], "circle-color": STATE_COLOURS.online,
        "circle-stroke-color": "#ffffff", "circle-stroke-width": 2, "circle-opacity": 0.92,
      },
    },
    {
      id: `${DEVICES}-count`, type: "symbol", source: DEVICES, filter: CLUSTERED,
      layout: { "text-field": ["get", "point_count_abbreviated"], "text-size": 12, "text-allow-overlap": true }, paint: { "text-color": "#ffffff" },
    },
    {
      id: `${DEVICES}-point`, type: "circle", source: DEVICES, filter: SINGLE,
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 5, 13, 8, 17, 11], "circle-color": ["get", "colour"],
        "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.5, "circle-opacity": ["case", ["get", "faded"], 0.85, 1],
      },
    },
    {
      id: `${DEVICES}-sign`, type: "symbol", source: DEVICES, filter: SINGLE, minzoom: 12.5,
      layout: { "text-field": ["get", "sign"], "text-size": ["interpolate", ["linear"], ["zoom"], 13, 10, 17, 13], "text-allow-overlap": true, "text-ignore-placement": true },
      paint: { "text-color": ["get", "ink"] },
    },
    {
      id: `${DEVICES}-value`, type: "symbol", source: DEVICES, filter: SINGLE, minzoom: 10.5,
      layout: { "text-field": ["get", "label"], "text-size": 13, "text-offset": [0, 1.15], "text-anchor": "top", "text-padding": 1 },
      paint: { "text-color": ["case", ["get", "faded"], "#6b7680", "#1d2733"], ...halo },
    },
    {
      id: `${DEVICES}-picked`, type: "circle", source: DEVICES, filter: pickedIs(""),
      paint: { "circle-radius": 15, "circle-opacity": 0, "circle-stroke-color": "#00a3ff", "circle-stroke-width": 3 },
    },
    {
      id: `${ALARMS}-icon`, type: "symbol", source: ALARMS,
      layout: {
        "icon-image": ["get", "icon"], "icon-size": 0.5, "icon-anchor": "bottom", "icon-offset": [0, -10], "icon-allow-overlap": true,
        "icon-ignore-placement": true, "symbol-sort-key": ["get", "order"],
      },
    },
  ];
}

/** Devices at one place share a symbol: that of the worst of those that measure something, and how many more there are. */
function featureOf(here: { device: Device; look: Look }[]): GeoJSON.Feature {
  const weight = ({ device, look }: { device: Device; look: Look }): number => (device.state === "none" ? -2 : looksBad(device) + look.rank);
  const first = here.length === 1 ? here[0] : [...here].sort((a, b) => weight(b) - weight(a))[0];
  const { device, look } = first as { device: Device; look: Look };
  const more = here.length > 1 ? { label: `${look.label} +${here.length - 1}`.trim(), codes: here.map((one) => one.device.code).join() } : {};
  return { type: "Feature", geometry: { type: "Point", coordinates: [device.lon, device.lat] }, properties: { code: device.code, ...look, ...more } };
}

const looksBad = (device: Device): number => (device.state === "offline" ? 100 : 0);

export class LiveLayers {
  constructor(private readonly gl: GlMap) {
    gl.addSource(DEVICES, {
      type: "geojson", data: NOTHING, cluster: true, clusterMaxZoom: CLUSTER_TO_ZOOM, clusterRadius: 34,
      clusterProperties: { worst: ["max", ["get", "rank"]], away: ["+", ["case", ["==", ["get", "rank"], 0], 1, 0]] },
    });
    gl.addSource(ALARMS, { type: "geojson", data: NOTHING });
    for (const [severity] of SEVERITY_ORDER) {
      const name = `live-alarm-${severity}`;
      if (!gl.hasImage(name)) gl.addImage(name, alarmIcon(severity));
    }
    for (const layer of layers()) gl.addLayer(layer);
  }

  devices(store: LiveStore, looks: Looks): void {
    const places = new Map<string, { device: Device; look: Look }[]>();
    for (const device of store.devices.values()) {
      const look = looks.of(device);
      if (!look) continue;
      const place = `${device.lon} ${device.lat}`, held = places.get(place);
      if (held) held.push({ device, look });
      else places.set(place, [{ device, look }]);
    }
    this.fill(DEVICES, [...places.values()].map(featureOf));
  }

  /** Dress clusters: by the worst class among theirs, or by whether most of theirs are offline. */
  dress(looks: Looks): void {
    const steps = looks.scale?.steps;
    const cases = steps?.flatMap((step, rank) => [rank, step.colour]) ?? [];
    const inks = steps?.flatMap((step, rank) => [rank, inkOn(step.colour)]) ?? [];
    const mostAway = [">", ["*", 2, ["get", "away"]], ["get", "point_count"]];
    const colour = steps ? ["match", ["get", "worst"], ...cases, STATE_COLOURS.offline] : ["case", mostAway, STATE_COLOURS.offline, STATE_COLOURS.online];
    this.gl.setPaintProperty(`${DEVICES}-cluster`, "circle-color", colour as unknown as ExpressionSpecification);
    this.gl.setPaintProperty(`${DEVICES}-count`, "text-color", (steps ? ["match", ["get", "worst"], ...inks, "#ffffff"] : "#ffffff") as unknown as ExpressionSpecification);
  }

  clear(): void {
    this.fill(DEVICES, []);
  }

  alarms(alarms: Iterable<Alarm>): void {
    const features = [...alarms].flatMap((alarm): GeoJSON.Feature[] => (alarm.position ? [{
      type: "Feature", geometry: { type: "Point", coordinates: alarm.position },
      properties: { code: alarm.code, icon: `live-alarm-${alarm.severity}`, order: SEVERITY_ORDER.get(alarm.severity) ?? 0 },
    }] : []));
    this.fill(ALARMS, features);
  }

  /** Ring the device that is looked at; an empty code takes the ring away. */
  picked(code: string): void {
    this.gl.setFilter(`${DEVICES}-picked`, pickedIs(code));
  }

  at(x: number, y: number): LivePick | null {
    const around: [PointLike, PointLike] = [[x - PICKED_PX, y - PICKED_PX], [x + PICKED_PX, y + PICKED_PX]];
    const [hit] = this.gl.queryRenderedFeatures(around, { layers: [`${ALARMS}-icon`, `${DEVICES}-point`, `${DEVICES}-cluster`] });
    if (!hit) return null;
    const { code, codes, cluster_id: id } = hit.properties as { code?: string; codes?: string; cluster_id?: number };
    if (hit.source === ALARMS) return { what: "alarm", code: String(code) };
    if (id === undefined) return { what: "device", code: String(code), codes: codes?.split(",") ?? [] };
    const [lon, lat] = (hit.geometry as GeoJSON.Point).coordinates;
    return { what: "cluster", id, at: [lon ?? 0, lat ?? 0] };
  }

  /** Go near enough that a cluster falls apart. */
  async open(cluster: Extract<LivePick, { what: "cluster" }>): Promise<void> {
    const zoom = await (this.gl.getSource(DEVICES) as GeoJSONSource).getClusterExpansionZoom(cluster.id);
    this.gl.easeTo({ center: cluster.at, zoom: Math.min(zoom + 0.3, 18) });
  }

  /** What is drawn of a device, as the map has it; null where nothing is. */
  drawn(code: string): Record<string, unknown> | null {
    const [hit] = this.gl.queryRenderedFeatures({ layers: [`${DEVICES}-point`], filter: pickedIs(code) });
    return hit ? hit.properties : null;
  }

  private fill(source: string, features: GeoJSON.Feature[]): void {
    (this.gl.getSource(source) as GeoJSONSource).setData({ type: "FeatureCollection", features });
  }
}
