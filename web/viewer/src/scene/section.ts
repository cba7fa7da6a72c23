/** Sections: a plane that takes away what lies on one side of it, and areas that are cut out or kept alone. */

import { Cartesian3, type Cesium3DTileset, ClippingPlane, ClippingPlaneCollection, ClippingPolygon, ClippingPolygonCollection, Color, type Globe, Math as CesiumMath, Matrix4, type Scene } from "cesium";
import { frameAt } from "./frames";
import type { Held, Tilesets } from "./tilesets";

export type Direction = "level" | "facing" | "east" | "north";
/** What is cut, `null` for everything; where the plane stands, from -1 to 1 of the thing's radius; which side goes. */
export interface Section {
  target: string | null;
  direction: Direction;
  offset: number;
  turned: boolean;
}
type Clipped = Cesium3DTileset | Globe;

const EDGE = Color.fromCssColorString("#5a2a12");

export class Sections {
  private section: Section | null = null;
  private area: { points: Cartesian3[]; alone: boolean } | null = null;
  private frame = Matrix4.IDENTITY;
  private radius_m = 0;
  private facing_rad = 0;

  constructor(private readonly scene: Scene, private readonly tilesets: Tilesets) {}

  get current(): Section | null {
    return this.section;
  }

  /** Cut by a plane, or no more; `middle` is where it stands when everything is cut. */
  cut(section: Section | null, middle: Cartesian3 | null): void {
    const before = this.section;
    this.section = section;
    if (section && (!before || before.target !== section.target)) this.place(section, middle);
    if (section && (!before || before.direction !== section.direction)) this.facing_rad = this.scene.camera.heading;
    this.apply();
  }

  /** Cut an area out, or show it alone; null for neither. */
  around(points: Cartesian3[] | null, alone: boolean): void {
    this.area = points ? { points, alone } : null;
    this.apply();
  }

  /** What was loaded or renewed is cut as the others are. */
  applyTo(held: Held): void {
    if (held.tileset) this.clip(held.tileset, this.cuts(held.source.id), held.tileset);
  }

  private apply(): void {
    for (const held of this.tilesets.all) this.applyTo(held);
    this.clip(this.scene.globe, this.section?.target === null && this.section.direction !== "level", null);
    this.scene.requestRender();
  }

  private cuts(id: string): boolean {
    return this.section !== null && (this.section.target === null || this.section.target === id);
  }

  private place({ target }: Section, middle: Cartesian3 | null): void {
    const sphere = target === null ? null : this.tilesets.get(target)?.tileset?.boundingSphere;
    const centre = sphere?.center ?? middle ?? this.scene.camera.positionWC;
    this.frame = frameAt(centre);
    this.radius_m = sphere?.radius ?? Cartesian3.distance(centre, this.scene.camera.positionWC) / 2;
  }

  private clip(thing: Clipped, plane: boolean, tileset: Cesium3DTileset | null): void {
    if (plane) this.setPlane(thing, tileset);
    else if (thing.clippingPlanes) thing.clippingPlanes.enabled = false;
    const polygons = this.area ? new ClippingPolygonCollection({ polygons: [new ClippingPolygon({ positions: this.area.points })], inverse: this.area.alone }) : undefined;
    if (polygons || thing.clippingPolygons) thing.clippingPolygons = polygons as ClippingPolygonCollection;
  }

  private setPlane(thing: Clipped, tileset: Cesium3DTileset | null): void {
    const plane = this.plane();
    const matrix = tileset ? Matrix4.multiply(Matrix4.inverseTransformation(originOf(tileset), new Matrix4()), this.frame, new Matrix4()) : this.frame;
    const held = thing.clippingPlanes;
    if (held) {
      held.removeAll();
      held.add(plane);
      held.modelMatrix = matrix;
      held.enabled = true;
    } else thing.clippingPlanes = new ClippingPlaneCollection({ planes: [plane], modelMatrix: matrix, edgeColor: EDGE, edgeWidth: tileset ? 1 : 0 });
  }

  /** The plane in the frame; what lies against its normal goes. */
  private plane(): ClippingPlane {
    const { direction, offset, turned } = this.section as Section;
    const sign = turned ? -1 : 1;
    const heading = direction === "north" ? 0 : direction === "east" ? CesiumMath.PI_OVER_TWO : this.facing_rad;
    const normal = direction === "level" ? new Cartesian3(0, 0, -1) : new Cartesian3(Math.sin(heading), Math.cos(heading), 0);
    const distance = direction === "level" ? offset * this.radius_m : -offset * this.radius_m;
    return new ClippingPlane(Cartesian3.multiplyByScalar(normal, sign, new Cartesian3()), distance * sign);
  }
}

/** The frame planes of a tileset are counted in; Cesium has it, but does not tell. */
function originOf(tileset: Cesium3DTileset): Matrix4 {
  return (tileset as unknown as { clippingPlanesOriginMatrix: Matrix4 }).clippingPlanesOriginMatrix;
}
