/** Words of the duty modes. */

import { current } from "../i18n";

const TERMS = {
  mode: { zh: "值守模式", en: "Duty mode" },
  leave: { zh: "退出值守模式", en: "Leave the mode" },
  restore: { zh: "退出，恢复原来的图层", en: "Leave, as it was before" },
  thisMonth: { zh: "本月", en: "this month" },
  base: { zh: "底图", en: "Base map" },
  vector: { zh: "矢量", en: "plain" },
  terrain: { zh: "地形", en: "terrain" },
  orthophoto: { zh: "影像", en: "orthophoto" },
  noBase: { zh: "没有可用的图层，底图未换", en: "there is none to show" },
  noRight: { zh: "无权查看", en: "Not open to you" },
  noData: { zh: "服务器没有（或未向您开放）", en: "The server has none for you" },
  someDrawn: { zh: "已显示图层", en: "Layers shown" },
  cameras: { zh: "点击图上的摄像机查看画面", en: "Click a camera on the map to see its picture" },
  unknown: { zh: "没有这个值守模式", en: "There is no such duty mode" },
  login: { zh: "登录后可看到更多图层", en: "Log in to see more" },
} as const;

export type ModeTerm = keyof typeof TERMS;

export function modeTerm(name: ModeTerm): string {
  return TERMS[name][current()];
}

export function baseName(base: string): string {
  return base === "vector" || base === "terrain" || base === "orthophoto" ? modeTerm(base) : base;
}

export const listed = (names: string[]): string => names.join(current() === "zh" ? "、" : ", ");
