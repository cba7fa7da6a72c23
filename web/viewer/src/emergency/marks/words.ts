/** Words of changing marks. */

import { current } from "../../i18n";

const TERMS = {
  edit: { zh: "修改", en: "Change" },
  editing: { zh: "修改标绘", en: "Change a mark" },
  symbol: { zh: "符号", en: "Symbol" },
  label: { zh: "标注", en: "Label" },
  dragPoint: { zh: "在平面图上拖动符号移动位置", en: "Drag the symbol on the flat map to move it" },
  dragShape: { zh: "在平面图上拖动顶点改形状，拖动空心点加点，右击顶点（或选中后按 Delete）去点，拖动“移”整体移动", en: "On the flat map drag a corner to reshape, a hollow point to add one, 移 to move all of it; right click a corner (or Delete) takes it out" },
  redraw: { zh: "重画", en: "Draw anew" },
  save: { zh: "保存修改", en: "Save" },
  saving: { zh: "正在保存…", en: "Saving…" },
  cancel: { zh: "放弃修改", en: "Discard" },
  close: { zh: "关闭", en: "Close" },
  nothing: { zh: "没有改动", en: "Nothing was changed" },
  unsavedFirst: { zh: "先保存或放弃正在修改的标绘", en: "Save or discard the mark you are changing first" },
  lost: { zh: "未保存的标绘修改已放弃", en: "The change to a mark was not saved and is discarded" },
  incidentClosed: { zh: "事件已结束，修改不能保存", en: "The incident is closed, the change cannot be saved" },
  theyChanged: { zh: "改了这个标绘", en: "changed this mark" },
  theyRemoved: { zh: "删除了这个标绘", en: "removed this mark" },
  taken: { zh: "已按最新内容显示", en: "its newest state is shown" },
  mineKept: { zh: "您的修改尚未保存，仍在图上，请选择：", en: "Your change is not saved and still on the map. Choose:" },
  keepMine: { zh: "保存我的修改", en: "Save mine" },
  takeTheirs: { zh: "采用对方的", en: "Take theirs" },
  drawMine: { zh: "按我的内容重新标绘", en: "Draw mine as a new mark" },
  movedBy: { zh: "位置移动", en: "moved by" },
  reshaped: { zh: "位置或形状改变", en: "place or shape changed" },
  restyled: { zh: "样式改变", en: "look changed" },
  somebody: { zh: "其他席位", en: "Another seat" },
  showAreas: { zh: "上图", en: "Show on the map" },
  hideAreas: { zh: "撤下", en: "Take off the map" },
  metres: { zh: "米", en: "m" },
  minutes: { zh: "分钟", en: "min" },
} as const;

export type MarkTerm = keyof typeof TERMS;

export function markTerm(name: MarkTerm): string {
  return TERMS[name][current()];
}
