/** The sun over the city: where it stands at an instant, the light it gives and the shadows it throws. */

import { Cartesian3, DirectionalLight, JulianDate, Math as CesiumMath, Matrix3, Matrix4, type CesiumWidget, Simon1994PlanetaryPositions, SunLight, Transforms } from "cesium";
import { frameAt } from "./frames";

/** Degrees: azimuth from north clockwise, elevation over the horizon without refraction. */
export interface SunPlace {
  azimuth_deg: number;
  elevation_deg: number;
}

const USUAL_INTENSITY = 2;
/** Light of an ordinary day, from the south-west and high: shows shapes when nobody asks for the sun. */
const USUAL = { azimuth_deg: 215, elevation_deg: 52 };

export class SunControl {
  private sunlit = false;

  constructor(private readonly widget: CesiumWidget, private readonly middle: () => Cartesian3) {
    widget.clock.shouldAnimate = false;
  }

  get on(): boolean {
    return this.sunlit;
  }

  /** Light everything by the sun as it stands at an instant, with or without shadows. */
  shine(utc_ms: number, shadows: boolean): void {
    const { scene, clock } = this.widget;
    this.sunlit = true;
    clock.currentTime = JulianDate.fromDate(new Date(utc_ms));
    scene.light = new SunLight();
    scene.shadowMap.enabled = shadows;
    scene.requestRender();
  }

  /** Back to the light of an ordinary day. */
  usual(): void {
    const { scene } = this.widget;
    this.sunlit = false;
    scene.shadowMap.enabled = false;
    scene.light = new DirectionalLight({ direction: Cartesian3.negate(towards(this.middle(), USUAL), new Cartesian3()), intensity: USUAL_INTENSITY });
    scene.requestRender();
  }

  /** Where the sun that lights the scene stands, seen from a place. */
  placeFrom(point: Cartesian3, utc_ms: number): SunPlace {
    const time = JulianDate.fromDate(new Date(utc_ms));
    const turn = Transforms.computeIcrfToFixedMatrix(time, new Matrix3()) ?? Transforms.computeTemeToPseudoFixedMatrix(time, new Matrix3());
    const sun = Matrix3.multiplyByVector(turn, Simon1994PlanetaryPositions.computeSunPositionInEarthInertialFrame(time, new Cartesian3()), new Cartesian3());
    const local = Matrix4.multiplyByPoint(Matrix4.inverseTransformation(frameAt(point), new Matrix4()), sun, new Cartesian3());
    return {
      azimuth_deg: CesiumMath.toDegrees(CesiumMath.zeroToTwoPi(Math.atan2(local.x, local.y))),
      elevation_deg: CesiumMath.toDegrees(Math.asin(local.z / Cartesian3.magnitude(local))),
    };
  }
}

/** The direction, geocentric and of length 1, in which a heavenly body stands. */
function towards(point: Cartesian3, { azimuth_deg, elevation_deg }: SunPlace): Cartesian3 {
  const [azimuth, elevation] = [CesiumMath.toRadians(azimuth_deg), CesiumMath.toRadians(elevation_deg)];
  const local = new Cartesian3(Math.sin(azimuth) * Math.cos(elevation), Math.cos(azimuth) * Math.cos(elevation), Math.sin(elevation));
  return Matrix4.multiplyByPointAsVector(frameAt(point), local, new Cartesian3());
}
