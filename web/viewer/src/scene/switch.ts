/** The way into the 3D view and back: its code is fetched when somebody wants it, and the place stays. */

import { button, element, say } from "../dom";
import type { Camera } from "../cameras";
import { text } from "../i18n";
import { readScene, writeScene } from "./address";
import type { SceneHost } from "./host";
import type { SceneView } from "./view";
import { term } from "./words";

declare const CESIUM_FILES: string;
declare global {
  interface Window {
    CESIUM_BASE_URL?: string;
  }
}

const TILT_DEG = 45;

export class SceneSwitch {
  view: SceneView | null = null;
  private opening = false;
  private wasFlat = true;

  /** `returned` gets the camera that shows the same place on the flat map. */
  constructor(private readonly host: () => SceneHost, private readonly entered: () => void, private readonly returned: (camera: Camera) => void) {}

  get asked(): boolean {
    return readScene().on;
  }

  /** Go where an address leads that is put in while the page is open. */
  followAddress(): void {
    window.addEventListener("hashchange", () => {
      const { on, eye } = readScene();
      if (on) this.view?.states.follow();
      if (!on) this.close();
      else if (!this.view) void this.open();
      else if (eye) void this.view.eye.flyToEye(eye);
    });
  }

  async toggle(): Promise<void> {
    if (this.view) this.close();
    else await this.open();
  }

  async open(): Promise<void> {
    if (this.opening || this.view) return;
    const host = this.host();
    const hindrance = hindranceTo(host);
    if (hindrance) {
      writeScene(null);
      host.card(noticeCard(hindrance, () => host.closeResults()));
      return;
    }
    this.opening = true;
    document.body.dataset["scene"] = "opening";
    const note = element("div", { class: "scene-opening", role: "status" }, term("opening"));
    host.stage.append(note);
    try {
      window.CESIUM_BASE_URL = CESIUM_FILES;
      const { SceneView } = await import("./view");
      const camera = host.camera();
      this.wasFlat = camera.pitch === 0;
      this.view = await SceneView.open(host, camera, TILT_DEG, () => this.stopped());
      this.entered();
      document.body.dataset["scene"] = "open";
    } catch (error) {
      document.body.dataset["scene"] = "failed";
      writeScene(null);
      host.failed(error);
    } finally {
      note.remove();
      this.opening = false;
    }
  }

  close(): void {
    const view = this.view;
    if (!view) return;
    const camera = view.camera(this.wasFlat ? 0 : null);
    this.view = null;
    view.destroy();
    writeScene(null);
    delete document.body.dataset["scene"];
    this.returned(camera);
  }

  private stopped(): void {
    this.close();
    say(term("stopped"), "error");
  }
}

/** Why there can be no 3D view, null where there can. */
function hindranceTo({ catalog }: SceneHost): string | null {
  if (!document.createElement("canvas").getContext("webgl2")) return term("noWebgl");
  if (catalog.scene?.reason) return text(catalog.scene.reason);
  const offered = catalog.scene?.terrain || catalog.layers.some((layer) => layer.scene) || catalog.models?.some((model) => model.scene);
  return offered ? null : term("noneOffered");
}

function noticeCard(reason: string, close: () => void): HTMLElement {
  const head = element("div", { class: "results-head" }, element("h2", {}, term("noScene")), button("×", "quiet close", close));
  return element("div", { class: "scene-none", role: "alert" }, head, element("p", {}, reason));
}
