/** The chart of one datastream with its choice of spans: an hour a point up to a month, a day a point over a year. */

import { button, element } from "../dom";
import { seriesOf, type AlarmRule, type DeviceDocument, type StreamRecord } from "./api";
import { SEVERITY_COLOURS } from "./icons";
import { seriesChart, type Limit } from "./series_chart";
import { term } from "./words";

const DAY_MS = 86_400_000;
const SPANS = { day: 1, week: 7, month: 30, year: 365 } as const;
type Span = keyof typeof SPANS;
let lastSpan: Span = "day";

export class SeriesBox {
  readonly element = element("div", { class: "series-box" });
  private readonly place = element("div", { class: "series-place" });
  private asked = 0;

  /** `limits` are drawn as lines; null when who looks may not see the rules. */
  constructor(private readonly device: string, private readonly stream: StreamRecord, private readonly limits: Limit[] | null) {
    const spans = element("div", { class: "spans", role: "radiogroup", "aria-label": term("span") });
    for (const span of Object.keys(SPANS) as Span[]) {
      const choice = button(term(span), "span", () => {
        lastSpan = span;
        for (const one of spans.children) one.setAttribute("aria-checked", String(one === choice));
        void this.draw();
      });
      choice.setAttribute("role", "radio");
      choice.setAttribute("aria-checked", String(span === lastSpan));
      spans.append(choice);
    }
    this.element.append(spans, this.place);
    void this.draw();
  }

  /** Ask for the buckets again, and draw them. */
  async draw(): Promise<void> {
    const mine = ++this.asked;
    const bucket = lastSpan === "year" ? "day" : "hour";
    const now = Date.now();
    const query = { datastream: String(this.stream.id), from: new Date(now - SPANS[lastSpan] * DAY_MS).toISOString(), to: new Date(now).toISOString(), bucket };
    try {
      const series = await seriesOf(this.device, query);
      if (mine !== this.asked) return;
      const flagged = series.flagged.reduce((sum, one) => sum + one, 0);
      const legend = [`${term("mean")}，${term("band")}`, term(bucket === "hour" ? "hourly" : "daily"), flagged ? `${flagged} ${term("flagged")}` : ""];
      this.place.replaceChildren(
        seriesChart(series, this.limits ?? [], this.stream.unit?.symbol ?? ""),
        element("p", { class: "fine" }, legend.filter(Boolean).join(" · "), this.limits ? "" : ` · ${term("limitsNeedRight")}`),
      );
    } catch (error) {
      if (mine === this.asked) this.place.replaceChildren(element("p", { class: "caution" }, error instanceof Error ? error.message : String(error)));
    }
  }
}

/** The limits of rules that watch a datastream. */
export function limitsOf(rules: AlarmRule[], device: DeviceDocument, stream: StreamRecord, property: number | undefined): Limit[] {
  const watches = (rule: AlarmRule): boolean =>
    rule.enabled !== false
    && (rule.datastream === undefined || rule.datastream === stream.id)
    && (rule.observed_property === undefined || rule.observed_property === property)
    && (rule.placement === undefined || rule.placement === device.placement)
    && (rule.region_code === undefined || (device.region_code ?? "").startsWith(rule.region_code))
    && (rule.device_kind === undefined || rule.device_kind === device.kind);
  return rules.filter((rule) => rule.condition.kind === "threshold" && watches(rule)).flatMap(({ condition, name, severity }) =>
    [condition.above, condition.below].flatMap((value) => (value === undefined ? [] : [{ value, name, colour: SEVERITY_COLOURS[severity] }])));
}
