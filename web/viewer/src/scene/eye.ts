/** The eye in the scene: where it is, what ground it looks at, and moving it as the flat map's camera would. */

import { BoundingSphere, Cartesian2, Cartesian3, Cartographic, Ellipsoid, HeadingPitchRange, type Interval, IntersectionTests, Math as CesiumMath, Matrix4, PerspectiveFrustum, Ray, type Scene, sampleTerrain, sampleTerrainMostDetailed, Transforms } from "cesium";
import type { Camera } from "../cameras";
import type { Eye } from "./address";
import { placeOf } from "./picking";
import { cameraOf, type Look, lookOf } from "./place";

const FLIGHT_S = 1.2;
const SAMPLE_LEVEL = 12;
const LEAST_RANGE_M = 40;
const FARTHEST_M = 60_000;

export class EyeControl {
  private ground_m = 0;

  constructor(private readonly scene: Scene) {}

  get eye(): Eye {
    const { positionCartographic: at, heading, pitch } = this.scene.camera;
    return {
      lat: CesiumMath.toDegrees(at.latitude), lon: CesiumMath.toDegrees(at.longitude), height_m: at.height,
      heading_deg: CesiumMath.toDegrees(heading), pitch_deg: CesiumMath.toDegrees(pitch),
    };
  }

  set eye({ lat, lon, height_m, heading_deg, pitch_deg }: Eye) {
    this.scene.camera.setView({ destination: Cartesian3.fromDegrees(lon, lat, height_m), orientation: angles(heading_deg, pitch_deg) });
    this.scene.requestRender();
  }

  flyToEye({ lat, lon, height_m, heading_deg, pitch_deg }: Eye, duration = FLIGHT_S): Promise<void> {
    return new Promise((resolve) => {
      this.scene.camera.flyTo({
        destination: Cartesian3.fromDegrees(lon, lat, height_m), orientation: angles(heading_deg, pitch_deg), duration,
        complete: () => resolve(), cancel: () => resolve(),
      });
    });
  }

  /** What is in the middle of the picture; where that is sky, the ground below a point ahead. */
  look(): Look {
    const { camera, canvas } = this.scene;
    const middle = new Cartesian2(canvas.clientWidth / 2, canvas.clientHeight / 2);
    const hit = this.groundAt(middle);
    const range = hit ? Cartesian3.distance(hit, camera.positionWC) : Infinity;
    const ahead = range < FARTHEST_M * 10 && hit ? hit : this.ahead();
    const place = Cartographic.fromCartesian(ahead);
    const { heading_deg, pitch_deg } = this.eye;
    return {
      lat: CesiumMath.toDegrees(place.latitude), lon: CesiumMath.toDegrees(place.longitude),
      range_m: Math.max(LEAST_RANGE_M, Cartesian3.distance(ahead, camera.positionWC)), heading_deg, pitch_deg,
    };
  }

  /** The point of the ground in the middle of the picture. */
  middle(): Cartesian3 {
    const { lon, lat } = this.look();
    return Cartesian3.fromDegrees(lon, lat, this.scene.globe.getHeight(Cartographic.fromDegrees(lon, lat)) ?? 0);
  }

  /** The flat map's camera that shows the same place, tilted by `pitch` degrees. */
  camera(pitch: number): Camera {
    return cameraOf(this.look(), this.scene.canvas.clientHeight, this.fovy, pitch);
  }

  /** Stand where the flat map looks from; a map seen from above is tilted, so that what stands is seen to stand. */
  async stand(camera: Camera, tilt_deg: number): Promise<void> {
    const look = lookOf(camera, this.scene.canvas.clientHeight, this.fovy);
    const pitch_deg = Math.max(camera.pitch, tilt_deg) - 90;
    this.lookFrom({ ...look, pitch_deg }, await this.groundHeight(camera.lon, camera.lat));
  }

  /** Look at a place on the ground from a distance, keeping direction and tilt. */
  async flyTo(lon: number, lat: number, range_m: number): Promise<void> {
    const height = await this.groundHeight(lon, lat);
    const { heading, pitch } = this.scene.camera;
    const offset = new HeadingPitchRange(heading, Math.min(pitch, CesiumMath.toRadians(-30)), range_m);
    this.scene.camera.flyToBoundingSphere(new BoundingSphere(Cartesian3.fromDegrees(lon, lat, height), 0), { offset, duration: FLIGHT_S });
  }

