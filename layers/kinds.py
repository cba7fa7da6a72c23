"""What is said of a layer's kind wherever its description is read, above all what cannot be done with it yet."""

from cim.model.collection import LayerKind
from layers.text import Text

NOTES: dict[LayerKind, Text] = {
    "pointcloud": Text(
        zh="平面地图只显示各点云文件的范围；点云原件以 LAZ 保存在服务器上，三维视图显示各点，不能按点查询。",
        en="The flat map shows the outline of each point cloud file. The points are kept on the server as LAZ; "
        "the 3D view draws them, they cannot be queried.",
    ),
    "tileset": Text(
        zh="平面地图只显示各三维瓦片集的范围；三维视图按原样显示。",
        en="The flat map shows the outline of each set of 3D tiles; the 3D view draws it as it is.",
    ),
}
WORDS: dict[LayerKind, Text] = {
    "pointcloud": Text(zh="点云文件", en="point cloud file"),
    "tileset": Text(zh="三维瓦片集", en="set of 3D tiles"),
}
"""What one feature is called where no definition says it."""
FEATURE = Text(zh="要素", en="feature")
NOTHING = Text(zh="", en="")


def described(description: Text | None, kind: LayerKind) -> Text:
    """A layer's description with what is to be said of its kind."""
    note = NOTES.get(kind)
    if description is None or note is None:
        return description or note or NOTHING
    return Text(zh=f"{description.zh} {note.zh}".strip(), en=f"{description.en} {note.en}".strip())
