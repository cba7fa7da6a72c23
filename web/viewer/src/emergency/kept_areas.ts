/** What analyses of the timeline drew: of each kind of analysis the newest is on the map until somebody takes it off. */

import type { Text } from "../api";
import { text } from "../i18n";
import { areaShapes } from "./area_shapes";
import type { Entry } from "./api";

export class KeptAreas {
  /** What was chosen by hand, by number of the entry. */
  private readonly choices = new Map<number, boolean>();
  private readonly made = new Map<number, GeoJSON.Feature[]>();
  private newest = new Set<number>();
  /** Told when something was put on the map or taken off it. */
  changed: (() => void) | null = null;

  /** The shapes to draw, of a timeline in order. */
  of(entries: readonly Entry[]): GeoJSON.Feature[] {
    const drawing = entries.filter((one) => areasOf(one).length);
    this.newest = new Set(new Map(drawing.map((one) => [processOf(one), one.number])).values());
    return drawing.filter((one) => this.shown(one)).flatMap((one) => this.shapes(one));
  }

  shown({ number }: Entry): boolean {
    return this.choices.get(number) ?? this.newest.has(number);
  }

  /** Entries never change: their shapes are made once. */
  private shapes(entry: Entry): GeoJSON.Feature[] {
    const held = this.made.get(entry.number) ?? areaShapes(processOf(entry), areasOf(entry));
    this.made.set(entry.number, held);
    return held;
  }

  toggle(entry: Entry): void {
    this.choices.set(entry.number, !this.shown(entry));
    this.changed?.();
  }
}

/** The shapes that an entry carries; none where it is no analysis with areas. */
export function areasOf({ kind, body }: Entry): GeoJSON.Feature[] {
  const areas = kind === "analysis" ? (body["areas"] as GeoJSON.FeatureCollection | null | undefined) : null;
  return areas?.features ?? [];
}

/** What an analysis of the timeline is called. */
export function analysisName(body: Entry["body"]): string {
  const title = body["title"] as Text | undefined;
  return title ? text(title) : processOf({ body });
}

function processOf({ body }: Pick<Entry, "body">): string {
  return String(body["process"] ?? "");
}