  north(): void {
    const look = this.look();
    void this.groundHeight(look.lon, look.lat).then((height_m) => this.lookFrom({ ...look, heading_deg: 0 }, height_m));
  }

  /** Go to the right and ahead, by shares of how far the place looked at is. */
  go(right: number, ahead: number): void {
    const { range_m, heading_deg } = this.look();
    const { positionWC } = this.scene.camera;
    const heading = CesiumMath.toRadians(heading_deg);
    const [east, north] = [right * Math.cos(heading) + ahead * Math.sin(heading), ahead * Math.cos(heading) - right * Math.sin(heading)];
    const moved = Matrix4.multiplyByPoint(Transforms.eastNorthUpToFixedFrame(positionWC), new Cartesian3(east * range_m, north * range_m, 0), new Cartesian3());
    const { lat, lon } = placeOf(moved);
    this.eye = { ...this.eye, lat, lon };
  }

  /** Turn to the right and upwards, by degrees, staying where the eye is. */
  turn(right_deg: number, up_deg: number): void {
    const { heading_deg, pitch_deg } = this.eye;
    this.eye = { ...this.eye, heading_deg: heading_deg + right_deg, pitch_deg: Math.max(-90, Math.min(30, pitch_deg + up_deg)) };
  }

  /** Come nearer by a factor below 1, go away by one above. */
  zoom(factor: number): void {
    const { range_m } = this.look();
    this.scene.camera.moveForward(range_m * (1 - factor));
    this.scene.requestRender();
  }

  /** The height of the ground by the terrain's finest tile there, which need not be drawn. */
  async groundHeight(lon: number, lat: number): Promise<number> {
    const place = Cartographic.fromDegrees(lon, lat);
    const provider = this.scene.terrainProvider;
    try {
      const sampling = provider.availability ? sampleTerrainMostDetailed(provider, [place]) : sampleTerrain(provider, SAMPLE_LEVEL, [place]);
      this.ground_m = (await sampling)[0]?.height ?? this.ground_m;
    } catch {
      this.ground_m = this.scene.globe.getHeight(place) ?? this.ground_m;
    }
    return this.ground_m;
  }

  /** The upright angle of view, radians. */
  private get fovy(): number {
    const { frustum } = this.scene.camera;
    const fovy = frustum instanceof PerspectiveFrustum ? frustum.fovy : undefined;
    return fovy ?? CesiumMath.toRadians(40);
  }

  /** Look at a place of a height above the ellipsoid. */
  lookFrom({ lon, lat, range_m, heading_deg, pitch_deg }: Look, height_m: number): void {
    const { camera } = this.scene;
    this.ground_m = height_m;
    const target = Cartesian3.fromDegrees(lon, lat, height_m);
    const offset = new HeadingPitchRange(CesiumMath.toRadians(heading_deg), CesiumMath.toRadians(pitch_deg), range_m);
    camera.lookAtTransform(Transforms.eastNorthUpToFixedFrame(target), offset);
    camera.lookAtTransform(Matrix4.IDENTITY);
    this.scene.requestRender();
  }

  /** The ground at a point of the picture; before its terrain has come, a level as high as the ground last asked for. */
  private groundAt(point: Cartesian2): Cartesian3 | undefined {
    const ray = this.scene.camera.getPickRay(point);
    if (!ray) return undefined;
    if (this.scene.globe.tilesLoaded) return this.scene.globe.pick(ray, this.scene);
    const { x, y, z } = Ellipsoid.WGS84.radii;
    const level = new Ellipsoid(x + this.ground_m, y + this.ground_m, z + this.ground_m);
    const crossed = IntersectionTests.rayEllipsoid(ray, level) as Interval | undefined;
    return crossed && crossed.start > 0 ? Ray.getPoint(ray, crossed.start) : undefined;
  }

  private ahead(): Cartesian3 {
    const { positionWC, directionWC } = this.scene.camera;
    const reach = Math.min(FARTHEST_M, Math.max(500, this.scene.camera.positionCartographic.height * 4));
    return Cartesian3.add(positionWC, Cartesian3.multiplyByScalar(directionWC, reach, new Cartesian3()), new Cartesian3());
  }
}

function angles(heading_deg: number, pitch_deg: number): { heading: number; pitch: number; roll: number } {
  return { heading: CesiumMath.toRadians(heading_deg), pitch: CesiumMath.toRadians(pitch_deg), roll: 0 };
}
