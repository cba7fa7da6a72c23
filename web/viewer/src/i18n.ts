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
  terrain: { zh: "地形", en: "Terrain" },
  drawnAs: { zh: "显示方式", en: "Drawn as" },
  heightHere: { zh: "此处高程", en: "Height here" },
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
  imports: { zh: "数据导入", en: "Import" },
  drop: { zh: "把文件拖到这里，或点击选择", en: "Drop a file here, or click to choose" },
  dropHint: { zh: "SHP（各部分一起）、GDB/GPKG、GeoJSON、DXF、KML、CSV/XLSX、红线 TXT、VCT、影像、ZIP 等；上传后先检查，确认后才入库", en: "Shapefile parts together, GDB, GPKG, GeoJSON, DXF, KML, CSV/XLSX, red-line TXT, VCT, rasters, ZIP; looked into first, imported only when you say so" },
  sending: { zh: "正在上传", en: "Uploading" },
  inspecting: { zh: "正在检查…", en: "Looking into it…" },
  found: { zh: "检查结果", en: "What is in it" },
  crs: { zh: "坐标系", en: "CRS" },
  encoding: { zh: "编码", en: "Encoding" },
  extent: { zh: "范围", en: "Extent" },
  fields: { zh: "字段", en: "Fields" },
  target: { zh: "入库图层", en: "Into layer" },
  ownName: { zh: "按文件中的图层名", en: "the file's own layer names" },
  mode: { zh: "更新方式", en: "How it meets what is there" },
  modeReplace: { zh: "整体替换", en: "replace the whole layer" },
  modeUpsert: { zh: "新增和更新", en: "add and change" },
  modeAppend: { zh: "只追加", en: "only add" },
  crsGiven: { zh: "坐标系（文件未声明或声明有误时填写）", en: "CRS, where the file's is missing or wrong" },
  encodingGiven: { zh: "编码（自动判断有误时填写）", en: "Encoding, where the guess is wrong" },
  split: { zh: "按几何类型拆分", en: "One layer for each kind of geometry" },
  mapping: { zh: "字段对应", en: "Field mapping" },
  automatic: { zh: "自动", en: "automatic" },
  start: { zh: "开始导入", en: "Import" },
  again: { zh: "重新导入", en: "Import again" },
  remove: { zh: "移除", en: "Remove" },
  queued: { zh: "排队中…", en: "Waiting…" },
  working: { zh: "正在导入", en: "Importing" },
  read: { zh: "读取", en: "read" },
  loaded: { zh: "入库", en: "loaded" },
  rejected: { zh: "剔除", en: "set aside" },
  repaired: { zh: "修复", en: "repaired" },
  skipped: { zh: "跳过", en: "skipped" },
  checks: { zh: "质检", en: "Checks" },
  report: { zh: "报告", en: "Report" },
  faultsOnMap: { zh: "在地图上看问题", en: "Faults on the map" },
  changesOnMap: { zh: "在地图上看变化", en: "Changes on the map" },
  undo: { zh: "撤销", en: "Undo" },
  undone: { zh: "已撤销，回到之前的版本", en: "Undone: the layer is as before" },
  uploads: { zh: "已上传", en: "Uploads" },
  newest: { zh: "最近导入", en: "Newest imports" },
  none: { zh: "没有", en: "None" },
  published: { zh: "已发布", en: "published" },
  unchanged: { zh: "无变化", en: "unchanged" },
  partial: { zh: "部分入库", en: "partly loaded" },
  refused: { zh: "已拒绝", en: "refused" },
  running: { zh: "进行中", en: "running" },
  noFaults: { zh: "没有带位置的问题", en: "No fault has a place" },
  cannotLoad: { zh: "不能入库", en: "will not load" },
  nulls: { zh: "空值", en: "nulls" },
  noWebgl: { zh: "此浏览器不支持 WebGL2，无法显示地图", en: "This browser has no WebGL2, so the map cannot be drawn" },
  compare: { zh: "比对", en: "Compare" },
  twoPanes: { zh: "两屏", en: "Two panes" },
  fourPanes: { zh: "四屏", en: "Four panes" },
  swipe: { zh: "卷帘", en: "Swipe" },
  copyLink: { zh: "复制链接", en: "Copy link" },
  copied: { zh: "链接已复制", en: "The link is copied" },
  backToMap: { zh: "返回地图", en: "Back to the map" },
  shownState: { zh: "显示的时点或情景", en: "Instant or scenario shown" },
  now: { zh: "现状", en: "Now" },
  scenario: { zh: "规划情景", en: "Scenario" },
  instant: { zh: "时点", en: "Instant" },
  otherInstant: { zh: "指定时点…", en: "At another time…" },
  picturesNow: { zh: "影像只有当前版本", en: "pictures are shown as they are now" },
  noSuchLayer: { zh: "没有此图层，或无权查看", en: "there is no such layer that you may see" },
  emptyThen: { zh: "当时没有数据", en: "nothing at that time" },
  blockFigures: { zh: "地块指标", en: "Block figures" },
  profile: { zh: "剖面", en: "Profile" },
  drawArea: { zh: "画范围", en: "Draw an area" },
  drawLine: { zh: "画线", en: "Draw a line" },
  pickParcel: { zh: "点选规划地块", en: "Pick a plan parcel" },
  drawHint: { zh: "点击加点，双击或回车结束，退格去掉上一点，Esc 取消", en: "Click to add points, double click or Enter to end, Backspace takes one back, Esc cancels" },
  pickHint: { zh: "点击一个规划地块", en: "Click a plan parcel" },
  noParcel: { zh: "此处没有规划地块", en: "There is no plan parcel here" },
  noScenario: { zh: "不用情景", en: "no scenario" },
  notKnown: { zh: "未知", en: "unknown" },
  remarks: { zh: "说明", en: "Remarks" },
  editions: { zh: "数据版本", en: "Editions" },
  distance: { zh: "距离", en: "Distance" },
  elevation: { zh: "高程", en: "Height" },
  calculating: { zh: "正在计算…", en: "Working it out…" },
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
