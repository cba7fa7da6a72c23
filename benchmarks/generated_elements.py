"""The elements and rooms of one storey of a generated IFC file, each with its property sets and quantities."""

import zlib
from dataclasses import dataclass, field

from benchmarks.generated_model import Model
from benchmarks.step_text import Ref, Value

SLAB_MM = 120.0
Spot = tuple[float, float, float]


@dataclass(slots=True)
class Storey:
    """The storey being written: its key, placement, and the elements and rooms in it so far."""

    model: Model
    key: str
    placement: Ref
    elements: list[Ref] = field(default_factory=list)
    spaces: list[Ref] = field(default_factory=list)
    made: int = 0

    def jitter(self, what: str, most: float) -> float:
        """A length between plus and minus ``most``, the same for the same words, in whole millimetres."""
        share = zlib.crc32(f"{self.key} {what}".encode()) / 2**32
        return float(round((2 * share - 1) * most))

    def element(
        self,
        kind: str,
        name: str,
        placement: Ref,
        shape: Ref,
        *rest: Value,
        of: str = "",
        material: str = "",
        size: Spot = (1.0, 1.0, 1.0),
    ) -> Ref:
        """One element with its property sets and quantities; ``of`` is its type, ``rest`` its last attributes."""
        model, self.made = self.model, self.made + 1
        key = f"{self.key} {self.made}"
        model.elements += 1
        tag = str(300_000 + model.elements)
        made = model.rooted(f"IFC{kind.upper()}", key, f"{name}:{tag}", None, of or name, placement, shape, tag, *rest)
        self._describe(made, key, kind, name, size)
        if of:
            model.of_type[of].append(made)
        if material:
            model.of_material[material].append(made)
        self.elements.append(made)
        return made

    def _describe(self, made: Ref, key: str, kind: str, name: str, size: Spot) -> None:
        model = self.model
        length, width, height = size
        mark = f"{name}-改" if model.altered(key) else name
        sets = [
            model.property_set(
                key,
                f"Pset_{kind}Common",
                {
                    "Reference": ("IFCIDENTIFIER", name),
                    "IsExternal": ("IFCBOOLEAN", "外" in name),
                    "LoadBearing": ("IFCBOOLEAN", kind in {"Column", "Beam", "Slab"}),
                    "FireRating": ("IFCLABEL", "2.0 h"),
                    "ThermalTransmittance": ("IFCTHERMALTRANSMITTANCEMEASURE", 0.45),
                },
            ),
            model.property_set(
                key,
                "标识数据",
                {
                    "标记": ("IFCTEXT", mark),
                    "注释": ("IFCTEXT", f"{self.key} 第 {self.made} 个构件"),
                    "编码": ("IFCTEXT", key),
                    "阶段": ("IFCLABEL", "施工图"),
                    "分包": ("IFCLABEL", "土建一标段"),
                    "二维码": ("IFCLABEL", f"{zlib.crc32(key.encode()):010d}"),
                },
            ),
            model.property_set(
                key,
                "限制条件",
                {
                    "底部偏移": ("IFCLENGTHMEASURE", 0.0),
                    "顶部偏移": ("IFCLENGTHMEASURE", -SLAB_MM),
                    "标高": ("IFCLABEL", self.key),
                    "房间边界": ("IFCBOOLEAN", True),
                    "与体量相关": ("IFCBOOLEAN", False),
                },
            ),
            model.quantity_set(
                key,
                f"Qto_{kind}BaseQuantities",
                {
                    "Length": length,
                    "Width": width,
                    "Height": height,
                    "GrossSideArea": round(length * height / 1e6, 3),
                    "GrossVolume": round(length * width * height / 1e9, 4),
                },
            ),
        ]
        for number, each in enumerate(sets):
            model.rooted("IFCRELDEFINESBYPROPERTIES", f"{key} set {number}", None, None, (made,), each)

    def own_height(self, height: float) -> float:
        """The height of the next element, larger where that element is one that changes."""
        return height + 50.0 if self.model.altered(f"{self.key} {self.made + 1}") else height
