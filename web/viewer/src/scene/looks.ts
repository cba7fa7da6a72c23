/** How the features of a tileset look: which are seen, in what colour, how transparent; asked of each feature as it comes. */

import { Cesium3DTileColorBlendMode, Cesium3DTileFeature, Cesium3DTileStyle, type Cesium3DTileset, Color, type CustomShader, type StyleExpression } from "cesium";
import type { Colouring } from "./colouring";

/** What is read of a feature: a value of the tile's property table, null where it has none. */
export type Value = string | number | null;
type Read = (name: string) => Value;

const WHITE = Color.WHITE;

export class Looks {
  opacity = 1;
  colouring: Colouring | null = null;
  readonly hiddenClasses = new Set<string>();
  /** Moves storeys apart, where they are. */
  shader: CustomShader | null = null;
  private readonly filters = new Map<string, (read: Read) => boolean>();
  private readonly parsed = new Map<string, Color>();

  /** Let a rule say which features are seen; null takes the rule away. */
  filter(name: string, rule: ((read: Read) => boolean) | null): void {
    if (rule) this.filters.set(name, rule);
    else this.filters.delete(name);
  }

  /** Make a tileset look so, now and for what it loads later. */
  dress(tileset: Cesium3DTileset): void {
    const style = new Cesium3DTileStyle();
    const show = { evaluate: (feature: Cesium3DTileFeature) => this.seen(feature) };
    const color = {
      evaluate: (feature: Cesium3DTileFeature) => this.colour(feature, new Color()),
      evaluateColor: (feature: Cesium3DTileFeature, result?: Color) => this.colour(feature, result ?? new Color()),
    };
    style.show = show as unknown as StyleExpression;
    style.color = color as unknown as StyleExpression;
    tileset.colorBlendMode = this.colouring ? Cesium3DTileColorBlendMode.REPLACE : Cesium3DTileColorBlendMode.HIGHLIGHT;
    tileset.style = style;
    tileset.customShader = this.shader ?? undefined;
  }

  private seen(feature: Cesium3DTileFeature): boolean {
    const read: Read = (name) => valueOf(feature, name);
    const chosen = this.colouring;
    if (chosen && this.hiddenClasses.has(chosen.classOf(read(chosen.field)))) return false;
    for (const rule of this.filters.values()) if (!rule(read)) return false;
    return true;
  }

  private colour(feature: Cesium3DTileFeature, result: Color): Color {
    const chosen = this.colouring;
    const base = chosen ? this.named(chosen.colourOf(chosen.classOf(valueOf(feature, chosen.field)))) : WHITE;
    return Color.clone(base, result).withAlpha(base.alpha * this.opacity, result);
  }

  private named(css: string): Color {
    let colour = this.parsed.get(css);
    if (!colour) this.parsed.set(css, (colour = Color.fromCssColorString(css)));
    return colour;
  }
}

/** A value of a feature's row; numbers beyond what numbers hold arrive as BigInt and are made plain. */
export function valueOf(feature: Cesium3DTileFeature, name: string): Value {
  const value = feature.getProperty(name) as unknown;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" || (typeof value === "string" && value !== "") ? value : null;
}
