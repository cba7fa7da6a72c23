/** Setting points in the 3D view: a click sets one, double click or Enter ends, Backspace takes one back, Esc cancels. */

import { ArcType, CallbackProperty, type CesiumWidget, Cartesian3, Color, CustomDataSource, PolygonHierarchy, ScreenSpaceEventHandler, ScreenSpaceEventType } from "cesium";
import type { Picking } from "./picking";

const COLOUR = Color.fromCssColorString("#d0480b");
const SAME_M = 0.02;

export interface SketchWish {
  /** Ends by itself when so many points are set. */
  most?: number;
  least: number;
  closed: boolean;
  /** Points are joined along straight lines in the air, or on the ground. */
  onGround?: boolean;
  changed?(points: Cartesian3[]): void;
  done(points: Cartesian3[]): void;
  cancelled?(): void;
}

export class Sketch {
  private readonly drawn = new CustomDataSource("sketch");
  private handler: ScreenSpaceEventHandler | null = null;
  private wish: SketchWish | null = null;
  private points: Cartesian3[] = [];
  private hover: Cartesian3 | null = null;

  constructor(private readonly widget: CesiumWidget, private readonly picking: Picking) {
    void widget.dataSources.add(this.drawn);
  }

  /** Whether clicks set points now, and are not asked what is there. */
  get active(): boolean {
    return this.wish !== null;
  }

  start(wish: SketchWish): void {
    this.clear();
    this.wish = wish;
    this.draw(wish);
    const { canvas } = this.widget;
    canvas.style.cursor = "crosshair";
    this.handler = new ScreenSpaceEventHandler(canvas);
    this.handler.setInputAction(({ position }: { position: { x: number; y: number } }) => this.add(position.x, position.y), ScreenSpaceEventType.LEFT_CLICK);
    this.handler.setInputAction(({ endPosition }: { endPosition: { x: number; y: number } }) => this.move(endPosition.x, endPosition.y), ScreenSpaceEventType.MOUSE_MOVE);
    this.handler.setInputAction(() => this.finish(), ScreenSpaceEventType.LEFT_DOUBLE_CLICK);
    window.addEventListener("keydown", this.key, { capture: true });
  }

  /** Take the drawing away, and end setting points. */
  clear(): void {
    this.stop();
    this.points = [];
    this.hover = null;
    this.drawn.entities.removeAll();
    this.widget.scene.requestRender();
  }

  private add(x: number, y: number): void {
    const point = this.picking.point(x, y);
    const last = this.points.at(-1);
    if (!point || !this.wish || (last && Cartesian3.distance(point, last) < SAME_M)) return;
    this.points.push(point);
    this.mark(point);
    this.wish.changed?.(this.points);
    if (this.points.length === this.wish.most) this.finish();
  }

  private move(x: number, y: number): void {
    if (!this.points.length) return;
    this.hover = this.picking.point(x, y);
    this.widget.scene.requestRender();
  }

  private finish(): void {
    const { wish, points } = this;
    if (!wish || points.length < wish.least) return;
    this.hover = null;
    this.stop();
    this.widget.scene.requestRender();
    wish.done(points);
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    if (event.key === "Enter") this.finish();
    else if (event.key === "Escape") {
      const { wish } = this;
      this.clear();
      wish?.cancelled?.();
    } else if (event.key === "Backspace") this.back();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  private back(): void {
    this.points.pop();
    const marks = this.drawn.entities.values.filter((entity) => entity.point);
    const last = marks.at(-1);
    if (last) this.drawn.entities.remove(last);
    this.wish?.changed?.(this.points);
    this.widget.scene.requestRender();
  }

  private stop(): void {
    this.handler?.destroy();
    this.handler = null;
    this.wish = null;
    this.widget.canvas.style.cursor = "";
    window.removeEventListener("keydown", this.key, { capture: true });
  }

  private mark(position: Cartesian3): void {
    this.drawn.entities.add({ position, point: { pixelSize: 8, color: Color.WHITE, outlineColor: COLOUR, outlineWidth: 2, disableDepthTestDistance: Infinity } });
  }

  private draw({ closed, onGround = false }: SketchWish): void {
    const seen = (): Cartesian3[] => (this.hover ? [...this.points, this.hover] : [...this.points]);
    const ring = (): Cartesian3[] => {
      const points = seen();
      return closed && points[0] && points.length > 2 ? [...points, points[0]] : points;
    };
    this.drawn.entities.add({
      polyline: {
        positions: new CallbackProperty(ring, false), width: 3, material: COLOUR, depthFailMaterial: COLOUR.withAlpha(0.4),
        ...(onGround ? { clampToGround: true } : { arcType: ArcType.NONE }),
      },
    });
    if (!closed) return;
    const hierarchy = new CallbackProperty(() => new PolygonHierarchy(seen()), false);
    this.drawn.entities.add({ polygon: { hierarchy, material: COLOUR.withAlpha(0.2), ...(onGround ? {} : { perPositionHeight: true }) } });
  }
}
