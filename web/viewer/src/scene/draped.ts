/** Entities that lie on the ground or stand on it, for one shape or sign at a time. */

import {
  Cartesian2, Cartesian3, ClassificationType, Color, DistanceDisplayCondition, type Entity, type EntityCollection, HeightReference, HorizontalOrigin, LabelStyle, PolygonHierarchy, PolylineDashMaterialProperty,
  PolylineOutlineMaterialProperty, StripeMaterialProperty, VerticalOrigin,
} from "cesium";

const FONT = '600 30px system-ui, "Noto Sans CJK SC", sans-serif';
/** The font is twice as large as it is drawn. */
const FONT_SCALE = 0.5;
const DASH_PX = 18;
/** How many stripes an area is hatched with. */
const STRIPES = 24;

type Position = GeoJSON.Position;
export interface LineLook {
  colour: string;
  width: number;
  dashed?: boolean;
  casing?: number;
  opacity?: number;
  /** Of lines that lie on each other the higher is seen. */
  order?: number;
}

/** Draws into a collection, and remembers what it added. */
export class Draper {
  readonly added: Entity[] = [];

  constructor(private readonly entities: EntityCollection) {}

  line(points: Position[], { colour, width, dashed = false, casing = 0, opacity = 1, order = 0 }: LineLook): Entity {
    const paint = Color.fromCssColorString(colour).withAlpha(opacity);
    const material = dashed ? new PolylineDashMaterialProperty({ color: paint, dashLength: DASH_PX })
      : casing ? new PolylineOutlineMaterialProperty({ color: paint, outlineColor: Color.WHITE, outlineWidth: casing }) : paint;
    return this.keep({ polyline: { positions: places(points), width: width + 2 * casing, material, clampToGround: true, classificationType: ClassificationType.TERRAIN, zIndex: order } });
  }

  area([outer = [], ...holes]: Position[][], colour: string, opacity: number, hatched = false): Entity {
    const hierarchy = new PolygonHierarchy(places(outer), holes.map((hole) => new PolygonHierarchy(places(hole))));
    const paint = Color.fromCssColorString(colour).withAlpha(opacity);
    const material = hatched ? new StripeMaterialProperty({ evenColor: paint, oddColor: Color.TRANSPARENT, repeat: STRIPES }) : paint;
    return this.keep({ polygon: { hierarchy, material, classificationType: ClassificationType.TERRAIN, ...(hatched ? { stRotation: Math.PI / 4 } : {}) } });
  }

  dot(at: Position, colour: string, size: number): Entity {
    return this.keep({
      position: place(at),
      point: { pixelSize: size, color: Color.fromCssColorString(colour), outlineColor: Color.WHITE, outlineWidth: 1.5, heightReference: HeightReference.CLAMP_TO_GROUND, disableDepthTestDistance: Infinity },
    });
  }

  /** A picture whose foot stands on the ground. */
  sign(at: Position, image: HTMLCanvasElement, scale: number): Entity {
    return this.keep({ position: place(at), billboard: { image, scale, verticalOrigin: VerticalOrigin.BOTTOM, heightReference: HeightReference.CLAMP_TO_GROUND, disableDepthTestDistance: Infinity } });
  }

  /** Text that stands on the ground, so many pixels above its place. */
  text(at: Position, text: string, colour: string, above: number, seen: { to?: number } = {}): Entity {
    return this.keep({
      position: place(at),
      label: {
        text, font: FONT, scale: FONT_SCALE, style: LabelStyle.FILL_AND_OUTLINE, fillColor: Color.fromCssColorString(colour), outlineColor: Color.WHITE, outlineWidth: 8,
        horizontalOrigin: HorizontalOrigin.CENTER, verticalOrigin: VerticalOrigin.BOTTOM, pixelOffset: new Cartesian2(0, -above),
        heightReference: HeightReference.CLAMP_TO_GROUND, disableDepthTestDistance: Infinity,
        ...(seen.to ? { distanceDisplayCondition: new DistanceDisplayCondition(0, seen.to) } : {}),
      },
    });
  }

  private keep(options: Entity.ConstructorOptions): Entity {
    const made = this.entities.add(options);
    this.added.push(made);
    return made;
  }
}

function place([lon = 0, lat = 0]: Position): Cartesian3 {
  return Cartesian3.fromDegrees(lon, lat);
}

function places(positions: Position[]): Cartesian3[] {
  return positions.map(place);
}
