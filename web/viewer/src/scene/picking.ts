/** What is under a point of the picture: the feature of a tileset, or the place on the ground. */

import { Cartesian2, Cartesian3, Cartographic, Cesium3DTileFeature, Cesium3DTileset, Color, Math as CesiumMath, PostProcessStageLibrary, type PostProcessStage, type PostProcessStageComposite, type Scene, SceneTransforms } from "cesium";
import { valueOf } from "./looks";
import type { Held, Tilesets } from "./tilesets";

const OUTLINE = "#ff8a00";

/** A feature as the database knows it; `mesh` is of a registered tileset or a point cloud, which have no rows of their own. */
export type Picked =
  | { what: "feature"; layer: string; fid: number; feature: Cesium3DTileFeature }
  | { what: "element"; model: string; globalId: string; feature: Cesium3DTileFeature }
  | { what: "footprint"; layer: string; fid: number }
  | { what: "mesh"; layer: string };
export interface Place {
  lon: number;
  lat: number;
  height_m: number;
}

/** The id that primitives of draped footprints carry. */
export interface FootprintId {
  layer: string;
  fid: number;
}

export class Picking {
  private readonly edge: PostProcessStage;
  private readonly silhouette: PostProcessStageComposite;

  constructor(private readonly scene: Scene, private readonly tilesets: Tilesets) {
    this.edge = PostProcessStageLibrary.createEdgeDetectionStage();
    const uniforms = this.edge.uniforms as { color: Color; length: number };
    uniforms.color = Color.fromCssColorString(OUTLINE);
    uniforms.length = 0.01;
    this.silhouette = PostProcessStageLibrary.createSilhouetteStage([this.edge]);
    this.silhouette.enabled = false;
    scene.postProcessStages.add(this.silhouette);
  }

  at(x: number, y: number): Picked | null {
    const hit = this.scene.pick(new Cartesian2(x, y)) as unknown;
    if (hit instanceof Cesium3DTileFeature) return this.named(hit);
    const { id, primitive } = (hit ?? {}) as { id?: FootprintId; primitive?: unknown };
    if (id && typeof id === "object" && "layer" in id && "fid" in id) return { what: "footprint", layer: id.layer, fid: id.fid };
    const held = primitive instanceof Cesium3DTileset ? this.tilesets.of(primitive) : undefined;
    return held && (held.source.kind === "mesh" || held.source.kind === "points") ? { what: "mesh", layer: held.source.id } : null;
  }

  /** The place of what is drawn at a point, ground or building; null above the horizon. */
  place(x: number, y: number): Place | null {
    const point = this.point(x, y);
    if (!point) return null;
    return placeOf(point);
  }

  /** The place of the bare ground at a point, which is cheap to ask for. */
  ground(x: number, y: number): Place | null {
    const ray = this.scene.camera.getPickRay(new Cartesian2(x, y));
    const point = ray && this.scene.globe.pick(ray, this.scene);
    return point ? placeOf(point) : null;
  }

  /** The place so many metres behind what is drawn at a point, as the eye looks. */
  behind(x: number, y: number, metres: number): Place | null {
    const [point, ray] = [this.point(x, y), this.scene.camera.getPickRay(new Cartesian2(x, y))];
    return point && ray ? placeOf(Cartesian3.add(point, Cartesian3.multiplyByScalar(ray.direction, metres, new Cartesian3()), new Cartesian3())) : null;
  }

  point(x: number, y: number): Cartesian3 | null {
    const at = new Cartesian2(x, y);
    const drawn = this.scene.pickPosition(at) as Cartesian3 | undefined;
    if (drawn && Number.isFinite(drawn.x)) return drawn;
    const ray = this.scene.camera.getPickRay(at);
    return (ray && this.scene.globe.pick(ray, this.scene)) ?? null;
  }

  /** Where on the picture a place is, null where it is behind the eye. */
  project({ lon, lat, height_m }: Place): { x: number; y: number } | null {
    const at = SceneTransforms.worldToWindowCoordinates(this.scene, Cartesian3.fromDegrees(lon, lat, height_m));
    return at ? { x: at.x, y: at.y } : null;
  }

  /** Outline a feature, or nothing. */
  outline(feature: Cesium3DTileFeature | null): void {
    this.edge.selected = feature ? [feature] : [];
    this.silhouette.enabled = feature !== null;
    this.scene.requestRender();
  }

  private named(feature: Cesium3DTileFeature): Picked | null {
    const held: Held | undefined = this.tilesets.of(feature.tileset);
    if (!held) return null;
    const { id, model, kind } = held.source;
    if (kind === "mesh") return { what: "mesh", layer: id };
    if (model) {
      const globalId = valueOf(feature, "global_id");
      return globalId === null ? null : { what: "element", model: id, globalId: String(globalId), feature };
    }
    const fid = valueOf(feature, "fid");
    return fid === null ? null : { what: "feature", layer: id, fid: Number(fid), feature };
  }
}

export function placeOf(point: Cartesian3): Place {
  const found = Cartographic.fromCartesian(point);
  return { lon: CesiumMath.toDegrees(found.longitude), lat: CesiumMath.toDegrees(found.latitude), height_m: found.height };
}
