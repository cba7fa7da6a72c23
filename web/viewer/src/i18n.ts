/** Two languages, Chinese first; the choice is remembered. */

import type { Text } from "./api";

export type Language = "zh" | "en";

const WORDS = {
  title: { zh: "彭州市城市信息模型平台", en: "Pengzhou City Information Model" },
  subtitle: { zh: "一张图", en: "One map" },
  synthetic: { zh: "合成数据", en: "Synthetic data" },
  search: { zh: "搜索地名、地址、编码、拼音", en: "Search names, addresses, codes, pinyin" },
  layers: { zh: "图层", en: "Layers" },
  login: { zh: "登录", en: "Log in" },
  logout: { zh: "退出", en: "Log out" },
  name: { zh: "用户名", en: "Name" },
  password: { zh: "密码", en: "Password" },
  cancel: { zh: "取消", en: "Cancel" },
  close: { zh: "关闭", en: "Close" },
  tilt: { zh: "2.5D", en: "2.5D" },
  flat: { zh: "2D", en: "2D" },
  opacity: { zh: "透明度", en: "Opacity" },
  version: { zh: "版本", en: "Version" },
  features: { zh: "要素", en: "features" },
  nothing: { zh: "此处没有要素", en: "Nothing here" },
  noHits: { zh: "没有找到", en: "Nothing found" },
  results: { zh: "查询结果", en: "What is here" },
  loading: { zh: "正在加载…", en: "Loading…" },
  public: { zh: "公开", en: "public" },
  internal: { zh: "内部", en: "internal" },
  restricted: { zh: "受限", en: "restricted" },
  draft: { zh: "待发布", en: "draft" },
  zoom: { zh: "级别", en: "Zoom" },
  zone: { zh: "CGCS2000 3度带 中央经线105°", en: "CGCS2000 3° zone CM 105°E" },
  noWebgl: { zh: "此浏览器不支持 WebGL2，无法显示地图", en: "This browser has no WebGL2, so the map cannot be drawn" },
} as const;

export type Word = keyof typeof WORDS;

let language: Language = localStorage.getItem("cim-language") === "en" ? "en" : "zh";

export function current(): Language {
  return language;
}
export function choose(next: Language): void {
  language = next;
  localStorage.setItem("cim-language", next);
  document.documentElement.lang = next;
}
export function word(name: Word): string {
  return WORDS[name][language];
}
export function text(value: Text): string {
  return value[language] || value.zh || value.en;
}
