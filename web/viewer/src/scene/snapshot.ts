/** 截图: the picture as it is, with a line that says what, where and when, as a file. */

import type { Scene } from "cesium";
import { keepFile } from "../api";
import { word } from "../i18n";

const FOOT_PX = 26;

export function snapshot(scene: Scene, place: string): void {
  scene.requestRender();
  scene.render();
  const seen = scene.canvas;
  const made = document.createElement("canvas");
  made.width = seen.width;
  made.height = seen.height + FOOT_PX;
  const pen = made.getContext("2d");
  if (!pen) return;
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, made.width, made.height);
  pen.drawImage(seen, 0, 0);
  pen.fillStyle = "#1d2733";
  pen.font = '13px system-ui, "Noto Sans CJK SC", sans-serif';
  pen.textBaseline = "middle";
  const now = new Date();
  pen.fillText(`${word("title")} · ${word("synthetic")} · ${place} · ${now.toLocaleString()}`, 8, seen.height + FOOT_PX / 2);
  made.toBlob((content) => {
    if (content) keepFile(content, `onemap-3d-${now.toISOString().slice(0, 19).replaceAll(":", "")}.png`);
  }, "image/png");
}
