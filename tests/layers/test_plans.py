"""Plans and duty modes: the shipped ones load, an office replaces them, faults are named with file and entry."""

from pathlib import Path

import pytest

from cim.errors import DefinitionError
from cim.model.incident_kinds import GRADES, lists
from layers.catalog import SHIPPED, load_catalog

PLAN = (SHIPPED / "plans" / "chemical-leak.toml").read_text("utf-8")
MODES = (SHIPPED / "modes.toml").read_text("utf-8")


def office(folder: Path, **files: str) -> Path:
    (folder / "plans").mkdir()
    (folder / "themes.toml").write_text((SHIPPED / "themes.toml").read_text("utf-8"), "utf-8")
    for name, text in files.items():
        place = folder / "modes.toml" if name == "modes" else folder / "plans" / f"{name.replace('_', '-')}.toml"
        place.write_text(text, "utf-8")
    return folder


def test_shipped_plans_are_in_order_of_time_and_have_sources() -> None:
    catalog = load_catalog()
    assert set(catalog.plans) == {"chemical-leak", "flash-flood", "geological-hazard", "earthquake", "forest-fire"}
    for plan in catalog.plans.values():
        assert plan.source
        counts = [len(plan.steps_at(level)) for level in (*GRADES, None)]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] == len(plan.step)
    planned = {kind.plan for kind in lists().kind.values()} - {""}
    assert planned <= set(catalog.plans)


def test_the_five_modes_name_layers_that_exist() -> None:
    catalog = load_catalog()
    assert [mode.title.zh for mode in catalog.modes] == ["日常值守", "汛期值守", "假期值守", "疫情值守", "应急指挥"]
    assert all(set(mode.layers) <= set(catalog.layers) for mode in catalog.modes)


def test_an_office_replaces_a_plan_and_a_mode(tmp_path: Path) -> None:
    mode = MODES.split("[[mode]]")[1].replace("日常值守", "平日")
    folder = office(tmp_path, chemical_leak=PLAN.replace("核实地点", "先核实地点"), modes=f"[[mode]]{mode}")
    catalog = load_catalog([SHIPPED, folder])
    assert catalog.plans["chemical-leak"].step[0].what.zh.startswith("先核实地点")
    assert [mode.title.zh for mode in catalog.modes][:2] == ["平日", "汛期值守"]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("other", PLAN, "the id is 'chemical-leak'"),
        ("chemical_leak", PLAN.replace('kinds = ["chemical-leak"', 'kinds = ["meteor"'), "meteor"),
        ("chemical_leak", PLAN.replace("offset_min = 5\n", "offset_min = 500\n"), "offset_min"),
        ("chemical_leak", PLAN.replace('id = "isolate"', 'id = "confirm"'), "same id"),
        ("chemical_leak", PLAN.replace('response_level = "III"', 'response_level = "V"'), "response_level"),
        ("chemical_leak", "id = ", "correct the TOML"),
        ("modes", MODES.replace('"water"', '"lava"'), "lava"),
        ("modes", MODES.replace('"alarms"', '"gossip"'), "panels"),
    ],
)
def test_faults_name_the_file_and_the_entry(tmp_path: Path, name: str, text: str, fault: str) -> None:
    folder = office(tmp_path, **{name: text})
    with pytest.raises(DefinitionError) as told:
        load_catalog([SHIPPED, folder])
    assert fault in str(told.value)
    assert ".toml" in told.value.where
