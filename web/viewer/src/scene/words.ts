/** Words of the 3D view. */

import { current } from "../i18n";

const TERMS = {
  scene: { zh: "三维 3D", en: "3D" },
  flat: { zh: "返回二维", en: "Back to 2D" },
  opening: { zh: "正在打开三维视图…", en: "Opening the 3D view…" },
  noScene: { zh: "没有三维视图", en: "There is no 3D view" },
  noneOffered: { zh: "服务器没有可供您查看的三维数据", en: "The server has no 3D content that you may see" },
  noWebgl: { zh: "此浏览器不支持 WebGL2（或图形加速已关闭），无法显示三维。请换用新版浏览器，或在浏览器设置中打开图形加速。", en: "This browser has no WebGL2, or graphics acceleration is off: 3D cannot be drawn. Use a newer browser, or switch graphics acceleration on in its settings." },
  stopped: { zh: "三维绘制出错，已返回二维", en: "Drawing in 3D failed; this is the flat map again" },
  noTerrain: { zh: "没有可用的地形，地面按水平面绘制，高度仅供参考", en: "There is no terrain for you: the ground is drawn level, heights against it mean little" },
  tools: { zh: "三维工具", en: "3D tools" },
  models: { zh: "建筑信息模型", en: "Building models" },
  north: { zh: "正北", en: "North up" },
  nearer: { zh: "放大", en: "Nearer" },
  farther: { zh: "缩小", en: "Farther" },
  eyeHeight: { zh: "视点高", en: "Eye" },
  height: { zh: "高程", en: "Height" },
  ellipsoidal: { zh: "大地高", en: "ellipsoidal" },
  notLoaded: { zh: "三维数据无法加载", en: "3D content cannot be loaded" },
  noRecord: { zh: "此对象没有数据库记录", en: "The database has no record of this" },
} as const;

export type Term = keyof typeof TERMS;

export function term(name: Term): string {
  return TERMS[name][current()];
}
