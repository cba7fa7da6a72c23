/** How high above the ground devices near a place are: their own height, else that of the storey they are bound to. */

import { storeysOf, type Storey } from "../bim_api";
import { devicesIn, type DeviceRecord } from "./api";

/** Of a device that says nothing, and of one on the floor of a storey. */
const USUAL_M = 2;
/** Of buildings without a model. */
const STOREY_M = 3.3;
const MOST = 1_000;
const DEGREE_M = 111_000;

export class Heights {
  private readonly known = new Map<string, number>();
  private readonly storeys = new Map<string, Promise<Storey[]>>();

  /** Metres above the ground, as far as it is known. */
  of(code: string): number {
    return this.known.get(code) ?? USUAL_M;
  }

  /** Ask for the devices around a place; true where something new became known. */
  async around(lon: number, lat: number, radius_m: number): Promise<boolean> {
    const north = radius_m / DEGREE_M, east = north / Math.cos((lat * Math.PI) / 180);
    const bbox = [lon - east, lat - north, lon + east, lat + north].map((one) => one.toFixed(6)).join(",");
    const before = this.known.size;
    for (const device of await devicesIn(bbox, MOST)) if (!this.known.has(device.code)) this.known.set(device.code, await this.height(device));
    return this.known.size > before;
  }

  /** A device in a building stands on its storey, its own height above the floor; others stand on the ground. */
  private async height({ binding, height_m }: DeviceRecord): Promise<number> {
    const own = height_m ?? USUAL_M;
    const floor = await this.floor(binding.model, binding.storey, binding.storey_number);
    return floor === null ? own : floor + Math.min(own, STOREY_M);
  }

  private async floor(model: string | undefined, storey: string | undefined, number: number | undefined): Promise<number | null> {
    if (model) {
      const storeys = await this.ofModel(model);
      const ground = storeys.find((one) => one.storey_number === 1)?.elevation_m;
      const own = storeys.find((one) => (storey ? one.global_id === storey : one.storey_number === number))?.elevation_m;
      if (ground != null && own != null) return own - ground;
    }
    if (number === undefined) return null;
    return (number > 0 ? number - 1 : number) * STOREY_M;
  }

  private ofModel(model: string): Promise<Storey[]> {
    const held = this.storeys.get(model) ?? storeysOf(model).catch(() => []);
    this.storeys.set(model, held);
    return held;
  }
}
