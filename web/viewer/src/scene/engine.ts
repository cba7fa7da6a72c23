/** The globe itself, with nothing that asks another server: no token, no pictures, terrain or place search of others. */

import { CesiumWidget, Color, Credit, CreditDisplay, EllipsoidTerrainProvider, Ion, ShadowMode, Sun } from "cesium";

const SMOOTHING = 4;
/** What of the light shadows leave. */
const SHADE = 0.5;
const GROUND = "#e4e1d6";
const SKY = "#cfe0ee";

/** `plain` draws what any machine can: no smoothing of edges, no air. */
export function makeEngine(container: HTMLElement, credits: HTMLElement, plain: boolean): CesiumWidget {
  Ion.defaultAccessToken = "";
  CreditDisplay.cesiumCredit = new Credit("CesiumJS", true);
  const widget = new CesiumWidget(container, {
    baseLayer: false,
    terrainProvider: new EllipsoidTerrainProvider(),
    skyBox: false,
    ...(plain ? { skyAtmosphere: false } : {}),
    scene3DOnly: true,
    requestRenderMode: true,
    maximumRenderTimeChange: Infinity,
    msaaSamples: plain ? 1 : SMOOTHING,
    orderIndependentTranslucency: !plain,
    terrainShadows: ShadowMode.RECEIVE_ONLY,
    showRenderLoopErrors: false,
    creditContainer: credits,
  });
  dress(widget, plain);
  return widget;
}

function dress({ scene }: CesiumWidget, plain: boolean): void {
  scene.backgroundColor = Color.fromCssColorString(SKY);
  scene.globe.baseColor = Color.fromCssColorString(GROUND);
  scene.globe.showWaterEffect = false;
  scene.globe.depthTestAgainstTerrain = true;
  scene.globe.enableLighting = true;
  scene.globe.preloadAncestors = false;
  scene.globe.showGroundAtmosphere = !plain;
  scene.fog.enabled = !plain;
  if (!plain) scene.sun = new Sun();
  scene.shadowMap.softShadows = !plain;
  scene.shadowMap.maximumDistance = 5_000;
  scene.shadowMap.darkness = SHADE;
  scene.screenSpaceCameraController.minimumZoomDistance = 1;
  scene.screenSpaceCameraController.maximumZoomDistance = 2_000_000;
}
