/** The live city in 3D: devices near the eye at their height above the ground, in the looks of the flat map, and alarms over them. */

import { BillboardCollection, Cartesian2, Cartesian3, Color, HeightReference, LabelCollection, LabelStyle, VerticalOrigin, type Billboard, type Label, type Scene } from "cesium";
import { alarmCanvas, deviceCanvas } from "../live/icons";
import { Heights } from "../live/heights";
import type { Live } from "../live/live";
import type { Look } from "../live/looks";
import type { EyeControl } from "./eye";

const LEAST_RADIUS_M = 1_500;
const MOST_RADIUS_M = 8_000;
const MOST_DEVICES = 500;
const SETTLED_MS = 400;
/** Nearer than this symbols are seen through walls and hills. */
const SEEN_THROUGH_M = 3_000;
const DEGREE_M = 111_000;

/** What symbols of this view carry. */
interface LiveId {
  device?: string;
  alarm?: string;
}
interface Drawn {
  symbol: Billboard;
  label: Label;
  image: string;
}

export class LivePoints {
  private readonly symbols: BillboardCollection;
  private readonly labels: LabelCollection;
  private readonly signs: BillboardCollection;
  private readonly heights = new Heights();
  private readonly drawn = new Map<string, Drawn>();
  private timer = 0;
  /** Which alarms are drawn. */
  private signed = "";
  private readonly forget: () => void;

  constructor(private readonly scene: Scene, private readonly eye: EyeControl, private readonly live: Live) {
    const { primitives } = scene;
    this.symbols = primitives.add(new BillboardCollection({ scene })) as BillboardCollection;
    this.labels = primitives.add(new LabelCollection({ scene })) as LabelCollection;
    this.signs = primitives.add(new BillboardCollection({ scene })) as BillboardCollection;
    this.forget = scene.camera.moveEnd.addEventListener(() => this.moved());
    live.onDrawn = () => this.draw();
    this.moved();
  }

  /** Show what is picked at a point of the picture; false where nothing of ours is. */
  pick(x: number, y: number): boolean {
    const { id } = (this.scene.pick(new Cartesian2(x, y)) ?? {}) as { id?: LiveId };
    if (typeof id !== "object") return false;
    if (id.device) void this.live.open(id.device);
    else if (id.alarm) void this.live.openAlarm(id.alarm);
    else return false;
    return true;
  }

  /** Where on the picture a device is drawn; null where it is not. */
  project(code: string): { x: number; y: number } | null {
    const at = this.drawn.get(code)?.symbol.computeScreenSpacePosition(this.scene) as Cartesian2 | undefined;
    return at ? { x: at.x, y: at.y } : null;
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.forget();
    this.live.onDrawn = null;
  }

  private moved(): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      this.draw();
      if (!this.live.shown) return;
      const { lon, lat, radius } = this.around();
      this.heights.around(lon, lat, radius).then((more) => {
        if (more) this.draw(true);
      }).catch(() => undefined);
    }, SETTLED_MS);
  }

  private around(): { lon: number; lat: number; radius: number } {
    const { lon, lat, range_m } = this.eye.look();
    return { lon, lat, radius: Math.max(LEAST_RADIUS_M, Math.min(MOST_RADIUS_M, 2 * range_m)) };
  }

  /** Draw the nearest devices as they are now; `anew` where their heights have changed. */
  private draw(anew = false): void {
    if (this.scene.isDestroyed()) return;
    if (anew) this.clear();
    const wanted = this.live.shown ? this.near() : new Map<string, Look>();
    for (const [code, { symbol, label }] of this.drawn) {
      if (wanted.has(code)) continue;
      this.symbols.remove(symbol);
      this.labels.remove(label);
      this.drawn.delete(code);
    }
    for (const [code, look] of wanted) this.put(code, look);
    this.drawAlarms(anew);
    this.scene.requestRender();
  }

  private near(): Map<string, Look> {
    const { lon, lat, radius } = this.around();
    const east = Math.cos((lat * Math.PI) / 180);
    const found: { code: string; look: Look; away: number }[] = [];
    for (const device of this.live.store.devices.values()) {
      const away = DEGREE_M * Math.hypot((device.lon - lon) * east, device.lat - lat);
      const look = away <= radius ? this.live.looks.of(device) : null;
      if (look) found.push({ code: device.code, look, away });
    }
    return new Map(found.sort((a, b) => a.away - b.away).slice(0, MOST_DEVICES).map(({ code, look }) => [code, look]));
  }

  private put(code: string, look: Look): void {
    const image = `${look.colour}${look.sign}`;
    const held = this.drawn.get(code) ?? this.made(code);
    if (!held) return;
    if (held.image !== image) {
      held.symbol.setImage(image, deviceCanvas(look.colour, look.ink, look.sign));
      held.image = image;
    }
    if (held.label.text !== look.label) held.label.text = look.label;
  }

  private made(code: string): Drawn | null {
    const device = this.live.store.devices.get(code);
    if (!device) return null;
    const place = {
      position: Cartesian3.fromDegrees(device.lon, device.lat, this.heights.of(code)), heightReference: HeightReference.RELATIVE_TO_GROUND,
      disableDepthTestDistance: SEEN_THROUGH_M, id: { device: code } satisfies LiveId,
    };
    const symbol = this.symbols.add({ ...place, scale: 0.65 });
    const label = this.labels.add({
      ...place, text: "", font: '600 15px system-ui, "Noto Sans CJK SC", sans-serif', style: LabelStyle.FILL_AND_OUTLINE, fillColor: Color.fromCssColorString("#1d2733"),
      outlineColor: Color.WHITE, outlineWidth: 4, pixelOffset: new Cartesian2(0, 24), verticalOrigin: VerticalOrigin.CENTER, scale: 0.9,
    });
    label.horizontalOrigin = 0;
    const made = { symbol, label, image: "" };
    this.drawn.set(code, made);
    return made;
  }

  /** Draw the alarms anew, where others are open or their devices stand elsewhere. */
  private drawAlarms(anew: boolean): void {
    const alarms = this.live.shown ? [...this.live.alarms.open.values()] : [];
    const now = alarms.map((one) => `${one.code}${one.severity}`).join();
    if (now === this.signed && !anew) return;
    this.signed = now;
    this.signs.removeAll();
    for (const alarm of alarms) {
      if (!alarm.position) continue;
      const device = this.live.store.streams.get(alarm.datastream ?? -1)?.device;
      const sign = this.signs.add({
        position: Cartesian3.fromDegrees(...alarm.position, device ? this.heights.of(device) : 2), heightReference: HeightReference.RELATIVE_TO_GROUND,
        verticalOrigin: VerticalOrigin.BOTTOM, pixelOffset: new Cartesian2(0, -6), disableDepthTestDistance: SEEN_THROUGH_M, scale: 0.7, id: { alarm: alarm.code } satisfies LiveId,
      });
      sign.setImage(`alarm-${alarm.severity}`, alarmCanvas(alarm.severity));
    }
  }

  private clear(): void {
    this.symbols.removeAll();
    this.labels.removeAll();
    this.drawn.clear();
  }
}
