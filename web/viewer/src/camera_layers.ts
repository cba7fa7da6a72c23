/** A camera on the flat map: its sector, what it sees filled, what it does not see hatched, with the reason. */

import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GlMap } from "maplibre-gl";
import type { CameraRecord, CameraView, PartKind } from "./camera_api";
import { partWord } from "./camera_words";
import { NOTHING } from "./overlays";

const SECTOR = "camera-sector";
const VIEW = "camera-view";
const ABOVE = "highlight-fill";
const HATCH_PX = 10;

/** Colour of each part; the hatched ones differ by the way of their lines too. */
export const PART_COLOURS: Record<PartKind, string> = { seen: "#1a9850", building: "#c4281b", terrain: "#8c510a", built: "#6b7280" };
const HATCHED: PartKind[] = ["building", "terrain", "built"];

const isKind = (kind: PartKind): ExpressionSpecification => ["==", ["get", "kind"], kind];

function layers(): LayerSpecification[] {
  return [
    { id: `${VIEW}-seen`, type: "fill", source: VIEW, filter: isKind("seen"), paint: { "fill-color": PART_COLOURS.seen, "fill-opacity": 0.38 } },
    ...HATCHED.map((kind): LayerSpecification => ({
      id: `${VIEW}-${kind}`, type: "fill", source: VIEW, filter: isKind(kind), paint: { "fill-pattern": `hatch-${kind}` },
    })),
    {
      id: `${SECTOR}-reach`, type: "line", source: SECTOR, filter: ["==", ["get", "part"], "reach"],
      paint: { "line-color": "#12395e", "line-width": 1.2, "line-dasharray": [3, 3] },
    },
    {
      id: `${SECTOR}-line`, type: "line", source: SECTOR, filter: ["==", ["get", "part"], "sector"],
      paint: { "line-color": "#12395e", "line-width": 2 },
    },
    {
      id: `${VIEW}-why`, type: "symbol", source: VIEW, minzoom: 16.5,
      filter: ["all", ["!=", ["get", "kind"], "seen"], ["!=", ["get", "kind"], "built"], [">", ["get", "area_m2"], 60]],
      layout: { "text-field": ["get", "why"], "text-size": 11, "text-padding": 6, "text-max-width": 12 },
      paint: { "text-color": "#5c1109", "text-halo-color": "#fff", "text-halo-width": 1.6 },
    },
  ];
}

export class CameraLayers {
  constructor(private readonly gl: GlMap) {
    for (const source of [SECTOR, VIEW]) gl.addSource(source, { type: "geojson", data: NOTHING });
    for (const kind of HATCHED) gl.addImage(`hatch-${kind}`, hatch(kind));
    for (const layer of layers()) gl.addLayer(layer, ABOVE);
  }

  sector(record: CameraRecord | null): void {
    const parts = [["sector", record?.sector], ["reach", record?.reach]] as const;
    this.set(SECTOR, parts.flatMap(([part, geometry]) => (geometry ? [{ type: "Feature", geometry, properties: { part } }] : [])));
  }

  view(view: CameraView | null): void {
    this.set(VIEW, (view?.features ?? []).map((one) => ({ ...one, properties: { ...one.properties, why: whyOf(one.properties.kind, one.properties.building) } })));
  }

  private set(source: string, features: GeoJSON.Feature[]): void {
    (this.gl.getSource(source) as GeoJSONSource).setData({ type: "FeatureCollection", features });
  }
}

function whyOf(kind: PartKind, building: string | undefined): string {
  return building ? `${partWord(kind)}\n${building}` : partWord(kind);
}

/** A square of slanting lines that continue in the next one: buildings one way, terrain the other, footprints both. */
function hatch(kind: PartKind): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = HATCH_PX;
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  pen.fillStyle = `${PART_COLOURS[kind]}22`;
  pen.fillRect(0, 0, HATCH_PX, HATCH_PX);
  pen.strokeStyle = PART_COLOURS[kind];
  pen.lineWidth = 1.6;
  for (const off of [-HATCH_PX, 0, HATCH_PX]) {
    if (kind !== "terrain") line(pen, off, HATCH_PX, off + HATCH_PX, 0);
    if (kind !== "building") line(pen, off, 0, off + HATCH_PX, HATCH_PX);
  }
  return pen.getImageData(0, 0, HATCH_PX, HATCH_PX);
}

function line(pen: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}
