/** A button that has to be pressed twice, for what cannot be taken back. */

import { button } from "../../dom";

export function sureButton(label: string, again: string, className: string, act: () => void): HTMLButtonElement {
  let sure = false;
  const made = button(label, className, () => {
    if (sure) act();
    sure = !sure;
    made.textContent = sure ? again : label;
  });
  made.addEventListener("blur", () => {
    sure = false;
    made.textContent = label;
  });
  return made;
}
