/** The ground: terrain of this server, and seeing through it. */

import { CesiumTerrainProvider, Color, NearFarScalar, Resource, type Scene } from "cesium";

export class Ground {
  private seenThrough = false;

  constructor(private readonly scene: Scene) {}

  /** Use the heights that an address of `layer.json` names; fails where the server refuses them. */
  async use(address: string): Promise<void> {
    const { pathname, searchParams } = new URL(address, location.href);
    const url = new Resource({ url: pathname.replace(/layer\.json$/, ""), queryParameters: Object.fromEntries(searchParams) });
    this.scene.terrainProvider = await CesiumTerrainProvider.fromUrl(url, { requestVertexNormals: true });
  }

  get underground(): boolean {
    return this.seenThrough;
  }

  /** See through the ground, and go below it; `opacity` is what stays of the ground, from 0 to 1. */
  open(on: boolean, opacity: number): void {
    this.seenThrough = on;
    const { globe, screenSpaceCameraController: control } = this.scene;
    control.enableCollisionDetection = !on;
    globe.translucency.enabled = on;
    globe.translucency.frontFaceAlphaByDistance = new NearFarScalar(200, opacity, 20_000, Math.min(1, opacity + 0.4));
    globe.translucency.backFaceAlpha = Math.min(1, opacity + 0.2);
    globe.undergroundColor = Color.fromCssColorString("#5b5348");
    this.scene.requestRender();
  }
}
