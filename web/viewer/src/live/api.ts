/** The sensing network as the server tells it. */

import { ask } from "../api";

export type DeviceState = "online" | "offline" | "none";
export type Result = number | string | boolean | object | null;

/** All devices as columns, see GET /devices/latest. */
export interface LatestColumns {
  code: string[];
  lon: (number | null)[];
  lat: (number | null)[];
  placement: (string | null)[];
  kind: string[];
  state: DeviceState[];
}
/** A class of values; a value is of the first class whose bounds it keeps. */
export interface ValueClass {
  zh: string;
  en: string;
  colour: string;
  least: number | null;
  most: number | null;
}
export interface ObservedProperty {
  id: number;
  code: string | null;
  name: string;
  devices: number;
  unit: string | null;
  classes: ValueClass[];
}
/** All datastreams as columns; `property` holds places in `properties`. */
export interface StreamColumns {
  properties: ObservedProperty[];
  datastream: number[];
  device: string[];
  property: number[];
}
export interface LiveValue {
  datastream: number;
  at: string;
  result: Result;
  quality: string;
}
export interface Named {
  code: string;
  zh: string;
  en: string;
}
export interface CodeLists {
  placements: Named[];
  kinds: (Named & { online_after_s: number })[];
}
export interface Binding {
  building_code?: string;
  model?: string;
  storey?: string;
  storey_number?: number;
  space?: string;
  element?: string;
}
export interface DeviceRecord {
  code: string;
  name: string;
  kind: string;
  placement: string | null;
  owner: string | null;
  state: DeviceState;
  grade: string;
  region_code: string | null;
  parent: string | null;
  binding: Binding;
  maker: string | null;
  model_name: string | null;
  height_m: number | null;
  installed_on: string | null;
  newest_at: string | null;
  geometry: GeoJSON.Geometry | null;
}
export interface StreamRecord {
  id: number;
  name: string;
  property: { code: string | null; name: string };
  unit: { symbol?: string } | null;
  least: number | null;
  greatest: number | null;
  latest: { value: Result; quality: string; at: string } | null;
}
export interface DeviceDocument extends DeviceRecord {
  region_name: string | null;
  aliases: { scheme: string; code: string; edition: string | null }[];
  children: { code: string; name: string; kind: string; state: DeviceState }[];
  datastreams: StreamRecord[];
  uptime: { days: number; expected_hours: number; heard_hours: number; share: number | null };
}
/** Buckets of a datastream as columns; `gap` where nothing was heard. */
export interface SeriesColumns {
  from: string;
  to: string;
  start: string[];
  count: number[];
  mean: (number | null)[];
  least: (number | null)[];
  greatest: (number | null)[];
  flagged: number[];
  gap: boolean[];
}
export interface BucketColumns {
  start: string;
  code: string[];
  mean: (number | null)[];
}
export interface Trend {
  datastream: number;
  property: string | null;
  name: string;
  unit: string | null;
  mean: (number | null)[];
}
export type Severity = "red" | "orange" | "yellow" | "blue";
export type AlarmState = "raised" | "acknowledged" | "cleared" | "closed";
export interface Alarm {
  code: string;
  title: string;
  state: AlarmState;
  severity: Severity;
  raised_at: string;
  rule: number | null;
  datastream: number | null;
  thing: number | null;
  value: number | null;
  last_value: number | null;
  last_at: string | null;
  count: number;
  text: string;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  cleared_at: string | null;
  cleared_by: string | null;
  position: [number, number] | null;
}
export interface AlarmStep {
  seq: number;
  action: string;
  at: string;
  actor: string;
  note: string;
  state: AlarmState;
  severity: Severity;
  value: number | null;
}
export interface AlarmRule {
  id: number;
  name: string;
  severity: Severity;
  enabled?: boolean;
  condition: { kind: string; above?: number; below?: number };
  datastream?: number;
  observed_property?: number;
  placement?: string;
  region_code?: string;
  device_kind?: string;
}

export const SEVERITIES: Severity[] = ["red", "orange", "yellow", "blue"];

const path = (code: string, rest = ""): string => `/devices/${encodeURIComponent(code)}${rest}`;

export const latestDevices = (): Promise<LatestColumns> => ask("/devices/latest");
export const deviceStreams = (): Promise<StreamColumns> => ask("/devices/streams");
export const codeLists = (): Promise<CodeLists> => ask("/devices/codelists");
export const deviceOf = (code: string): Promise<DeviceDocument> => ask(path(code));

/** Devices by conditions, see POST /devices. */
export function findDevices(conditions: Record<string, unknown>, csrf: string | null): Promise<{ devices: DeviceRecord[]; numberMatched: number; after: string | null }> {
  return ask("/devices", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf ?? "" }, body: JSON.stringify(conditions) });
}

export async function devicesIn(bbox: string, limit: number): Promise<DeviceRecord[]> {
  return (await ask<{ devices: DeviceRecord[] }>(`/devices?${new URLSearchParams({ bbox, limit: String(limit) })}`)).devices;
}

export function seriesOf(code: string, query: Record<string, string>): Promise<SeriesColumns> {
  return ask(path(code, `/series?${new URLSearchParams(query)}`));
}

export function valuesAt(property: string, at: string, bucket: "hour" | "day"): Promise<BucketColumns> {
  return ask(`/devices/values?${new URLSearchParams({ property, at, bucket })}`);
}

export async function trendsOf(codes: string[], property: string | null): Promise<Record<string, Trend>> {
  const query = new URLSearchParams({ device: codes.join(","), hours: "24", ...(property ? { property } : {}) });
  return (await ask<{ devices: Record<string, Trend> }>(`/devices/trends?${query}`)).devices;
}

/** Open alarms, the newest first; `more` when there are others. */
export async function openAlarms(): Promise<{ alarms: Alarm[]; more: boolean }> {
  const told = await ask<{ alarms: Alarm[]; links: unknown[] }>("/alarms?state=raised&state=acknowledged&limit=1000");
  return { alarms: told.alarms, more: told.links.length > 0 };
}

export async function pastAlarms(): Promise<Alarm[]> {
  return (await ask<{ alarms: Alarm[] }>("/alarms?state=cleared&state=closed&limit=100")).alarms;
}

export async function alarmSteps(code: string): Promise<AlarmStep[]> {
  return (await ask<{ history: AlarmStep[] }>(`/alarms/${encodeURIComponent(code)}`)).history;
}

export function actOn(code: string, action: "acknowledge" | "clear" | "close", note: string, csrf: string | null): Promise<Alarm> {
  return ask(`/alarms/${encodeURIComponent(code)}/${action}`, {
    method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf ?? "" }, body: JSON.stringify({ note }),
  });
}

export async function alarmRules(): Promise<AlarmRule[]> {
  return (await ask<{ rules: AlarmRule[] }>("/alarms/rules")).rules;
}
