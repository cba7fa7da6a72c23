/** Placing a building model by points known in the model and on the map, with what remains at each. */

import { ask, type Session } from "./api";
import { button, element } from "./dom";
import { word } from "./i18n";

export interface GivenPlacement {
  srid: number;
  east_m: number;
  north_m: number;
  height_m: number;
  abscissa: number;
  ordinate: number;
  scale: number;
  height_datum: string | null;
}
interface Fitted {
  placement: GivenPlacement;
  residuals_m: [number, number, number][];
  rms_plan_m: number;
  rms_height_m: number;
}
const FIRST_ROWS = 3;
const COLUMNS = ["x", "y", "z", "E", "N", "H"];
const RESTS = ["ΔE", "ΔN", "ΔH"];
const WIDE_M = 0.1;

export class ControlPointsForm {
  readonly element: HTMLElement;
  private readonly body = element("tbody", {});
  private readonly crs = element("input", { value: "EPSG:4544", "aria-label": word("crs") });
  private readonly told = element("p", { class: "fine", role: "status" });
  private fitted: GivenPlacement | null = null;

  constructor(private readonly session: Session, open: boolean) {
    for (let row = 0; row < FIRST_ROWS; row += 1) this.add();
    this.element = element(
      "details", { class: "control-points", ...(open ? { open: "" } : {}) },
      element("summary", {}, word("controlPoints")),
      element("p", { class: "fine" }, word("controlHint")),
      element("label", {}, word("crs"), this.crs),
      element("table", {}, this.body),
      element("div", { class: "buttons" }, button(`+ ${word("point")}`, "quiet", () => this.add()), button(word("fit"), "quiet fit", () => void this.fit())),
      this.told,
    );
  }

  /** The placement that was fitted, null where none was: then the file's own holds. */
  get placement(): GivenPlacement | null {
    return this.fitted;
  }

  private add(): void {
    const number = this.body.children.length + 1;
    const cells = COLUMNS.map((name) => element("td", {}, element("input", { inputmode: "decimal", placeholder: `${name}${number}`, "aria-label": `${name}${number}` })));
    const rests = [0, 1, 2].map(() => element("td", { class: "rest" }));
    const row = element("tr", {}, ...cells, ...rests);
    row.addEventListener("input", () => this.forget());
    this.body.append(row);
  }

  private forget(): void {
    this.fitted = null;
    this.told.textContent = "";
    for (const cell of this.body.querySelectorAll(".rest")) cell.textContent = "";
  }

  private async fit(): Promise<void> {
    this.forget();
    const rows = [...this.body.rows].filter((row) => [...row.querySelectorAll("input")].some((input) => input.value.trim()));
    const points = rows.map((row) => {
      const values = [...row.querySelectorAll("input")].map((input) => (input.value.trim() ? Number(input.value) : Number.NaN));
      return { model: values.slice(0, 3), map: values.slice(3) };
    });
    if (points.some((point) => [...point.model, ...point.map].some(Number.isNaN))) {
      this.told.textContent = word("controlNumbers");
      return;
    }
    try {
      const found = await ask<Fitted>("/models/placements", {
        method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": this.session.csrf ?? "" },
        body: JSON.stringify({ crs: this.crs.value.trim(), points }),
      });
      this.fitted = found.placement;
      found.residuals_m.forEach((rest, number) => {
        const cells = rows[number]?.querySelectorAll<HTMLElement>(".rest") ?? [];
        rest.forEach((value, axis) => {
          const cell = cells[axis];
          if (!cell) return;
          cell.textContent = `${RESTS[axis]} ${value.toFixed(3)}`;
          cell.classList.toggle("problem", Math.abs(value) > WIDE_M);
        });
      });
      this.told.textContent = `${word("remains")} ${found.rms_plan_m.toFixed(3)} m · H ${found.rms_height_m.toFixed(3)} m${points.length < FIRST_ROWS ? ` · ${word("twoCheckNothing")}` : ""}`;
    } catch (error) {
      this.told.textContent = error instanceof Error ? error.message : String(error);
    }
  }
}
