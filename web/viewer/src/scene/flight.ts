/** Flying along points: a smooth way at a height above them, at a steady speed, looking ahead. */

import { Cartesian3, CatmullRomSpline, Cartographic, HeadingPitchRoll, Math as CesiumMath, Matrix4, type Scene } from "cesium";
import { frameAt, inFrame } from "./frames";

const LOOK_AHEAD_S = 1.5;
const LOOK_DOWN_RAD = -0.25;

export class Flight {
  private way: CatmullRomSpline | null = null;
  private length_m = 0;
  private gone_m = 0;
  private last = 0;
  private forget: (() => void) | null = null;

  /** `moved` is told the share of the way that is done, 1 at its end. */
  constructor(private readonly scene: Scene, private readonly moved: (share: number) => void) {}

  get flying(): boolean {
    return this.forget !== null;
  }

  /** Take a way over points, metres above each. */
  along(points: Cartesian3[], above_m: number): void {
    this.stop();
    const raised = points.map((point) => {
      const { longitude, latitude, height } = Cartographic.fromCartesian(point);
      return Cartesian3.fromRadians(longitude, latitude, height + above_m);
    });
    const times = raised.reduce<number[]>((sums, point, number) => [...sums, number ? (sums.at(-1) ?? 0) + Math.max(1, Cartesian3.distance(point, raised[number - 1] ?? point)) : 0], []);
    this.way = new CatmullRomSpline({ points: raised, times });
    this.length_m = times.at(-1) ?? 0;
    this.gone_m = 0;
  }

  start(speed_m_s: number): void {
    if (!this.way || this.flying) return;
    if (this.gone_m >= this.length_m) this.gone_m = 0;
    this.last = performance.now();
    this.forget = this.scene.preUpdate.addEventListener(() => this.step(speed_m_s));
    this.scene.requestRender();
  }

  stop(): void {
    this.forget?.();
    this.forget = null;
  }

  private step(speed_m_s: number): void {
    const now = performance.now();
    this.gone_m = Math.min(this.length_m, this.gone_m + (speed_m_s * (now - this.last)) / 1000);
    this.last = now;
    this.stand(speed_m_s);
    this.moved(this.length_m ? this.gone_m / this.length_m : 1);
    if (this.gone_m >= this.length_m) this.stop();
    this.scene.requestRender();
  }

  private stand(speed_m_s: number): void {
    if (!this.way) return;
    const ahead = Math.min(this.length_m, this.gone_m + speed_m_s * LOOK_AHEAD_S);
    const at = this.way.evaluate(Math.min(this.gone_m, this.length_m)) as Cartesian3;
    const next = this.way.evaluate(ahead) as Cartesian3;
    const way = inFrame(frameAt(at), next);
    const moving = Math.hypot(way.x, way.y) > 0.5;
    const heading = moving ? Math.atan2(way.x, way.y) : this.scene.camera.heading;
    this.scene.camera.lookAtTransform(Matrix4.IDENTITY);
    this.scene.camera.setView({ destination: at, orientation: new HeadingPitchRoll(CesiumMath.zeroToTwoPi(heading), LOOK_DOWN_RAD, 0) });
  }
}
