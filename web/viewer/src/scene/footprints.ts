/** 单体化: footprints of buildings laid over a registered mesh, so that each building of it can be picked and is known. */

import {
  Cartesian3, ClassificationType, Color, ColorGeometryInstanceAttribute, GeometryInstance, GroundPrimitive, Math as CesiumMath, PerInstanceColorAppearance, PolygonGeometry, PolygonHierarchy, Rectangle, type Scene,
} from "cesium";
import { ask } from "../api";
import type { FootprintId } from "./picking";
import type { Held } from "./tilesets";

const MOST = 2_000;
const SEEN = Color.fromCssColorString("#00b7ff").withAlpha(0.02);
const CHOSEN = Color.fromCssColorString("#ff8a00").withAlpha(0.45);

export class Footprints {
  private readonly laid = new Map<string, GroundPrimitive>();
  private chosen: { primitive: GroundPrimitive; id: FootprintId } | null = null;

  constructor(private readonly scene: Scene) {}

  /** Lay the footprints of a mesh's buildings over it while it is shown. */
  async settle(held: Held): Promise<void> {
    const { source, tileset } = held;
    if (source.kind !== "mesh" || !source.footprints) return;
    const laid = this.laid.get(source.id);
    if (laid) laid.show = tileset?.show ?? false;
    else if (tileset?.show) {
      const sphere = tileset.boundingSphere;
      const box = Rectangle.fromBoundingSphere(sphere, undefined, new Rectangle());
      const made = await footprintsIn(source.footprints, box);
      if (!made || this.laid.has(source.id)) return;
      this.laid.set(source.id, this.scene.groundPrimitives.add(made) as GroundPrimitive);
    }
    this.scene.requestRender();
  }

  /** The footprint a place lies in: walls of a mesh stand on its very edge, where a picture finds nothing. */
  at(layer: string, lon: number, lat: number): FootprintId | null {
    const primitive = this.laid.get(layer);
    if (!primitive?.show) return null;
    return outlinesOf(primitive).find(({ rings }) => rings.reduce((inside, ring) => inside !== isInside(ring, lon, lat), false))?.id ?? null;
  }

  /** Colour the footprint that was picked, or none. */
  choose(id: FootprintId | null): void {
    if (this.chosen) paint(this.chosen.primitive, this.chosen.id, SEEN);
    this.chosen = null;
    for (const primitive of this.laid.values()) {
      const own = id && outlinesOf(primitive).find((one) => one.id.layer === id.layer && one.id.fid === id.fid)?.id;
      if (!own) continue;
      paint(primitive, own, CHOSEN);
      this.chosen = { primitive, id: own };
    }
    this.scene.requestRender();
  }
}

interface Outlined {
  id: FootprintId;
  rings: GeoJSON.Position[][];
}
const known = new WeakMap<GroundPrimitive, Outlined[]>();

function outlinesOf(primitive: GroundPrimitive): Outlined[] {
  return known.get(primitive) ?? [];
}

function isInside(ring: GeoJSON.Position[], x: number, y: number): boolean {
  let inside = false;
  ring.forEach(([ax = 0, ay = 0], number) => {
    const [bx = 0, by = 0] = ring[(number + 1) % ring.length] ?? [];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  });
  return inside;
}

function paint(primitive: GroundPrimitive, id: FootprintId, colour: Color): void {
  const attributes = primitive.getGeometryInstanceAttributes(id) as { color?: Uint8Array } | undefined;
  if (attributes) attributes.color = ColorGeometryInstanceAttribute.toValue(colour);
}

async function footprintsIn(layer: string, box: Rectangle): Promise<GroundPrimitive | null> {
  const bbox = [box.west, box.south, box.east, box.north].map((side) => CesiumMath.toDegrees(side).toFixed(7)).join(",");
  const { features } = await ask<{ features: (GeoJSON.Feature & { id: number })[] }>(`/collections/${layer}/items?bbox=${bbox}&limit=${MOST}`);
  const outlines: Outlined[] = [];
  const instances = features.flatMap((feature) => {
    const id: FootprintId = { layer, fid: Number(feature.id) };
    const rings = polygons(feature.geometry);
    if (rings.length) outlines.push({ id, rings: rings.flat() });
    return rings.map((polygon) => instance(polygon, id));
  });
  if (!instances.length) return null;
  const primitive = new GroundPrimitive({ geometryInstances: instances, classificationType: ClassificationType.CESIUM_3D_TILE, appearance: new PerInstanceColorAppearance({ flat: true, translucent: true }) });
  known.set(primitive, outlines);
  return primitive;
}

function instance([outer = [], ...holes]: GeoJSON.Position[][], id: FootprintId): GeometryInstance {
  const ring = (positions: GeoJSON.Position[]): Cartesian3[] => positions.map(([lon = 0, lat = 0]) => Cartesian3.fromDegrees(lon, lat));
  const hierarchy = new PolygonHierarchy(ring(outer), holes.map((hole) => new PolygonHierarchy(ring(hole))));
  return new GeometryInstance({ id, geometry: new PolygonGeometry({ polygonHierarchy: hierarchy }), attributes: { color: ColorGeometryInstanceAttribute.fromColor(SEEN) } });
}

function polygons(geometry: GeoJSON.Geometry): GeoJSON.Position[][][] {
  if (geometry.type === "Polygon") return [geometry.coordinates];
  return geometry.type === "MultiPolygon" ? geometry.coordinates : [];
}
