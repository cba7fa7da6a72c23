/** What is selected, drawn on the ground: the geometry of a record, wherever it was chosen. */

import { Cartesian3, ClassificationType, Color, type CesiumWidget, CustomDataSource, HeightReference, PolygonHierarchy } from "cesium";

const LINE = Color.fromCssColorString("#0078d4");
const FILL = Color.fromCssColorString("#00b7ff").withAlpha(0.3);
const WIDTH_PX = 4;
const POINT_PX = 12;

export class Outline {
  private readonly drawn = new CustomDataSource("outline");

  constructor(private readonly widget: CesiumWidget) {
    void widget.dataSources.add(this.drawn);
  }

  draw(geometry: GeoJSON.Geometry | null): void {
    this.drawn.entities.removeAll();
    if (geometry) this.add(geometry);
    this.widget.scene.requestRender();
  }

  private add(geometry: GeoJSON.Geometry): void {
    switch (geometry.type) {
      case "Point":
        this.point(geometry.coordinates);
        break;
      case "MultiPoint":
        geometry.coordinates.forEach((one) => this.point(one));
        break;
      case "LineString":
        this.line(geometry.coordinates);
        break;
      case "MultiLineString":
        geometry.coordinates.forEach((one) => this.line(one));
        break;
      case "Polygon":
        this.area(geometry.coordinates);
        break;
      case "MultiPolygon":
        geometry.coordinates.forEach((one) => this.area(one));
        break;
      case "GeometryCollection":
        geometry.geometries.forEach((one) => this.add(one));
    }
  }

  private point(at: GeoJSON.Position): void {
    this.drawn.entities.add({
      position: places([at])[0] ?? Cartesian3.ZERO,
      point: { pixelSize: POINT_PX, color: FILL.withAlpha(1), outlineColor: Color.WHITE, outlineWidth: 2, heightReference: HeightReference.CLAMP_TO_GROUND, disableDepthTestDistance: Infinity },
    });
  }

  private line(line: GeoJSON.Position[]): void {
    this.drawn.entities.add({ polyline: { positions: places(line), width: WIDTH_PX, material: LINE, clampToGround: true, classificationType: ClassificationType.TERRAIN } });
  }

  private area(rings: GeoJSON.Position[][]): void {
    const [outer = [], ...holes] = rings;
    const hierarchy = new PolygonHierarchy(places(outer), holes.map((hole) => new PolygonHierarchy(places(hole))));
    this.drawn.entities.add({ polygon: { hierarchy, material: FILL, classificationType: ClassificationType.TERRAIN } });
    for (const ring of rings) this.line(ring);
  }
}

function places(positions: GeoJSON.Position[]): Cartesian3[] {
  return positions.map(([lon = 0, lat = 0]) => Cartesian3.fromDegrees(lon, lat));
}
