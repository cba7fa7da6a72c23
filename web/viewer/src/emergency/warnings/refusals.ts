/** Telling a refusal beside the field it is about; at the foot of the form where that is not known. */

import { problemLine, tellBeside } from "../forms";
import { said } from "../words";
import { whereOf } from "./words";

export class Refusals {
  readonly foot = problemLine();

  /** `controls` are the places of fields, by the name that a refusal's place begins with. */
  constructor(private readonly form: () => HTMLElement, private readonly controls: Record<string, HTMLElement>) {}

  clear(): void {
    this.foot.textContent = "";
    for (const line of this.form().querySelectorAll(".em-problem.told")) line.remove();
  }

  tell(error: unknown): void {
    this.clear();
    const where = whereOf(error);
    const name = Object.keys(this.controls).find((one) => where === one || where.startsWith(`${one}.`) || (where.startsWith("alert/") && where.includes(`/${one}`)));
    const control = name === undefined ? undefined : this.controls[name];
    if (!control) {
      this.foot.textContent = [where, said(error)].filter(Boolean).join("：");
      return;
    }
    tellBeside(control, said(error));
  }
}
