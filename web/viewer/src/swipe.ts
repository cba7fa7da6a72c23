/** 卷帘: a bar that is drawn over two maps on top of each other; left of it is the one, right of it the other. */

import { element } from "./dom";
import { word } from "./i18n";

const STEP_PERCENT = 2;

export function swipeBar(stage: HTMLElement): HTMLElement {
  const bar = element("div", {
    class: "swipe-bar", role: "slider", tabindex: "0", "aria-label": word("swipe"), "aria-valuemin": "0", "aria-valuemax": "100",
  }, element("span", {}, "⇔"));
  let at = 50;
  const put = (percent: number): void => {
    at = Math.min(98, Math.max(2, percent));
    stage.style.setProperty("--split", `${at}%`);
    bar.setAttribute("aria-valuenow", String(Math.round(at)));
  };
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  bar.addEventListener("pointermove", (event) => {
    if (!bar.hasPointerCapture(event.pointerId)) return;
    const { left, width } = stage.getBoundingClientRect();
    put(((event.clientX - left) / width) * 100);
  });
  bar.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") put(at - STEP_PERCENT);
    if (event.key === "ArrowRight") put(at + STEP_PERCENT);
  });
  put(at);
  return bar;
}
